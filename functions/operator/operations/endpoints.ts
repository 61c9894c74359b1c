import * as z from 'zod/mini';
import { rowsBetween } from '#functions/dynamodb/index-pages.ts';
import { type OperationInput, type OperatorDependencies, on, operation } from '#functions/operator/api/operation.ts';
import { cursorOf, pageOf, pageQuery, placeOf } from '#functions/operator/api/page.ts';
import { existing } from '#functions/operator/api/problem.ts';
import { always, iso, never, spanOf, time } from '#functions/operator/api/schemas.ts';
import { recover, replay, sendTest } from '#functions/webhooks/deliveries/replay.ts';
import { stateOf } from '#functions/webhooks/endpoints/circuit-breaker.ts';
import { type Endpoint, endpointOf, secretsOf } from '#functions/webhooks/endpoints/endpoint.ts';
import { endpointKey } from '#functions/webhooks/endpoints/endpoints.ts';
import { plausibleLease } from '#functions/webhooks/endpoints/lease.ts';
import * as lifecycle from '#functions/webhooks/endpoints/lifecycle.ts';
import { endpointName, endpointSettingFields, endpointSettings } from '#functions/webhooks/endpoints/settings.ts';

// `true` keeps the OpenAPI document the same for all installations; storing an endpoint applies the installation's rule.
const fields = endpointSettingFields(true);
const secret = z.string().check(z.maxLength(200));
const reason = z.string().check(z.minLength(1), z.maxLength(500));

const endpointPath = '/endpoints/{name}';

const onEndpoint = on({ name: endpointName }, ({ name }) => name);

const shown = async (deps: OperatorDependencies, endpoint: Endpoint) => (await allShown(deps, [endpoint]))[0]!;

async function allShown({ webhooks }: OperatorDependencies, endpoints: readonly Endpoint[]) {
  const now = webhooks.now().getTime();
  const leases = await webhooks.leases.of(endpoints.map(({ name }) => name));
  return endpoints.map((endpoint, index) => {
    const lease = plausibleLease(leases[index]!, now);
    const { failingSince, failedAttempts, openUntil } = lease;
    const state = stateOf(lease, now);
    const { encrypted, origin, rev, pending, isDeclared = false, health, ...settings } = endpoint;
    return {
      ...settings,
      ...lifecycle.viewOf(webhooks, endpoint),
      isDeclared,
      health: health && { ...health, warnedAt: health.warnedAt === undefined ? undefined : iso(health.warnedAt) },
      inFlight: Object.values(lease.inFlight).filter(({ until }) => until > now).length,
      failures: failingSince === undefined ? undefined : { count: failedAttempts, since: iso(failingSince) },
      circuitBreaker: state === 'closed' ? undefined : { state, openUntil: iso(openUntil!) },
    };
  });
}

const registry = { ranges: [rowsBetween(endpointKey('').pk, ' ', '~')], read: endpointOf };

/** An operation that takes no body, and answers with the endpoint that `act` returns. */
const plainly = (act: (life: OperatorDependencies['webhooks'], name: string) => Promise<Endpoint>) => ({
  ...onEndpoint,
  run: async (deps: OperatorDependencies, { params: { name } }: { readonly params: { readonly name: string } }) =>
    shown(deps, await act(deps.webhooks, name)),
});

const perSecond = z.int().check(z.minimum(1), z.maximum(1000));
const recovery = z.strictObject({
  ...z.partial(z.strictObject({ from: time, until: time, perSecond })).shape,
  cursor: pageQuery.cursor,
  dryRun: z._default(z.boolean(), false),
});

type Body = z.output<typeof recovery>;

const inOrder = z.refine<Body>(({ from = always, until = never }) => Date.parse(from) < Date.parse(until), {
  path: ['until'],
  error: 'expected a time after from',
});

const released =
  (release: typeof replay) =>
  async (deps: OperatorDependencies, input: OperationInput<{ readonly name: string }, unknown, Body>) => {
    const { cursor, ...manner } = input.body;
    const options = { ...manner, ...spanOf(manner), after: placeOf(cursor), deadline: input.deadline };
    const { next, ...done } = await release(deps.webhooks, input.params.name, options);
    return { ...done, next: next && cursorOf(next) };
  };

export const endpointOperations = [
  operation('listEndpoints', 'GET /endpoints', {
    query: z.strictObject(pageQuery),
    async run(deps, { query }) {
      const { items, next } = await pageOf(deps.tables.webhooks, registry, query);
      return { items: await allShown(deps, items), next };
    },
  }),
  operation('addEndpoint', 'POST /endpoints', {
    body: z.extend(endpointSettings(true), {
      name: endpointName,
      secret: z.optional(secret),
      isAsymmetric: z._default(z.boolean(), false),
    }),
    status: 201,
    target: ({ body }) => body.name,
    async run(deps, { body: { name, secret: chosen, isAsymmetric, ...settings } }) {
      const added = await lifecycle.addEndpoint(deps.webhooks, name, settings, { secret: chosen, isAsymmetric });
      return { ...added, endpoint: await shown(deps, added.endpoint) };
    },
  }),
  operation('showEndpoint', `GET ${endpointPath}`, plainly(lifecycle.existingEndpoint)),
  operation('updateEndpoint', `PATCH ${endpointPath}`, {
    ...onEndpoint,
    body: z.partial(
      z.strictObject({ ...fields, mailboxes: z.nullable(fields.mailboxes), directions: z.nullable(fields.directions) }),
    ),
    async run(deps, { params: { name }, body }) {
      const named = Object.entries(body).map(([setting, value]) => [setting, value ?? undefined]);
      return shown(deps, await lifecycle.updateEndpoint(deps.webhooks, name, Object.fromEntries(named)));
    },
  }),
  operation('removeEndpoint', `DELETE ${endpointPath}`, {
    ...onEndpoint,
    status: 204,
    run: (deps, { params: { name } }) => lifecycle.removeEndpoint(deps.webhooks, name),
  }),
  operation('pauseEndpoint', `POST ${endpointPath}/pause`, plainly(lifecycle.pauseEndpoint)),
  operation('resumeEndpoint', `POST ${endpointPath}/resume`, plainly(lifecycle.resumeEndpoint)),
  operation('enableEndpoint', `POST ${endpointPath}/enable`, plainly(lifecycle.enableEndpoint)),
  operation('disableEndpoint', `POST ${endpointPath}/disable`, {
    ...onEndpoint,
    body: z.strictObject({ because: z._default(reason, 'an operator did') }),
    run: async (deps, { params: { name }, body: { because } }) =>
      shown(deps, await lifecycle.disableEndpoint(deps.webhooks, name, because)),
  }),
  operation('rotateSecret', `POST ${endpointPath}/rotate`, {
    ...onEndpoint,
    body: z.strictObject({
      overlapSeconds: z._default(z.int().check(z.minimum(0), z.maximum(30 * 86_400)), 86_400),
      secret: z.optional(secret),
    }),
    async run(deps, { params: { name }, body: { overlapSeconds, secret: chosen } }) {
      const rotated = await lifecycle.rotateSecret(deps.webhooks, name, overlapSeconds * 1000, chosen);
      return { ...rotated, endpoint: await shown(deps, rotated.endpoint) };
    },
  }),
  operation('testEndpoint', `POST ${endpointPath}/test`, {
    ...onEndpoint,
    status: 202,
    run: (deps, { params: { name } }) => sendTest(deps.webhooks, name),
  }),
  operation('showTemplate', `GET ${endpointPath}/template`, {
    ...onEndpoint,
    async run({ webhooks }, { params: { name } }) {
      const endpoint = await lifecycle.existingEndpoint(webhooks, name);
      const { template, variables = {} } = secretsOf(webhooks.dataKey, endpoint);
      return { template: existing(template, `template of ${name}`), variables: Object.keys(variables) };
    },
  }),
  operation('recoverEndpoint', `POST ${endpointPath}/recover`, {
    ...onEndpoint,
    body: recovery.check(inOrder),
    run: released(recover),
  }),
  operation('replayEndpoint', `POST ${endpointPath}/replay`, {
    ...onEndpoint,
    body: z.extend(recovery, { from: time, until: time }).check(inOrder),
    run: released(replay),
  }),
];

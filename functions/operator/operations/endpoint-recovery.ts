import * as z from 'zod/mini';
import { type OperationInput, type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { cursorOf, pageQuery, placeOf } from '#functions/operator/api/page.ts';
import { always, never, spanOf, time } from '#functions/operator/api/schemas.ts';
import { recover, replay } from '#functions/webhooks/deliveries/replay.ts';
import { endpointPath, onEndpoint } from './endpoints.ts';

const recovery = z.strictObject({
  from: z.optional(time),
  until: z.optional(time),
  cursor: pageQuery.cursor,
  dryRun: z._default(z.boolean(), false),
  perSecond: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
});

type Body = z.output<typeof recovery>;

const inOrder = z.refine<Body>(({ from = always, until = never }) => Date.parse(from) < Date.parse(until), {
  path: ['until'],
  error: 'expected a time after from',
});

/** Starts or continues a release until the deadline. */
const released =
  (release: typeof replay) =>
  async (deps: OperatorDependencies, input: OperationInput<{ readonly name: string }, unknown, Body>) => {
    const { cursor, ...manner } = input.body;
    const options = { ...manner, ...spanOf(manner), after: placeOf(cursor), deadline: input.deadline };
    const { next, ...done } = await release(deps.webhooks, input.params.name, options);
    return { ...done, next: next && cursorOf(next) };
  };

export const endpointRecoveryOperations = [
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

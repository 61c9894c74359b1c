import * as z from 'zod/mini';
import type { Deadline } from '#functions/clock/instants.ts';
import { type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { cursorOf, pageQuery, placeOf } from '#functions/operator/api/page.ts';
import { always, canonical, never, time } from '#functions/operator/api/schemas.ts';
import { recover, replay } from '#functions/webhooks/deliveries/replay.ts';
import { onEndpoint } from './endpoints.ts';

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
async function release(
  release: typeof replay,
  deps: OperatorDependencies,
  name: string,
  { from = always, until = never, cursor: after, ...manner }: Body,
  deadline: Deadline,
) {
  const range = { from: canonical(from), until: canonical(until), after: placeOf(after) };
  const { next, ...done } = await release(deps.webhooks, name, { ...manner, ...range, deadline });
  return { ...done, ...(next && { next: cursorOf(next) }) };
}

export const endpointRecoveryOperations = [
  operation('recoverEndpoint', {
    ...onEndpoint,
    method: 'POST',
    path: `${onEndpoint.path}/recover`,
    summary: 'Releases what was held while an endpoint was paused or disabled',
    body: recovery.check(inOrder),
    run: (deps, { params: { name }, body, deadline }) => release(recover, deps, name, body, deadline),
  }),
  operation('replayEndpoint', {
    ...onEndpoint,
    method: 'POST',
    path: `${onEndpoint.path}/replay`,
    summary: 'Delivers again what an endpoint was sent in a time range and what has come to an end, however it ended',
    body: z.extend(recovery, { from: time, until: time }).check(inOrder),
    run: (deps, { params: { name }, body, deadline }) => release(replay, deps, name, body, deadline),
  }),
];

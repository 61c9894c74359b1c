import * as z from 'zod/mini';
import { type ReplayOptions, recover, replay } from '../webhooks/replay.ts';
import { onEndpoint } from './endpoints.ts';
import { always, canonical, never, operation, time } from './operation.ts';

interface Range {
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

/** A range of times has to have something in it. */
const inOrder = z.refine<Range>(({ from = always, until = never }) => Date.parse(from) < Date.parse(until), {
  path: ['until'],
  error: 'expected a time after from',
});

const manner = {
  dryRun: z._default(z.boolean(), false),
  perSecond: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
};

const options = (
  { from = always, until = never, ...rest }: Range & Pick<ReplayOptions, 'dryRun' | 'perSecond'>,
  stopAt: number,
): ReplayOptions => ({ ...rest, from: canonical(from), until: canonical(until), stopAt });

export const endpointRecoveryOperations = [
  operation({
    ...onEndpoint,
    id: 'recoverEndpoint',
    method: 'POST',
    path: `${onEndpoint.path}/recover`,
    summary: 'Releases what was held while an endpoint was paused or disabled',
    body: z.strictObject({ from: z.optional(time), until: z.optional(time), ...manner }).check(inOrder),
    run: (deps, { params: { name }, body, stopAt }) => recover(deps.webhooks, name, options(body, stopAt)),
  }),
  operation({
    ...onEndpoint,
    id: 'replayEndpoint',
    method: 'POST',
    path: `${onEndpoint.path}/replay`,
    summary: 'Delivers again what an endpoint was sent in a time range and what has come to an end, however it ended',
    body: z.strictObject({ from: time, until: time, ...manner }).check(inOrder),
    run: (deps, { params: { name }, body, stopAt }) => replay(deps.webhooks, name, options(body, stopAt)),
  }),
];

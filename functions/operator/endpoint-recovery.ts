import * as z from 'zod/mini';
import { endpointName } from '../webhooks/endpoint-settings.ts';
import { type Replay, recover, replay } from '../webhooks/replay.ts';
import { canonical, operation, time } from './operation.ts';

/** How an endpoint is addressed, and what logs call it. */
export const endpointParams = z.strictObject({ name: endpointName });
export const endpointPath = '/endpoints/{name}';
export const endpointTarget = (asked: { readonly params: z.output<typeof endpointParams> }): string =>
  asked.params.name;

const speed = z.int().check(z.minimum(1), z.maximum(1000));

/** Later than every event. */
const never = '9999-12-31T23:59:59.999Z';
const always = '1970-01-01T00:00:00.000Z';

/** A range of times has to have something in it. */
const inOrder = z.refine<{ readonly from?: string | undefined; readonly until?: string | undefined }>(
  ({ from = always, until = never }) => Date.parse(from) < Date.parse(until),
  { path: ['until'], error: 'expected a time after from' },
);

const counted = ({ matching, released, isComplete, next }: Replay, dryRun: boolean) => ({
  count: dryRun ? matching : released,
  isComplete,
  next,
});

export const endpointRecoveryOperations = [
  operation({
    id: 'recoverEndpoint',
    method: 'POST',
    path: `${endpointPath}/recover`,
    summary: 'Releases what was held while an endpoint was paused or disabled',
    params: endpointParams,
    body: z
      .strictObject({
        from: z.optional(time),
        until: z.optional(time),
        dryRun: z._default(z.boolean(), false),
        perSecond: z.optional(speed),
      })
      .check(inOrder),
    status: 200,
    failures: [404, 409],
    target: endpointTarget,
    async run(deps, { params: { name }, body: { from = always, until = never, dryRun, perSecond }, stopAt }) {
      const range = { from: canonical(from), until: canonical(until), dryRun, stopAt };
      const done = await recover(deps.webhooks, name, { ...range, ...(perSecond !== undefined && { perSecond }) });
      return counted(done, dryRun);
    },
  }),
  operation({
    id: 'replayEndpoint',
    method: 'POST',
    path: `${endpointPath}/replay`,
    summary: 'Delivers again what an endpoint was sent in a time range and what has come to an end, however it ended',
    params: endpointParams,
    body: z
      .strictObject({
        from: time,
        until: time,
        dryRun: z._default(z.boolean(), false),
        perSecond: z.optional(speed),
      })
      .check(inOrder),
    status: 200,
    failures: [404, 409],
    target: endpointTarget,
    async run(deps, { params: { name }, body: { from, until, dryRun, perSecond }, stopAt }) {
      const range = { from: canonical(from), until: canonical(until), dryRun, stopAt };
      const done = await replay(deps.webhooks, name, { ...range, ...(perSecond !== undefined && { perSecond }) });
      return counted(done, dryRun);
    },
  }),
];

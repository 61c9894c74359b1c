import type { Units } from '#functions/dynamodb/partition.ts';
import { assumed } from './assumptions.ts';
import type { SharedUse } from './measured-use.ts';
import type { Quantities } from './prices.ts';
import { gigabyteSeconds, kept, logged, secondsOfMonth, secretCalls } from './quantities.ts';

/** The announcements of a month. */
export interface Announced {
  readonly events: number;
  /** Events that are announced at the same time. */
  readonly together: number;
  /** Endpoints that want every event. */
  readonly endpoints: number;
}

/** Calculates the use of webhooks for announcements, without their publication; each first attempt succeeds. */
export function deliveriesOf(
  { events, together, endpoints }: Announced,
  { webhooks, logs, stored, deployed }: SharedUse,
): Partial<Quantities> {
  const { memory, platformLog } = deployed;
  const batch = Math.min(together, assumed('batch'));
  const { unwanted, event, creation, delivery } = batch === 1 ? webhooks.alone : webhooks.burst;
  const fanOuts = events / batch;
  const deliveries = events * endpoints;
  // One for each batch and endpoint; it wakes a function up.
  const wakeUps = deliveries / batch;
  const units = (kind: keyof Units) =>
    events * (endpoints === 0 ? unwanted : event)[kind] + deliveries * (creation[kind] + delivery[kind]);
  const delivering = wakeUps * assumed('deliverDuration');
  return {
    dynamoReads: units('read'),
    dynamoWrites: units('write'),
    ...kept(events * stored.event + deliveries * stored.delivery),
    lambdaCompute:
      gigabyteSeconds(memory.fanOut, fanOuts * assumed('fanOutDuration')) + gigabyteSeconds(memory.deliver, delivering),
    lambdaRequests: fanOuts + wakeUps,
    // Each message is sent by itself; a batch of them is received and deleted at once.
    sqsRequests: events + 2 * fanOuts + 3 * wakeUps,
    sqsFairness: wakeUps,
    secretCalls: secretCalls(wakeUps, Math.ceil(delivering / 1000 / secondsOfMonth())),
    ...logged(
      fanOuts * logs.fanOut + wakeUps * logs.deliver + deliveries * logs.delivery + (fanOuts + wakeUps) * platformLog,
    ),
    dataOut: (deliveries * assumed('webhookBytes')) / 1e9,
  };
}

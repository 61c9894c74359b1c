import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { type Item, Partition } from '../table.ts';
import { parseEventBody } from '../transfers/event.ts';
import { answerContext } from '../webhooks/attempt.ts';
import { type Delivery, type DeliveryName, deliveryKey, deliveryNameOf, eventKey } from '../webhooks/delivery.ts';
import type { DataKey } from '../webhooks/sealing.ts';
import type { Answers } from './answers.ts';
import type { OperatorDependencies } from './operation.ts';

export const deliveryStatus = z.enum(['PENDING', 'CLAIMED', 'DELIVERED', 'FAILED', 'HELD', 'CANCELLED']);

/** A delivery as operators see it. */
export function shownDelivery(delivery: Delivery): Answers['resendDelivery'] {
  const { event, endpoint, status, attempt, nextAttemptAt, reason, eventAt } = delivery;
  return {
    event,
    endpoint,
    status,
    attempt,
    nextAttemptAt: status === 'PENDING' ? new Date(nextAttemptAt).toISOString() : undefined,
    reason,
    eventAt,
  };
}

/** A stored event, or notice, as operators see it. */
export function shownEvent(row: Item): Answers['listEvents']['items'][number] {
  const { id, type, timestamp, data } = parseEventBody(row.body);
  if (data !== undefined) return { id, type, timestamp, data: { ...data } };
  const { id: notice, timestamp: at, ...rest } = JSON.parse(row.body);
  return { id: notice, type: 'notice', timestamp: at, data: rest };
}

/** What became of an event. */
export interface Trace {
  /** Undefined when there is none, or it has expired. */
  readonly event: Item | undefined;
  /** By endpoint; the first ones of many. */
  readonly deliveries: readonly Answers['showDelivery'][];
  readonly hasMore: boolean;
}

/** Deliveries shown with their event, and attempts shown with each: an answer has room for some MB. */
const mostDeliveries = 50;
const mostAttempts = 50;

/** Deliveries whose attempts are read at the same time. */
const concurrency = 8;

/** Reads what became of an event. */
export async function traceOf(deps: OperatorDependencies, event: string): Promise<Trace> {
  const partition = partitionOf(deps, event);
  const { sk } = eventKey(event);
  const [[row], { rows, last }] = await Promise.all([
    partition.range(sk, sk),
    partition.page('DELIVERY#', 'DELIVERY#~', mostDeliveries),
  ]);
  const type = row && shownEvent(row).type;
  const deliveries = await pLimit(concurrency).map(rows, (found) => traced(deps, partition, deliveryIn(found), type));
  return { event: row, deliveries, hasMore: last !== undefined };
}

/** A delivery with its attempts, the last ones of many; undefined when there is none. */
export async function tracedDelivery(deps: OperatorDependencies, name: DeliveryName) {
  const partition = partitionOf(deps, name.event);
  const [own, stored] = [deliveryKey(name).sk, eventKey(name.event).sk];
  const [[row], [event]] = await Promise.all([partition.range(own, own), partition.range(stored, stored)]);
  return row && traced(deps, partition, deliveryIn(row), event && shownEvent(event).type);
}

async function traced(
  { webhooks }: OperatorDependencies,
  partition: Partition,
  delivery: Delivery,
  type: string | undefined,
) {
  const { endpoint } = delivery;
  const { rows } = await partition.page(`ATTEMPT#${endpoint}#`, `ATTEMPT#${endpoint}#~`, mostAttempts, true);
  const attempts = rows.reverse().map((row) => shownAttempt(row, webhooks.dataKey, endpoint));
  return { ...shownDelivery(delivery), type, attempts };
}

const partitionOf = ({ webhooks }: OperatorDependencies, event: string): Partition =>
  new Partition(webhooks.dynamo, webhooks.table, eventKey(event).pk);

/** The delivery that a row holds. */
export const deliveryIn = (row: Item): Delivery =>
  ({ ...row, ...deliveryNameOf({ pk: row.pk, sk: row.sk }) }) as Delivery;

const shownAttempt = (
  { attempt, startedAt, duration, outcome, cause, failure, code, status, response }: Item,
  dataKey: DataKey,
  endpoint: string,
) => ({
  attempt,
  startedAt,
  duration,
  outcome,
  cause,
  failure,
  code,
  status,
  response: response && dataKey.open(response, answerContext(endpoint)),
});

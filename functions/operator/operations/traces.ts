import pLimit from 'p-limit';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import { parseEventBody } from '#functions/events/transfer-event.ts';
import type { Answers } from '#functions/operator/api/answers.ts';
import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import {
  type AttemptRecord,
  attemptKey,
  attemptsOf,
  type Delivery,
  type DeliveryName,
  deliveryKey,
  eventKey,
} from '#functions/webhooks/deliveries/delivery.ts';
import { deliveryIn, readDeliveries } from '#functions/webhooks/deliveries/delivery-index.ts';
import { answerContext } from '#functions/webhooks/endpoints/secrets.ts';

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
    type: shownEvent(delivery.body).type,
  };
}

export function shownEvent(body: string): Answers['listEvents']['items'][number] {
  const { id, type, timestamp, data } = parseEventBody(body);
  if (data !== undefined) return { id, type, timestamp, data: { ...data } };
  const { id: notice, timestamp: at, ...rest } = JSON.parse(body);
  return { id: notice, type: 'notice', timestamp: at, data: rest };
}

/** Most deliveries of an event, and attempts of each, since Lambda limits an answer to 6 MB. */
const mostDeliveries = 50;
const mostAttempts = 50;
const concurrency = 8;

/** A row that holds an event or notice: its first delivery, or its own row; undefined for an unknown id. */
export async function eventRow(deps: OperatorDependencies, event: string): Promise<Item | undefined> {
  const partition = partitionOf(deps, event);
  const { rows } = await partition.page(...deliveriesBetween(event), 1);
  const { sk } = eventKey(event);
  return rows[0] ?? (await partition.range(sk, sk))[0];
}

/** Reads an event with its deliveries and their attempts; undefined for an unknown or expired one. */
export async function traceOf(deps: OperatorDependencies, event: string): Promise<Answers['showEvent'] | undefined> {
  const { rows, last } = await partitionOf(deps, event).page(...deliveriesBetween(event), mostDeliveries);
  const row = rows[0] ?? (await eventRow(deps, event));
  if (!row) return undefined;
  const deliveries = await pLimit(concurrency).map(rows, (found) => traceOfDelivery(deps, deliveryIn(found)));
  return { ...shownEvent(row.body), deliveries, ...(last !== undefined && { hasMoreDeliveries: true }) };
}

/** Reads a delivery with its last attempts; undefined for an unknown one. */
export async function tracedDelivery(deps: OperatorDependencies, name: DeliveryName) {
  const [delivery] = await readDeliveries(deps.webhooks, [name]);
  return delivery && traceOfDelivery(deps, delivery);
}

async function traceOfDelivery(deps: OperatorDependencies, delivery: Delivery): Promise<Answers['showDelivery']> {
  const { event, endpoint, lastAttempt } = delivery;
  const earlier = attemptsOf(delivery);
  const { rows } = lastAttempt
    ? await partitionOf(deps, event).page(earlier, `${earlier}~`, mostAttempts, true)
    : { rows: [] };
  const last = lastAttempt && { ...lastAttempt, ...attemptKey(delivery, lastAttempt) };
  // The last attempt may already have a row, which is written before the next attempt replaces it.
  const others = rows.reverse().filter(({ sk }) => sk !== last?.sk);
  const attempts = [...others, ...(last ? [last] : [])].slice(-mostAttempts) as AttemptRow[];
  return {
    ...shownDelivery(delivery),
    attempts: attempts.map(({ pk, sk, expiresAt, response, ...attempt }) => ({
      ...attempt,
      response: response && deps.webhooks.dataKey.decrypt(response, answerContext(endpoint)),
    })),
  };
}

type AttemptRow = AttemptRecord & Key & { readonly expiresAt?: number };

const partitionOf = ({ webhooks }: OperatorDependencies, event: string): Partition =>
  new Partition(webhooks.dynamo, webhooks.table, eventKey(event).pk);

export function deliveriesBetween(event: string): [from: string, to: string] {
  const { sk } = deliveryKey({ event, endpoint: '' });
  return [sk, `${sk}~`];
}

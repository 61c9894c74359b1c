import * as z from 'zod/mini';
import { type Item, Partition } from '../table.ts';
import { parseEventBody } from '../transfers/event.ts';
import { answerContext } from '../webhooks/attempt.ts';
import { type Delivery, deliveryNameOf, eventKey } from '../webhooks/delivery.ts';
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

/** Everything that became of an event. */
export interface Trace {
  /** Undefined when there is none, or it has expired. */
  readonly event: Item | undefined;
  readonly deliveries: readonly Answers['showDelivery'][];
}

/** Reads everything that became of an event, in one query. */
export async function traceOf({ webhooks }: OperatorDependencies, event: string): Promise<Trace> {
  const { pk, sk } = eventKey(event);
  const rows = await new Partition(webhooks.dynamo, webhooks.table, pk).range(' ', '~');
  const attempts = Map.groupBy(
    rows.filter((row) => row.sk.startsWith('ATTEMPT#')),
    (row) => row.sk.split('#')[1] as string,
  );
  const stored = rows.find((row) => row.sk === sk);
  return {
    event: stored,
    deliveries: deliveriesIn(rows).map((delivery) => ({
      ...shownDelivery(delivery),
      type: stored && shownEvent(stored).type,
      attempts: (attempts.get(delivery.endpoint) ?? []).map((row) =>
        shownAttempt(row, webhooks.dataKey, delivery.endpoint),
      ),
    })),
  };
}

/** The deliveries of an event, by endpoint. */
export async function deliveriesOf({ webhooks }: OperatorDependencies, event: string): Promise<Delivery[]> {
  const { pk } = eventKey(event);
  return deliveriesIn(await new Partition(webhooks.dynamo, webhooks.table, pk).range('DELIVERY#', 'DELIVERY#~'));
}

const deliveriesIn = (rows: readonly Item[]): Delivery[] =>
  rows.filter((row) => row.sk.startsWith('DELIVERY#')).map(deliveryIn);

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

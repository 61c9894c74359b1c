/** Writes of events, deliveries and attempts to the webhooks table. `now` is a Unix time in milliseconds. */
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import type { EventKind } from '#functions/webhooks/endpoints/format.ts';
import {
  type AttemptRecord,
  attemptKey,
  type Delivery,
  dayPart,
  deliveryKey,
  duePart,
  eventKey,
  heldPart,
  listedAt,
  type NextStep,
} from './delivery.ts';

/** Seconds for which events, deliveries and attempts are kept: operators can send them again for 30 days. */
export const retention = 30 * 86_400;

/** An event or notice to be stored: its published bytes and its ISO 8601 time. */
export interface StoredEvent {
  readonly id: string;
  readonly body: string;
  readonly at: string;
  readonly kind: EventKind;
}

/** Stores an event that no endpoint wants; idempotent. */
export async function storeEvent(table: TableSource, event: StoredEvent, now: number): Promise<void> {
  const { id, body, at: eventAt } = event;
  await create(table, eventKey(id), { body, eventAt, ...listing(event) }, now);
}

/** Creates a delivery with its event, unless it exists in any status; `isListed` lists the event under it by day. */
export async function createDelivery(
  table: TableSource,
  event: StoredEvent,
  { name, createdAt }: Pick<Endpoint, 'name' | 'createdAt'>,
  now: number,
  isListed: boolean,
): Promise<void> {
  const row = {
    endpointSince: createdAt,
    eventAt: event.at,
    body: event.body,
    rev: 0,
    status: 'PENDING',
    attempt: 0,
    nextAttemptAt: now,
    changedAt: now,
    ...(isListed && listing(event)),
  };
  await create(table, deliveryKey({ event: event.id, endpoint: name }), row, now);
}

/**
 * Writes the next step of a delivery, on condition that its `rev` is still the one that was read.
 *
 * @param change further new fields, for example the attempt, or the endpoint that has the name now; with the `rev` that
 *   was read, an attempt in flight does not take the delivery for changed
 * @returns the delivery after the step; undefined when it has changed since it was read
 */
export async function stepDelivery(
  table: TableSource,
  delivery: Delivery,
  step: NextStep,
  now: number,
  change: { readonly lastAttempt?: AttemptRecord; readonly endpointSince?: string; readonly rev?: number } = {},
): Promise<Delivery | undefined> {
  const { pk, sk } = deliveryKey(delivery);
  const counted = { rev: delivery.rev + 1, changedAt: now };
  const fields = { reason: undefined, ...step, ...counted, ...change, ...waitingOf(delivery, step) };
  if (change.lastAttempt && delivery.lastAttempt) await storeAttempt(table, delivery, delivery.lastAttempt);
  if (!(await partition(table, pk).update(sk, fields, { condition: 'rev = :rev', values: { rev: delivery.rev } }))) {
    // Another process changed the row, but the attempt was made and must be recorded.
    if (change.lastAttempt) await storeAttempt(table, delivery, change.lastAttempt);
    return undefined;
  }
  const { reason: _, due: __, ...rest } = delivery;
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { ...rest, ...Object.fromEntries(present) } as Delivery;
}

/** Stores an attempt in a row of its own: the delivery's row holds only the last attempt. */
async function storeAttempt(table: TableSource, delivery: Delivery, attempt: AttemptRecord): Promise<void> {
  const { pk, sk } = attemptKey(delivery, attempt);
  const expiresAt = secondsOf(Date.parse(attempt.startedAt)) + retention;
  await partition(table, pk).put(sk, { ...attempt, expiresAt } as Item, {});
}

async function create(table: TableSource, { pk, sk }: Key, row: Item, now: number): Promise<void> {
  const expiresAt = secondsOf(now) + retention;
  await partition(table, pk).put(sk, { ...row, expiresAt }, { condition: 'attribute_not_exists(pk)' });
}

const partition = ({ dynamo, table }: TableSource, pk: string): Partition => new Partition(dynamo, table, pk);

const listing = ({ kind, at, id }: StoredEvent) => ({ day: dayPart(kind, at), listedAt: listedAt(at, id) });

/** Sorts retries in the waiting index by their due time, and held deliveries by the time of their event. */
function waitingOf(delivery: Delivery, step: NextStep) {
  if (step.status === 'PENDING') return { due: duePart(delivery.endpoint), dueAt: step.nextAttemptAt };
  if (step.status === 'HELD') return { due: heldPart(delivery.endpoint), dueAt: Date.parse(delivery.eventAt) };
  return { due: undefined, dueAt: undefined };
}

const secondsOf = (milliseconds: number): number => Math.floor(milliseconds / 1000);

/** Repository of events, deliveries and attempts in the webhooks table. `now` is a Unix time in milliseconds. */
import { retryBudget } from '#functions/clock/backoff.ts';
import { expiryOf, usualKeptForMs } from '#functions/clock/retention.ts';
import { getRows } from '#functions/dynamodb/batch.ts';
import { type Cursor, type IndexRange, readKeys, rowsIn, type TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import { factId } from '#functions/events/event-id.ts';
import { type Endpoint, endpointOf } from '#functions/webhooks/endpoints/endpoint.ts';
import { endpointKey, type WebhookDependencies } from '#functions/webhooks/endpoints/endpoints.ts';
import type { EventKind } from '#functions/webhooks/endpoints/format.ts';
import type { AttemptRecord, Delivery, DeliveryName, NextStep } from './delivery.ts';
import * as layout from './delivery.ts';

/** An event or digest to be stored: its bytes and its ISO 8601 time. */
export interface StoredEvent {
  readonly id: string;
  readonly body: string;
  readonly at: string;
  readonly kind: EventKind;
}

type Target = Pick<Endpoint, 'name' | 'createdAt'>;

export type DeliveryDependencies = WebhookDependencies & { readonly deliveries: Deliveries };

export type EndpointDeliveries = Readonly<Awaited<ReturnType<Deliveries['ofEndpoint']>>>;

const pageSize = 100;

export type Deliveries = ReturnType<typeof deliveriesIn>;

/** @param keptForMs milliseconds for which events, deliveries and attempts are kept */
export function deliveriesIn(source: TableSource, keptForMs = usualKeptForMs) {
  /** Stores an event that no endpoint wants; idempotent. */
  const storeEvent = (event: StoredEvent, now: number): Promise<void> =>
    addListed(layout.eventKey(event.id), { body: event.body, eventAt: event.at }, event, now);

  /**
   * Creates a delivery with its event, unless it exists in any status; `isListed` lists the event under it by day. With
   * a time (Unix ms), the delivery waits until then as a retry does; without, fan-out wakes its endpoint at once.
   */
  async function create(event: StoredEvent, endpoint: Target, now: number, isListed: boolean, waitsUntil?: number) {
    const row = {
      endpointSince: endpoint.createdAt,
      eventAt: event.at,
      body: event.body,
      rev: 0,
      status: 'PENDING',
      attempt: 0,
      nextAttemptAt: waitsUntil ?? now,
      changedAt: now,
      ...(waitsUntil !== undefined && placed(layout.duePart(endpoint.name), event.id, waitsUntil)),
    };
    const key = layout.deliveryKey({ event: event.id, endpoint: endpoint.name });
    await (isListed ? addListed(key, row, event, now) : add(key, row, now));
  }

  /**
   * Writes the next step of a delivery; undefined when its `rev` has changed since it was read. `change` has more new
   * fields. With the `rev` that was read, an attempt in flight does not take the delivery for changed.
   */
  async function step(
    delivery: Delivery,
    step: NextStep,
    now: number,
    change: { readonly lastAttempt?: AttemptRecord; readonly endpointSince?: string; readonly rev?: number } = {},
  ): Promise<Delivery | undefined> {
    const { pk, sk } = layout.deliveryKey(delivery);
    const unchanged = { condition: 'rev = :rev', values: { rev: delivery.rev } };
    const usual = { reason: undefined, digest: undefined, rev: delivery.rev + 1, changedAt: now };
    const fields = { ...usual, ...step, ...change, ...waitingOf(delivery, step) };
    if (change.lastAttempt && delivery.lastAttempt) await storeAttempt(delivery, delivery.lastAttempt);
    if (await new Partition(source, pk).update(sk, fields, unchanged)) {
      const { dueAt: _, attempt = delivery.attempt, ...written } = fields;
      return { ...delivery, ...written, attempt };
    }
    // Another process changed the row, but the attempt was made and must be recorded.
    if (change.lastAttempt) await storeAttempt(delivery, change.lastAttempt);
    return undefined;
  }

  /** Reads the present state of deliveries from their rows; an index may lag behind them. */
  async function read(names: readonly DeliveryName[], budget = retryBudget()): Promise<Delivery[]> {
    const rows = await getRows(source.dynamo, source.table, names.map(layout.deliveryKey), budget);
    return rows.flatMap((row) => row ?? []).map(layout.deliveryOf);
  }

  /** Reads an endpoint, undefined when it was removed, together with its deliveries of some events, by their ids. */
  async function ofEndpoint(name: string, events: readonly string[], budget = retryBudget()) {
    const keys = [endpointKey(name), ...events.map((event) => layout.deliveryKey({ event, endpoint: name }))];
    const [row, ...rows] = await getRows(source.dynamo, source.table, keys, budget);
    const found = rows.flatMap((one) => one ?? []).map(layout.deliveryOf);
    return { endpoint: row && endpointOf(row), deliveries: new Map(found.map((each) => [each.event, each])) };
  }

  /** Events whose retries to an endpoint are due by `until` (Unix ms), oldest first, as far as the index knows. */
  async function due(endpoint: string, until: number, limit = pageSize): Promise<{ event: string; dueAt: number }[]> {
    const { items } = await readKeys(source, layout.retriesBetween(endpoint, 0, until), undefined, limit);
    return items.map(({ sk, dueAt }) => ({ event: layout.deliveryNameOf(sk).event, dueAt: Math.ceil(dueAt) }));
  }

  /** Deliveries in ranges of an index, page by page, each with its last place, as {@link rowsIn} reads them. */
  async function* pages(ranges: readonly IndexRange[], budget = retryBudget(), after?: Cursor) {
    for await (const { rows, last } of rowsIn(source, ranges, budget, after))
      yield { deliveries: rows.map(layout.deliveryOf), last };
  }

  /** Stores an attempt in a row of its own: the delivery's row holds only the last attempt. */
  async function storeAttempt(delivery: Delivery, attempt: AttemptRecord): Promise<void> {
    const { pk, sk } = layout.attemptKey(delivery, attempt);
    const expiresAt = expiryOf(Date.parse(attempt.startedAt), keptForMs);
    await new Partition(source, pk).put(sk, { ...attempt, expiresAt }, {});
  }

  /**
   * Lists an event by day with its row. If it is stored late, or perhaps not for the first time, a second entry follows
   * by which it is pulled.
   */
  async function addListed(key: Key, row: Item, { kind, at, id }: StoredEvent, now: number): Promise<void> {
    const isLate = kind === 'event' && now - Date.parse(at) > layout.settledAfterMs / 2;
    const listing = { day: layout.dayPart(kind, at), listedAt: layout.listedAt(at, id) };
    const isNew = await add(key, { ...row, ...listing, ...(isLate && { isLate }) }, now);
    if (kind === 'event' && !(isNew && !isLate)) await addEntry('late', layout.lateKey(at, id), id, now);
  }

  /** Lists an event for pulls that ask for resends. */
  const listAgain = ({ event, endpoint, eventAt }: Delivery, now: number): Promise<boolean> =>
    addEntry('again', layout.againKey(eventAt, event, now), factId('again', event, endpoint, now), now);

  function addEntry(kind: 'late' | 'again', key: Key, name: string, now: number): Promise<boolean> {
    const at = new Date(now).toISOString();
    return add(key, { day: layout.dayPart(kind, at), listedAt: layout.listedAt(at, name) }, now);
  }

  function add({ pk, sk }: Key, row: Item, now: number): Promise<boolean> {
    const expiresAt = expiryOf(now, keptForMs);
    return new Partition(source, pk).put(sk, { ...row, expiresAt }, { condition: 'attribute_not_exists(pk)' });
  }

  return { keptForMs, storeEvent, create, listAgain, step, read, ofEndpoint, due, pages };
}

/** Sorts retries in the waiting index by their due time, and held deliveries by the time of their event. */
function waitingOf({ event, endpoint, eventAt }: Delivery, step: NextStep) {
  if (step.status === 'PENDING') return placed(layout.duePart(endpoint), event, step.nextAttemptAt);
  if (step.status === 'HELD') return placed(layout.heldPart(endpoint), event, Date.parse(eventAt));
  return { due: undefined, dueAt: undefined };
}

const placed = (due: string, event: string, at: number) => ({ due, dueAt: layout.dueAtOf(event, at) });

/** Repository of events, deliveries and attempts in the webhooks table. `now` is a Unix time in milliseconds. */
import { retryBudget } from '#functions/clock/backoff.ts';
import { expiryOf, usualKeptForMs } from '#functions/clock/retention.ts';
import { getRows } from '#functions/dynamodb/batch.ts';
import { type Cursor, type IndexRange, readKeys, rowsIn, type TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
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

export type DeliveryDependencies = WebhookDependencies & { readonly deliveries: Deliveries };

export type EndpointDeliveries = Readonly<Awaited<ReturnType<Deliveries['ofEndpoint']>>>;

const pageSize = 100;

export class Deliveries {
  /** Milliseconds for which events, deliveries and attempts are kept. */
  readonly keptForMs: number;
  private readonly source: TableSource;

  constructor(source: TableSource, keptForMs = usualKeptForMs) {
    this.source = source;
    this.keptForMs = keptForMs;
  }

  /** Stores an event that no endpoint wants; idempotent. */
  storeEvent(event: StoredEvent, now: number): Promise<void> {
    return this.add(layout.eventKey(event.id), { body: event.body, eventAt: event.at, ...listing(event) }, now);
  }

  /**
   * Creates a delivery with its event, unless it exists in any status; `isListed` lists the event under it by day. With
   * a time (Unix ms), the delivery waits until then as a retry does; without, fan-out wakes its endpoint at once.
   */
  async create(
    event: StoredEvent,
    endpoint: Pick<Endpoint, 'name' | 'createdAt'>,
    now: number,
    isListed: boolean,
    waitsUntil?: number,
  ) {
    const row = {
      endpointSince: endpoint.createdAt,
      eventAt: event.at,
      body: event.body,
      rev: 0,
      status: 'PENDING',
      attempt: 0,
      nextAttemptAt: waitsUntil ?? now,
      changedAt: now,
      ...(waitsUntil !== undefined && {
        due: layout.duePart(endpoint.name),
        dueAt: layout.dueAtOf(event.id, waitsUntil),
      }),
      ...(isListed && listing(event)),
    };
    await this.add(layout.deliveryKey({ event: event.id, endpoint: endpoint.name }), row, now);
  }

  /**
   * Writes the next step of a delivery; undefined when its `rev` has changed since it was read. `change` has more new
   * fields. With the `rev` that was read, an attempt in flight does not take the delivery for changed.
   */
  async step(
    delivery: Delivery,
    step: NextStep,
    now: number,
    change: { readonly lastAttempt?: AttemptRecord; readonly endpointSince?: string; readonly rev?: number } = {},
  ): Promise<Delivery | undefined> {
    const { pk, sk } = layout.deliveryKey(delivery);
    const read = { condition: 'rev = :rev', values: { rev: delivery.rev } };
    const usual = { reason: undefined, digest: undefined, rev: delivery.rev + 1, changedAt: now };
    const fields = { ...usual, ...step, ...change, ...waitingOf(delivery, step) };
    if (change.lastAttempt && delivery.lastAttempt) await this.storeAttempt(delivery, delivery.lastAttempt);
    if (await new Partition(this.source, pk).update(sk, fields, read)) {
      const { dueAt: _, attempt = delivery.attempt, ...written } = fields;
      return { ...delivery, ...written, attempt };
    }
    // Another process changed the row, but the attempt was made and must be recorded.
    if (change.lastAttempt) await this.storeAttempt(delivery, change.lastAttempt);
    return undefined;
  }

  /** Reads the present state of deliveries from their rows; an index may lag behind them. */
  async read(names: readonly DeliveryName[], budget = retryBudget()): Promise<Delivery[]> {
    const rows = await getRows(this.source.dynamo, this.source.table, names.map(layout.deliveryKey), budget);
    return rows.flatMap((row) => row ?? []).map(layout.deliveryOf);
  }

  /** Reads an endpoint, undefined when it was removed, together with its deliveries of some events, by their ids. */
  async ofEndpoint(name: string, events: readonly string[], budget = retryBudget()) {
    const keys = [endpointKey(name), ...events.map((event) => layout.deliveryKey({ event, endpoint: name }))];
    const [row, ...rows] = await getRows(this.source.dynamo, this.source.table, keys, budget);
    const found = rows.flatMap((one) => one ?? []).map(layout.deliveryOf);
    return { endpoint: row && endpointOf(row), deliveries: new Map(found.map((each) => [each.event, each])) };
  }

  /** Events whose retries to an endpoint are due by `until` (Unix ms), oldest first, as far as the index knows. */
  async due(endpoint: string, until: number, limit = pageSize): Promise<{ event: string; dueAt: number }[]> {
    const { items } = await readKeys(this.source, layout.retriesBetween(endpoint, 0, until), undefined, limit);
    return items.map(({ sk, dueAt }) => ({ event: layout.deliveryNameOf(sk).event, dueAt: Math.ceil(dueAt) }));
  }

  /** Deliveries in ranges of an index, page by page, each with its last place, as {@link rowsIn} reads them. */
  async *pages(ranges: readonly IndexRange[], budget = retryBudget(), after?: Cursor) {
    for await (const { rows, last } of rowsIn(this.source, ranges, budget, after))
      yield { deliveries: rows.map(layout.deliveryOf), last };
  }

  /** Stores an attempt in a row of its own: the delivery's row holds only the last attempt. */
  private async storeAttempt(delivery: Delivery, attempt: AttemptRecord): Promise<void> {
    const { pk, sk } = layout.attemptKey(delivery, attempt);
    const expiresAt = expiryOf(Date.parse(attempt.startedAt), this.keptForMs);
    await new Partition(this.source, pk).put(sk, { ...attempt, expiresAt }, {});
  }

  private async add({ pk, sk }: Key, row: Item, now: number): Promise<void> {
    const expiresAt = expiryOf(now, this.keptForMs);
    await new Partition(this.source, pk).put(sk, { ...row, expiresAt }, { condition: 'attribute_not_exists(pk)' });
  }
}

const listing = ({ kind, at, id }: StoredEvent) => ({
  day: layout.dayPart(kind, at),
  listedAt: layout.listedAt(at, id),
});

/** Sorts retries in the waiting index by their due time, and held deliveries by the time of their event. */
function waitingOf(delivery: Delivery, step: NextStep) {
  if (step.status === 'PENDING')
    return { due: layout.duePart(delivery.endpoint), dueAt: layout.dueAtOf(delivery.event, step.nextAttemptAt) };
  if (step.status === 'HELD')
    return {
      due: layout.heldPart(delivery.endpoint),
      dueAt: layout.dueAtOf(delivery.event, Date.parse(delivery.eventAt)),
    };
  return { due: undefined, dueAt: undefined };
}

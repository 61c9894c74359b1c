import { retryBudget } from '#functions/clock/backoff.ts';
import { getRows, rowName } from '#functions/dynamodb/batch.ts';
import { type IndexRange, readKeys, type TableSource } from '#functions/dynamodb/index-pages.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { type EventKind, kindFor } from '#functions/webhooks/endpoints/format.ts';
import {
  type Delivery,
  type DeliveryName,
  dayParts,
  deliveryKey,
  deliveryNameOf,
  duePart,
  eventIdOf,
  heldPart,
} from './delivery.ts';

/** Indexes of the webhooks table. They project keys only. */
export const indexes = {
  /** Retries and held deliveries. Keys: `due`, `dueAt` (Unix milliseconds). */
  waiting: 'waiting',
  /** Each event once, under one of its deliveries or alone. Keys: `day` (`YYYY-MM-DD`), `listedAt` (time and id). */
  byDay: 'by-day',
} as const;

const pageSize = 100;

/** Events whose retries to an endpoint are due by `until` (Unix ms), oldest first, as far as the index knows. */
export async function dueEvents(
  source: TableSource,
  endpoint: string,
  until: number,
  limit = pageSize,
): Promise<{ readonly event: string; readonly dueAt: number }[]> {
  const { items } = await readKeys(source, retriesBetween(endpoint, 0, until), undefined, limit);
  return items.map(({ pk, sk, dueAt }) => ({ event: deliveryNameOf({ pk, sk }).event, dueAt }));
}

/** Retries of an endpoint that are due between two instants (Unix ms), both included. */
export const retriesBetween = (endpoint: string, from: number, until: number): IndexRange =>
  waitingBetween(duePart(endpoint), from, until);

/** Held deliveries of an endpoint whose events lie between two instants (Unix ms), both included. */
export const heldBetween = (endpoint: string, from: number, until: number): IndexRange =>
  waitingBetween(heldPart(endpoint), from, until);

const waitingBetween = (part: string, from: number, until: number): IndexRange => ({
  index: indexes.waiting,
  partition: ['due', part],
  sort: ['dueAt', from, until],
  isDescending: false,
});

/** Range of ISO 8601 times: `from` is included, `until` is not. */
export interface Span {
  readonly from: string;
  readonly until: string;
  /** First place in the index, unless it is that of `from`. */
  readonly first?: string;
}

/** Days of a span, each a range that lists its events or notices once, oldest first; `now` in Unix milliseconds. */
export const daysOf = (kind: EventKind, { from, until, first = from }: Span, now: number): IndexRange[] =>
  dayParts(kind, from, until, now).map((part) => ({
    index: indexes.byDay,
    partition: ['day', part],
    sort: ['listedAt', first, until],
    isDescending: false,
    // After a crash, an event may be listed twice; both entries have the same sort key.
    isOncePerSortKey: true,
  }));

/** Deliveries of a span to an endpoint, oldest first. They are found by examining all events, wanted or not. */
export const sentTo = ({ name, format }: Pick<Endpoint, 'name' | 'format'>, span: Span, now: number): IndexRange[] =>
  daysOf(kindFor(format), span, now).map((day) => ({
    ...day,
    of: name,
    rowOf: (key) => deliveryKey({ event: eventIdOf(key), endpoint: name }),
  }));

export const newestFirst = (ranges: readonly IndexRange[]): IndexRange[] =>
  ranges.map((range) => ({ ...range, isDescending: true })).reverse();

/** Reads the present state of deliveries from their rows; an index may lag behind them. */
export async function readDeliveries(
  { dynamo, table }: TableSource,
  names: readonly DeliveryName[],
  budget = retryBudget(),
): Promise<Delivery[]> {
  const keys = names.map(deliveryKey);
  const rows = await getRows(dynamo, table, keys, budget);
  return keys.flatMap((key) => rows.get(rowName(key)) ?? []).map(deliveryIn);
}

export const deliveryIn = (row: Item): Delivery =>
  ({ ...row, ...deliveryNameOf({ pk: row.pk, sk: row.sk }) }) as Delivery;

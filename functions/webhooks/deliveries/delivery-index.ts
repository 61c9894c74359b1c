import { retryBudget } from '#functions/clock/backoff.ts';
import { getRows, rowName } from '#functions/dynamodb/batch.ts';
import { type IndexRange, readPlaces, type TableSource } from '#functions/dynamodb/index-pages.ts';
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

/** Indexes of the webhooks table; each holds nothing but keys. */
export const indexes = {
  /** Retries, and what is held. Keys: `due`, `dueAt` (Unix milliseconds). */
  waiting: 'waiting',
  /** Events, each once, under one of its deliveries or by itself. Keys: `day` (`YYYY-MM-DD`), `listedAt` (time and id). */
  byDay: 'by-day',
} as const;

/** Deliveries read at once. */
const pageSize = 100;

/** Events whose retries to an endpoint are due until an instant (Unix ms), the oldest first, as far as the index knows. */
export async function dueEvents(
  source: TableSource,
  endpoint: string,
  until: number,
  limit = pageSize,
): Promise<{ readonly event: string; readonly dueAt: number }[]> {
  const { items } = await readPlaces(source, retriesBetween(endpoint, 0, until), undefined, limit);
  return items.map(({ pk, sk, dueAt }) => ({ event: deliveryNameOf({ pk, sk }).event, dueAt }));
}

/** The retries of an endpoint that wait for a time between two instants (Unix milliseconds), both included. */
export const retriesBetween = (endpoint: string, from: number, until: number): IndexRange =>
  waitingBetween(duePart(endpoint), from, until);

/** The held deliveries of an endpoint with events from one instant to another (Unix milliseconds), both included. */
export const heldBetween = (endpoint: string, from: number, until: number): IndexRange =>
  waitingBetween(heldPart(endpoint), from, until);

const waitingBetween = (part: string, from: number, until: number): IndexRange => ({
  index: indexes.waiting,
  partition: ['due', part],
  sort: ['dueAt', from, until],
  isDescending: false,
});

/** A range of times. */
export interface Span {
  /** ISO 8601; from the first on, before the second. */
  readonly from: string;
  readonly until: string;
  /** The first place in the index, unless it is that of `from`. */
  readonly first?: string;
}

/** The days in which events, or notices, are listed, each of them once, the oldest first; `now` in Unix milliseconds. */
export const daysOf = (kind: EventKind, { from, until, first = from }: Span, now: number): IndexRange[] =>
  dayParts(kind, from, until, now).map((part) => ({
    index: indexes.byDay,
    partition: ['day', part],
    sort: ['listedAt', first, until],
    isDescending: false,
    // What is told of an event twice after a crash stands side by side.
    isOncePerSortKey: true,
  }));

/**
 * The deliveries to an endpoint of the events in a range of times, the oldest first; `now` in Unix milliseconds. All events are
 * looked through, whether the endpoint wanted them or not.
 */
export const sentTo = ({ name, format }: Pick<Endpoint, 'name' | 'format'>, span: Span, now: number): IndexRange[] =>
  daysOf(kindFor(format), span, now).map((day) => ({
    ...day,
    of: name,
    rowOf: (key) => deliveryKey({ event: eventIdOf(key), endpoint: name }),
  }));

/** The same ranges, the newest first. */
export const newestFirst = (ranges: readonly IndexRange[]): IndexRange[] =>
  ranges.map((range) => ({ ...range, isDescending: true })).reverse();

/** Reads deliveries as they are now. */
export async function readDeliveries(
  { dynamo, table }: TableSource,
  names: readonly DeliveryName[],
  patience = retryBudget(),
): Promise<Delivery[]> {
  const keys = names.map(deliveryKey);
  const rows = await getRows(dynamo, table, keys, patience);
  return keys.flatMap((key) => rows.get(rowName(key)) ?? []).map(deliveryIn);
}

/** The delivery that a row holds. */
export const deliveryIn = (row: Item): Delivery =>
  ({ ...row, ...deliveryNameOf({ pk: row.pk, sk: row.sk }) }) as Delivery;

import { dayMs } from '#functions/clock/retention.ts';
import type { IndexRange, KeyIndex } from '#functions/dynamodb/index-pages.ts';
import type { Key } from '#functions/dynamodb/row.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { type EventKind, kindFor } from '#functions/webhooks/endpoints/format.ts';
import { dayPart, deliveryKey, duePart, eventIdOf, heldPart, partsOfMs } from './delivery.ts';

/** Milliseconds that an event may wait in a queue before it is stored: the longest retention of SQS. */
const longestQueuedMs = 14 * dayMs;

/** Indexes of the webhooks table, on AWS and in the local run. */
export const indexes = {
  /** Retries and held deliveries; `dueAt` in Unix milliseconds. */
  waiting: { name: 'waiting', partitionKey: ['due', 'S'], sortKey: ['dueAt', 'N'] },
  /** Each event once, under one of its deliveries or alone; `day` is `YYYY-MM-DD`, `listedAt` time and id. */
  byDay: { name: 'by-day', partitionKey: ['day', 'S'], sortKey: ['listedAt', 'S'] },
} as const satisfies Record<string, KeyIndex>;

/** Retries of an endpoint that are due between two instants (Unix ms), both included. */
export const retriesBetween = (endpoint: string, from: number, until: number): IndexRange =>
  rangeOf(indexes.waiting, duePart(endpoint), from, until);

/** Held deliveries of an endpoint whose events lie between two instants (Unix ms), both included. */
export const heldBetween = (endpoint: string, from: number, until: number): IndexRange =>
  rangeOf(indexes.waiting, heldPart(endpoint), from - 1 + 1 / partsOfMs, until);

function rangeOf<T extends string | number>(index: KeyIndex, partition: string, from: T, until: T): IndexRange {
  const { name, partitionKey, sortKey } = index;
  return { index: name, partition: [partitionKey[0], partition], sort: [sortKey[0], from, until], isDescending: false };
}

/** Range of ISO 8601 times: `from` is included, `until` is not. */
export interface Span {
  readonly from: string;
  readonly until: string;
  /** First place in the index, unless it is that of `from`. */
  readonly first?: string;
}

/**
 * Days of a span, each a range that lists its events or digests once, oldest first; `now` in Unix milliseconds. Days whose
 * events have expired are left out, and so are days after tomorrow, which have no events yet.
 */
export function daysOf(kind: EventKind, { from, until, first = from }: Span, now: number, keptForMs: number) {
  const oldest = now - keptForMs - longestQueuedMs - dayMs;
  const firstDay = Math.floor(Math.max(Date.parse(from), oldest) / dayMs);
  const lastDay = Math.floor(Math.min(Date.parse(until) - 1, now + dayMs) / dayMs);
  return Array.from({ length: Math.max(0, lastDay - firstDay + 1) }, (_, index): IndexRange => {
    const day = dayPart(kind, new Date((firstDay + index) * dayMs).toISOString());
    // After a crash, an event may be listed twice; both entries have the same sort key.
    return { ...rangeOf(indexes.byDay, day, first, until), isOncePerSortKey: true };
  });
}

/** Deliveries of a span to an endpoint, oldest first. They are found by examining all events, wanted or not. */
export function sentTo(endpoint: Pick<Endpoint, 'name' | 'format'>, span: Span, now: number, keptForMs: number) {
  const { name, format } = endpoint;
  const rowOf = ({ sk }: Key) => deliveryKey({ event: eventIdOf(sk), endpoint: name });
  return daysOf(kindFor(format), span, now, keptForMs).map((day): IndexRange => ({ ...day, of: name, rowOf }));
}

export const newestFirst = (ranges: readonly IndexRange[]): IndexRange[] =>
  ranges.map((range) => ({ ...range, isDescending: true })).reverse();

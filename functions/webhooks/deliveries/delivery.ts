import { hasBeen, plausibleUntil } from '#functions/clock/instants.ts';
import { dayMs } from '#functions/clock/retention.ts';
import type { IndexRange, KeyIndex } from '#functions/dynamodb/index-pages.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { type EndpointCause, isEndpointCause } from '#functions/events/endpoint-event.ts';
import { eventIdPrefixOf } from '#functions/events/event-id.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { type EventKind, kindFor } from '#functions/webhooks/endpoints/format.ts';
import { mostPostponedMs } from '#functions/webhooks/endpoints/retry-schedule.ts';
import { postFailures } from '#functions/webhooks/http/webhook-client.ts';

/** Causes of a status that does not explain itself, beside those of an endpoint. */
const reasons = ['rejected', 'interrupted', 'endpoint_removed', 'paused', 'disabled', 'operator'] as const;

type DeliveryReason = EndpointCause | (typeof reasons)[number];

const isReason = (value: unknown): value is DeliveryReason =>
  isEndpointCause(value) || reasons.some((reason) => reason === value);

/** Identity of a delivery: the id of an event or digest, and the name of an endpoint. */
export interface DeliveryName {
  readonly event: string;
  readonly endpoint: string;
}

/** Stored attempt: `attempt` counts from 1, `startedAt` is ISO 8601. */
const attempt = r.object({
  attempt: r.number,
  startedAt: r.text,
  durationMs: r.number,
  outcome: r.text,
  cause: r.optional(r.that(isEndpointCause, 'a cause')),
  /** Failure before any answer, with Node's code for it, for example `ENOTFOUND`. */
  failure: r.optional(r.oneOf(postFailures)),
  code: r.optional(r.text),
  status: r.optional(r.number),
  /** Beginning of the answer, encrypted. */
  response: r.optional(r.text),
});

export type AttemptRecord = r.ReadBy<typeof attempt>;

/**
 * Status of a delivery. `PENDING` waits for its next attempt, or is in flight if the endpoint's lease says so. `HELD`
 * waits for an operator, because its endpoint is paused or disabled. `COLLECTED` (its event is part of a digest),
 * `DELIVERED`, `FAILED` (the schedule is over, or the receiver will never take it) and `CANCELLED` are final.
 */
export const deliveryStatuses = ['PENDING', 'COLLECTED', 'DELIVERED', 'FAILED', 'HELD', 'CANCELLED'] as const;

const fieldsOf = r.rowOf({
  /** `createdAt` of its endpoint: an endpoint added again under the same name is a different one. */
  endpointSince: r.text,
  /** ISO 8601 time of the event. */
  eventAt: r.text,
  /** Published bytes of the event, or a digest in no language. */
  body: r.text,
  /** Counts the changes. Each change names the `rev` that it read. */
  rev: r.number,
  status: r.oneOf(deliveryStatuses),
  /** Attempts made since the delivery was created or replayed. */
  attempt: r.number,
  /** Earliest instant of the next attempt. */
  nextAttemptAt: r.number,
  /** Partition in the waiting index; a delivery that was never tried has none. */
  due: r.optional(r.text),
  reason: r.optional(r.that(isReason, 'a reason')),
  /** Id of the digest that tells its event, once collected. */
  digest: r.optional(r.text),
  changedAt: r.optional(r.number),
  /** Earlier attempts have rows of their own. */
  lastAttempt: r.optional(attempt),
  /** Unix time in seconds, DynamoDB's TTL. */
  expiresAt: r.optional(r.number),
});

/** One event on its way to one endpoint. Instants are Unix times in milliseconds. */
export type Delivery = DeliveryName & ReturnType<typeof fieldsOf>;

export const deliveryOf = (row: Item): Delivery => ({ ...fieldsOf(row), ...deliveryNameOf(row.sk) });

export const attemptOf = r.rowReader(attempt);

/** Next status of a delivery. A step without a `reason` removes the previous one, one without `attempt` keeps it. */
export type NextStep =
  | { readonly status: 'PENDING'; readonly attempt: number; readonly nextAttemptAt: number }
  | { readonly status: 'DELIVERED'; readonly attempt: number }
  | { readonly status: 'COLLECTED'; readonly digest: string; readonly attempt?: number }
  | { readonly status: 'HELD' | 'FAILED' | 'CANCELLED'; readonly reason: DeliveryReason; readonly attempt?: number };

/** Milliseconds by which an attempt may begin early, because the clocks of two machines differ. */
const clockSkewMs = 1000;

/** Partitions of the waiting index for the retries of an endpoint, and for its held deliveries. */
export const duePart = (endpoint: string): string => `DUE#${endpoint}`;
export const heldPart = (endpoint: string): string => `HELD#${endpoint}`;

/** Parts of a millisecond, as many as a Unix time in JavaScript can tell apart. */
export const partsOfMs = 4096;

/**
 * Place of a delivery in the waiting index, up to a millisecond before its time and different for most events: of rows
 * with one sort key, the embedded database loses one in some 3,000.
 */
export const dueAtOf = (event: string, at: number): number =>
  at - ((Number.parseInt(event.slice(-3), 36) || 0) % partsOfMs) / partsOfMs;

/** Length of the id prefix that all events about one transfer share. The prefix names their partition. */
const partitionLength = eventIdPrefixOf('').length;

const partitionOf = (event: string): string => `EVENT#${event.slice(0, partitionLength)}`;

export const transferPartition = (trackingId: string): string => partitionOf(eventIdPrefixOf(trackingId));

/** @example { pk: 'EVENT#<first 16 letters of the id>', sk: 'DELIVERY#<id>#<endpoint>' } */
export const deliveryKey = ({ event, endpoint }: DeliveryName): Key => {
  return { pk: partitionOf(event), sk: `DELIVERY#${event}#${endpoint}` };
};

/** First and last sort key of the deliveries of an event. */
export function deliveriesBetween(event: string): [from: string, to: string] {
  const { sk } = deliveryKey({ event, endpoint: '' });
  return [sk, `${sk}~`];
}

/** Key of an event that no endpoint wanted. Every other event is part of its deliveries' rows. */
export const eventKey = (event: string): Key => ({ pk: partitionOf(event), sk: `EVENT#${event}` });

/** Key of an attempt that another attempt followed. */
export const attemptKey = (name: DeliveryName, { startedAt, attempt }: AttemptRecord): Key => {
  return { pk: partitionOf(name.event), sk: `${attemptsOf(name)}${startedAt}#${attempt}` };
};

/** Prefix of the sort keys of a delivery's earlier attempts. */
export const attemptsOf = ({ event, endpoint }: DeliveryName): string => `ATTEMPT#${event}#${endpoint}#`;

/** Entries in the index by day: of events and digests by their time, of late events by that of storing, of resends. */
export type EntryKind = EventKind | 'late' | 'again';

export const dayPart = (kind: EntryKind, at: string): string =>
  ({ event: '', digest: 'digests ', late: 'late ', again: 'again ' })[kind] + at.slice(0, 10);

/** Sort key of an event within its day: its ISO 8601 time, then its id. */
export const listedAt = (at: string, event: string): string => `${at} ${event}`;

/**
 * Milliseconds after which no event gets an earlier place: half of them for an event stored after its time, the rest for
 * the write, the lag of the index and clocks that differ.
 */
export const settledAfterMs = 120_000;

/** Key of the second entry of an event, whose sort key is the event's own place. */
export const lateKey = (at: string, event: string): Key => ({ pk: `LATE#${event}`, sk: listedAt(at, event) });

export const isLateEntry = (pk: string): boolean => pk.startsWith('LATE#');

/** Key of the entry of a resend at `now` (Unix ms), whose sort key begins with the event's own place. */
export const againKey = (at: string, event: string, now: number): Key => {
  return { pk: `AGAIN#${event}`, sk: `${listedAt(at, event)} ${now}` };
};

/** Inverse of {@link deliveryKey}, from a sort key. */
export function deliveryNameOf(sk: string): DeliveryName {
  const name = sk.slice('DELIVERY#'.length);
  // An event's id may contain `#`, the name of an endpoint may not.
  const end = name.lastIndexOf('#');
  return { event: name.slice(0, end), endpoint: name.slice(end + 1) };
}

/** Id of the event in the sort key of a row, either a delivery's or the event's own. */
export const eventIdOf = (sk: string): string =>
  sk.startsWith('EVENT#') ? sk.slice('EVENT#'.length) : deliveryNameOf(sk).event;

export function isDue({ status, nextAttemptAt, changedAt = 0, due }: Delivery, now: number): boolean {
  if (status !== 'PENDING') return false;
  // No index would find a first attempt later.
  if (due === undefined) return true;
  // The true time of a retry that a fast clock postponed is unknown.
  if (!hasBeen(changedAt, now) || plausibleUntil(nextAttemptAt, now, mostPostponedMs) === undefined) return true;
  return nextAttemptAt <= now + clockSkewMs;
}

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

/** Entries of an event at its own place, one unless a crash has left more. */
export const entriesAt = (place: string): IndexRange => rangeOf(indexes.byDay, dayPart('event', place), place, place);

function rangeOf<T extends string | number>(index: KeyIndex, partition: string, from: T, until: T): IndexRange {
  const { name, partitionKey, sortKey } = index;
  return { index: name, partition: [partitionKey[0], partition], sort: [sortKey[0], from, until], isDescending: false };
}

/** Range of ISO 8601 times or places: `from` is included, `until` is not. */
export interface Span {
  readonly from: string;
  readonly until: string;
}

/**
 * Days of a span, each a range that lists its events or digests once, oldest first; `now` in Unix milliseconds. Days whose
 * events have expired are left out, and so are days after tomorrow, which have no events yet.
 */
export function daysOf(kind: EntryKind, { from, until }: Span, now: number, keptForMs: number) {
  const oldest = now - keptForMs - longestQueuedMs - dayMs;
  const firstDay = Math.floor(Math.max(Date.parse(from.slice(0, 24)), oldest) / dayMs);
  const lastDay = Math.floor(Math.min(Date.parse(until) - 1, now + dayMs) / dayMs);
  return Array.from({ length: Math.max(0, lastDay - firstDay + 1) }, (_, index): IndexRange => {
    const day = dayPart(kind, new Date((firstDay + index) * dayMs).toISOString());
    // After a crash, an event may be listed twice; both entries have the same sort key.
    return { ...rangeOf(indexes.byDay, day, from, until), isOncePerSortKey: true };
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

import { believable, hasBeen } from '#functions/clock/instants.ts';
import type { Key } from '#functions/dynamodb/row.ts';
import type { EndpointCause } from '#functions/events/endpoint-event.ts';
import { eventsOf } from '#functions/events/transfer-event.ts';
import type { EventKind } from '#functions/webhooks/endpoints/format.ts';
import type { PostFailure } from '#functions/webhooks/http/client.ts';

/**
 * Where a delivery stands.
 * `PENDING` waits for its next attempt or is being attempted, which the endpoint's lease tells; `DELIVERED`, `FAILED` (its
 * schedule is over, or the receiver will never take it) and `CANCELLED` are final; `HELD` waits for an operator, because its
 * endpoint is paused or disabled.
 */
export type DeliveryStatus = 'PENDING' | 'DELIVERED' | 'FAILED' | 'HELD' | 'CANCELLED';

/** Why a delivery is what it is, where the status alone does not tell. */
export type DeliveryReason =
  | EndpointCause
  | 'rejected'
  | 'interrupted'
  | 'endpoint_removed'
  | 'paused'
  | 'disabled'
  | 'operator';

/** What a delivery is of: one event, or notice, and one endpoint. */
export interface DeliveryName {
  /** Id of the event or notice. */
  readonly event: string;
  /** Name of the endpoint. */
  readonly endpoint: string;
}

/** One event on its way to one endpoint; all instants are Unix times in milliseconds. */
export interface Delivery extends DeliveryName {
  /** `createdAt` of the endpoint it was made for: one that is added again under the same name is another. */
  readonly endpointSince: string;
  /** ISO 8601 time of the event. */
  readonly eventAt: string;
  /** The event, or notice, in the bytes that were published. */
  readonly body: string;
  /** Counts its changes; each change names the one it has seen. */
  readonly rev: number;
  readonly status: DeliveryStatus;
  /** Attempts made since it was created or replayed. */
  readonly attempt: number;
  /** Not before this instant is the next attempt made. */
  readonly nextAttemptAt: number;
  /** The part of the waiting index in which it stands; one that was never tried stands in none. */
  readonly due?: string;
  readonly reason?: DeliveryReason;
  /** When it was last changed. */
  readonly changedAt?: number;
  /** The last attempt; earlier ones have rows of their own. */
  readonly lastAttempt?: AttemptRecord;
}

/** An attempt as it is kept. */
export interface AttemptRecord {
  /** Counted from 1. */
  readonly attempt: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly outcome: string;
  readonly cause?: EndpointCause | undefined;
  /** What went wrong on the way, if nothing was answered, with Node's code for it, for example `ENOTFOUND`. */
  readonly failure?: PostFailure | undefined;
  readonly code?: string | undefined;
  /** HTTP status, if the receiver answered. */
  readonly status?: number | undefined;
  /** The beginning of the answer, encrypted. */
  readonly response?: string | undefined;
}

/** What a delivery becomes; what is not named here goes. */
export type NextStep =
  | { readonly status: 'PENDING'; readonly attempt: number; readonly nextAttemptAt: number }
  | { readonly status: 'DELIVERED'; readonly attempt: number }
  | {
      readonly status: 'HELD' | 'FAILED' | 'CANCELLED';
      readonly reason: DeliveryReason;
      /** Without it, as many as before. */
      readonly attempt?: number;
    };

/** Milliseconds by which a delivery may be attempted early, by the clocks of two machines. */
const clockSkewMs = 1000;

/** The part of the waiting index in which the retries of an endpoint wait for their time. */
export const duePart = (endpoint: string): string => `DUE#${endpoint}`;

/** The part of the waiting index in which the held deliveries of an endpoint wait. */
export const heldPart = (endpoint: string): string => `HELD#${endpoint}`;

/** Letters of an event's id that name its partition: those that all events about one transfer have in common. */
const partitionLength = eventsOf('').length;

/** The partition of an event and its deliveries. */
const partitionOf = (event: string): string => `EVENT#${event.slice(0, partitionLength)}`;

/** The partition of all events about a transfer. */
export const transferPartition = (trackingId: string): string => partitionOf(eventsOf(trackingId));

export const deliveryKey = ({ event, endpoint }: DeliveryName): Key => ({
  pk: partitionOf(event),
  sk: `DELIVERY#${event}#${endpoint}`,
});

/** An event that no endpoint wanted has a row of its own; all others stand in the rows of their deliveries. */
export const eventKey = (event: string): Key => ({ pk: partitionOf(event), sk: `EVENT#${event}` });

/** An attempt that another one followed. */
export const attemptKey = ({ event, endpoint }: DeliveryName, { startedAt, attempt }: AttemptRecord): Key => ({
  pk: partitionOf(event),
  sk: `${attemptsOf({ event, endpoint })}${startedAt}#${attempt}`,
});

/** What the keys of a delivery's earlier attempts begin with. */
export const attemptsOf = ({ event, endpoint }: DeliveryName): string => `ATTEMPT#${event}#${endpoint}#`;

const day = 86_400_000;

/** The part of the index by day in which an event or notice stands, from its ISO 8601 time. */
export const dayPart = (kind: EventKind, at: string): string =>
  kind === 'event' ? at.slice(0, 10) : `notices ${at.slice(0, 10)}`;

/**
 * The parts of the index by day from a time to before another (ISO 8601), the oldest first. What has expired need not be asked
 * for, and nothing is of the day after tomorrow.
 *
 * @param now Unix time in milliseconds
 */
export function dayParts(kind: EventKind, from: string, until: string, now: number): string[] {
  const first = Math.floor(Math.max(Date.parse(from), now - longestWait - day) / day);
  const last = Math.floor(Math.min(Date.parse(until) - 1, now + day) / day);
  const days = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => new Date((first + at) * day));
  return days.map((one) => dayPart(kind, one.toISOString()));
}

/** Where an event stands in its day: by its ISO 8601 time, then by its id. */
export const listedAt = (at: string, event: string): string => `${at} ${event}`;

/** The delivery that a row's key names. */
export function deliveryNameOf({ sk }: Key): DeliveryName {
  const name = sk.slice('DELIVERY#'.length);
  // An id may hold any sign, the name of an endpoint holds none of these.
  const end = name.lastIndexOf('#');
  return { event: name.slice(0, end), endpoint: name.slice(end + 1) };
}

/** The event that a row is about, be it one of its deliveries or the event alone. */
export const eventIdOf = ({ pk, sk }: Key): string =>
  sk.startsWith('EVENT#') ? sk.slice('EVENT#'.length) : deliveryNameOf({ pk, sk }).event;

/** Milliseconds that a delivery waits at most: events are kept for 30 days. */
export const longestWait = 30 * 86_400_000;

/**
 * Whether an attempt may begin. What a clock that was ahead has put off is due, too, for its time is not known; so is the first
 * attempt at any time, for no index has it found later.
 *
 * @param now Unix time in milliseconds
 */
export function isDue({ status, nextAttemptAt, changedAt = 0, due }: Delivery, now: number): boolean {
  if (status !== 'PENDING') return false;
  if (due === undefined) return true;
  if (!hasBeen(changedAt, now) || believable(nextAttemptAt, now, longestWait) === undefined) return true;
  return nextAttemptAt <= now + clockSkewMs;
}

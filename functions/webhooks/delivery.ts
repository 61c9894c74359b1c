import type { Key } from '../batches.ts';
import { believable, hasBeen } from '../instants.ts';
import { hash } from '../transfers/digest.ts';
import type { EndpointCause } from './endpoint-event.ts';

/**
 * Where a delivery stands.
 * `PENDING` waits for its next attempt, `CLAIMED` is being attempted; `DELIVERED`, `FAILED` (its schedule is over, or the
 * receiver will never take it) and `CANCELLED` are final; `HELD` waits for an operator, because its endpoint is paused or
 * disabled.
 */
export type DeliveryStatus = 'PENDING' | 'CLAIMED' | 'DELIVERED' | 'FAILED' | 'HELD' | 'CANCELLED';

/** Why a delivery is what it is, where the status alone does not tell. */
export type DeliveryReason =
  | EndpointCause
  | 'rejected'
  | 'interrupted'
  | 'endpoint_removed'
  | 'event_expired'
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
  /** Counts its changes; whoever changes it names the one it has seen. */
  readonly rev: number;
  readonly status: DeliveryStatus;
  /** Attempts begun since it was created or replayed. */
  readonly attempt: number;
  /** Not before this instant is the next attempt made. */
  readonly nextAttemptAt: number;
  /** The gate has given it this place in the endpoint's queue. */
  readonly hasPlace?: boolean;
  /** Until when the claim on it counts, while it is `CLAIMED`. */
  readonly claimedUntil?: number;
  readonly reason?: DeliveryReason;
  /** When the sweep looks after it, while it waits. */
  readonly dueAt?: number;
  /** When it was last changed. */
  readonly changedAt?: number;
}

/** What a delivery becomes; what is not named here goes. */
export type NextStep =
  | {
      readonly status: 'PENDING';
      readonly attempt: number;
      readonly nextAttemptAt: number;
      readonly hasPlace?: boolean;
    }
  | { readonly status: 'CLAIMED'; readonly attempt: number; readonly claimedUntil: number }
  | { readonly status: 'HELD'; readonly reason: DeliveryReason }
  | { readonly status: 'DELIVERED' }
  | { readonly status: 'FAILED' | 'CANCELLED'; readonly reason: DeliveryReason };

/** Milliseconds for which a claim holds: more than an attempt can take, whose request alone may take 15 s. */
export const claimDuration = 60_000;

/** Milliseconds after which the sweep takes a doorbell for lost. */
export const doorbellGrace = 120_000;

/** Milliseconds that a doorbell may ring early, by the clocks of two machines. */
const earliness = 1000;

/** Longest delay of a message in SQS, in milliseconds; what waits longer is found by the sweep. */
export const longestDoorbellDelay = 900_000;

/** When the sweep has to look after a delivery that waits for `nextAttemptAt`. */
export const sweepAt = (nextAttemptAt: number, now: number): number =>
  nextAttemptAt - now > longestDoorbellDelay ? nextAttemptAt : Math.max(nextAttemptAt, now) + doorbellGrace;

/** Parts of the index of waiting deliveries; each takes 1,000 writes a second. */
const dueParts = 4;

/** Names of all parts of the index in which deliveries wait for their time. */
export const duePartNames: readonly string[] = Array.from({ length: dueParts }, (_, part) => `DUE#${part}`);

/** The part of the index in which a delivery waits for its time. */
export const duePart = ({ event, endpoint }: DeliveryName): string =>
  duePartNames[(hash(`${event} ${endpoint}`).high >>> 0) % dueParts]!;

/** The part of the index in which the held deliveries of an endpoint wait. */
export const heldPart = (endpoint: string): string => `HELD#${endpoint}`;

export const deliveryKey = ({ event, endpoint }: DeliveryName): Key => ({
  pk: `EVENT#${event}`,
  sk: `DELIVERY#${endpoint}`,
});

export const eventKey = (event: string): Key => ({ pk: `EVENT#${event}`, sk: 'EVENT' });

/** The part of the index of events by day in which an event stands, from its ISO 8601 time. */
export const dayOf = (at: string): string => at.slice(0, 10);

/** The delivery that a row's key names. */
export const deliveryNameOf = ({ pk, sk }: Key): DeliveryName => ({
  event: pk.slice('EVENT#'.length),
  endpoint: sk.slice('DELIVERY#'.length),
});

/** Unix time in milliseconds since which a delivery that waits for its time has been due, or from which on it is. */
export const dueSince = ({ status, claimedUntil = 0, nextAttemptAt }: Delivery): number =>
  status === 'CLAIMED' ? claimedUntil : nextAttemptAt;

/** Milliseconds that a delivery waits at most: events are kept for 30 days. */
export const longestWait = 30 * 86_400_000;

/**
 * Whether an attempt may begin: it is due, or the one that was under way was interrupted. What a clock that was ahead has
 * put off is due, too, for its time is not known.
 */
export function isDue(delivery: Delivery, now: number): boolean {
  const { status, nextAttemptAt, claimedUntil = 0, changedAt = 0 } = delivery;
  if (status !== 'PENDING' && status !== 'CLAIMED') return false;
  if (!hasBeen(changedAt, now) || believable(dueSince(delivery), now, longestWait) === undefined) return true;
  return status === 'PENDING' ? nextAttemptAt <= now + earliness : claimedUntil <= now;
}

import { type Delivery, deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { type Endpoint, isWanted, type Subject } from '#functions/webhooks/endpoints/endpoint.ts';
import { endpointKey } from '#functions/webhooks/endpoints/endpoints.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import type { LeaseRow } from '#functions/webhooks/endpoints/lease.ts';

/** All that may be said of an event and a subscriber; docs/operations.md says what each means. */
export const verdicts = [
  /** The receiver took it. */
  'delivered',
  /** A digest told it, and the receiver took that digest. */
  'in_digest',
  /** It waits for the next digest of a reader. */
  'waits_for_digest',
  'waits_for_first_attempt',
  /** An attempt failed, and the next one has a time. */
  'waits_for_retry',
  /** An attempt is under way. */
  'in_flight',
  /** Held, because the subscriber is or was paused. */
  'held_paused',
  /** Held, because the subscriber is or was disabled. */
  'held_disabled',
  /** The last attempt of its schedule failed. */
  'failed',
  /** The receiver will never take it. */
  'rejected',
  /** An operator ended it. */
  'cancelled',
  /** The subscriber was removed first. */
  'endpoint_removed',
  /** The subscriber was added after the event. */
  'before_endpoint',
  'not_wanted_type',
  'not_wanted_mailbox',
  'not_wanted_direction',
  /** The event waits in a queue, or for its publication. */
  'not_fanned_out_yet',
  /** The stored rows do not tell. */
  'unknown',
] as const;

export type Verdict = (typeof verdicts)[number];

/** Row of a table, as `pk sk`, or a setting of the subscriber. A row that is named for what is missing does not exist. */
export type Proof = { readonly row: string } | { readonly setting: string; readonly value: string | readonly string[] };

/** What is stored about an event and a subscriber. */
export interface Evidence {
  readonly event: { readonly id: string; readonly at: string; readonly subject: Subject; readonly row: string };
  /** True once the webhooks table has the event. */
  readonly isFannedOut: boolean;
  readonly name: string;
  /** Undefined for a removed subscriber. */
  readonly endpoint: Endpoint | undefined;
  readonly delivery: Delivery | undefined;
  /** The digest that tells the event. */
  readonly digest: Delivery | undefined;
  readonly lease: LeaseRow;
  /** False when some deliveries of the transfer were not read. */
  readonly isWhole: boolean;
  /** Unix ms. */
  readonly now: number;
}

/** Entries of a filter that a proof shows. */
const mostShown = 10;

/**
 * Says what came of an event for a subscriber, and what proves it.
 *
 * @example an event for a paused endpoint gives `{ verdict: 'held_paused', reason: 'paused', proof: { row: 'EVENT#…' } }`
 */
export function verdictOf(evidence: Evidence) {
  const { delivery, digest } = evidence;
  if (!delivery) return verdictWithoutDelivery(evidence);
  if (delivery.status !== 'COLLECTED') return verdictOfDelivery(evidence, delivery);
  const told = { digest: delivery.digest };
  if (!digest) return { verdict: 'unknown' as const, reason: 'digest_missing', ...told, proof: rowOf(delivery) };
  const of = verdictOfDelivery(evidence, digest);
  return { ...of, ...told, verdict: of.verdict === 'delivered' ? ('in_digest' as const) : of.verdict };
}

const rowOf = (delivery: Delivery): Proof => {
  const { pk, sk } = deliveryKey(delivery);
  return { row: `${pk} ${sk}` };
};

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

function verdictOfDelivery(evidence: Evidence, delivery: Delivery) {
  const { status, reason, attempt: attempts } = delivery;
  const known = { reason, attempts, proof: rowOf(delivery) };
  if (status === 'PENDING') return { ...known, ...verdictOfPending(evidence, delivery) };
  return { ...known, verdict: verdictOfEnd(evidence, delivery) };
}

function verdictOfEnd({ endpoint }: Evidence, { status, reason }: Delivery): Verdict {
  if (status === 'DELIVERED') return 'delivered';
  if (status === 'FAILED') return reason === 'rejected' ? 'rejected' : 'failed';
  if (status === 'CANCELLED') return reason === 'endpoint_removed' ? 'endpoint_removed' : 'cancelled';
  if (status !== 'HELD') return 'unknown';
  // No command releases it any more.
  if (!endpoint) return 'endpoint_removed';
  return reason === 'paused' ? 'held_paused' : 'held_disabled';
}

/** What the next process that looks at a waiting delivery will do with it, in the order in which it decides. */
function verdictOfPending({ endpoint, lease, now, event: { id } }: Evidence, delivery: Delivery) {
  const { event, rev, attempt, endpointSince, due } = delivery;
  const inFlight = lease.inFlight[event];
  if (inFlight && inFlight.of >= rev && inFlight.until > now) return { verdict: 'in_flight' as const };
  if (endpoint?.createdAt !== endpointSince) {
    const { pk, sk } = endpointKey(delivery.endpoint);
    return { verdict: 'endpoint_removed' as const, proof: { row: `${pk} ${sk}` } };
  }
  const { status } = endpoint;
  if (status !== 'active') {
    const proof = { setting: 'status', value: status };
    return {
      verdict: status === 'paused' ? ('held_paused' as const) : ('held_disabled' as const),
      reason: status,
      proof,
    };
  }
  const { openUntil = 0 } = lease;
  const dueAt = due === undefined ? now : delivery.nextAttemptAt;
  const isShut = openUntil > Math.max(dueAt, now);
  const next = { nextAttemptAt: iso(Math.max(dueAt, openUntil)), ...(isShut && { reason: 'circuit_breaker' }) };
  const waitsForDigest = isForPeople(endpoint.format) && event === id && attempt === 0;
  if (waitsForDigest) return { verdict: 'waits_for_digest' as const, nextAttemptAt: iso(delivery.nextAttemptAt) };
  return { verdict: attempt > 0 ? ('waits_for_retry' as const) : ('waits_for_first_attempt' as const), ...next };
}

function verdictWithoutDelivery(evidence: Evidence): { verdict: Verdict; reason?: string; proof: Proof } {
  const { event, endpoint, name, isFannedOut, isWhole } = evidence;
  const { pk, sk } = endpointKey(name);
  const ofEvent = { row: event.row };
  if (!isWhole) return { verdict: 'unknown', reason: 'too_many_rows', proof: ofEvent };
  if (!endpoint) return { verdict: 'endpoint_removed', proof: { row: `${pk} ${sk}` } };
  const unwanted = unwantedBy(endpoint, event.subject);
  if (unwanted) return unwanted;
  if (!isFannedOut) return { verdict: 'not_fanned_out_yet', proof: ofEvent };
  const { createdAt } = endpoint;
  if (createdAt > event.at) return { verdict: 'before_endpoint', proof: { setting: 'createdAt', value: createdAt } };
  // Fan-out has yet to come to this subscriber, or its filters were others then.
  return { verdict: 'unknown', reason: 'wanted_now', proof: ofEvent };
}

/** The first filter that keeps an event from a subscriber. */
function unwantedBy({ types, mailboxes, directions }: Endpoint, subject: Subject) {
  const by = (verdict: Verdict, setting: string, value: readonly string[]) => {
    return { verdict, proof: { setting, value: value.slice(0, mostShown) } };
  };
  if (!isWanted({ types }, subject)) return by('not_wanted_type', 'types', types);
  if (mailboxes && !isWanted({ types, mailboxes }, subject)) return by('not_wanted_mailbox', 'mailboxes', mailboxes);
  if (directions && !isWanted({ types, directions }, subject))
    return by('not_wanted_direction', 'directions', directions);
  return undefined;
}

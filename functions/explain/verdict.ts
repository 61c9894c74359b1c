import type { Watch } from '#functions/transfers/transfer.ts';
import { type Delivery, deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { type Endpoint, isWanted } from '#functions/webhooks/endpoints/endpoint.ts';
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
  /** An attempt is in flight. */
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

/** The stored facts about an event and a subscriber. */
export interface Evidence {
  readonly event: Watch & { readonly id: string; readonly type: string; readonly at: string; readonly row: string };
  readonly name: string;
  /** The subscriber; undefined for a removed one. */
  readonly endpoint: Endpoint | undefined;
  readonly delivery: Delivery | undefined;
  /** The delivery of the digest that tells the event. */
  readonly digest: Delivery | undefined;
  readonly lease: LeaseRow;
  /** True once the webhooks table has the event. */
  readonly isFannedOut: boolean;
  /** False when some deliveries of the transfer were not read. */
  readonly isWhole: boolean;
  /** Unix ms. */
  readonly now: number;
}

interface Told {
  readonly verdict: Verdict;
  readonly reason?: string | undefined;
  readonly nextAttemptAt?: string;
  readonly digest?: string | undefined;
  readonly attempts?: number;
  readonly proof: Proof;
}

/** Entries of a filter that a proof shows. */
const mostShown = 10;

/**
 * Says what came of an event for a subscriber, and what proves it.
 *
 * @example an event held for a paused endpoint gives `{ verdict: 'held_paused', reason: 'paused', attempts: 0, proof }`
 */
export function verdictOf(evidence: Evidence): Told {
  const { delivery, digest } = evidence;
  if (!delivery) return verdictWithoutDelivery(evidence);
  if (delivery.status !== 'COLLECTED') return verdictOfDelivery(evidence, delivery);
  const { digest: told } = delivery;
  if (!digest) return { verdict: 'unknown', reason: 'digest_unread', digest: told, proof: rowOf(delivery) };
  const of = verdictOfDelivery(evidence, digest);
  return { ...of, digest: told, verdict: of.verdict === 'delivered' ? 'in_digest' : of.verdict };
}

function rowOf(delivery: Delivery): Proof {
  const { pk, sk } = deliveryKey(delivery);
  return { row: `${pk} ${sk}` };
}

/** Proof that a subscriber was removed: its row is missing, or is that of a later one of the same name. */
function removed({ name, endpoint }: Evidence): Told {
  const { pk, sk } = endpointKey(name);
  const proof = endpoint ? { setting: 'createdAt', value: endpoint.createdAt } : { row: `${pk} ${sk}` };
  return { verdict: 'endpoint_removed', proof };
}

function verdictOfDelivery(evidence: Evidence, delivery: Delivery): Told {
  const { status, reason, attempt: attempts } = delivery;
  const as = (verdict: Verdict): Told => ({ verdict, reason, attempts, proof: rowOf(delivery) });
  if (status === 'PENDING') return { ...as('unknown'), ...verdictOfPending(evidence, delivery) };
  if (status === 'DELIVERED') return as('delivered');
  if (status === 'FAILED') return as(reason === 'rejected' ? 'rejected' : 'failed');
  if (status === 'CANCELLED') return as(reason === 'endpoint_removed' ? 'endpoint_removed' : 'cancelled');
  // No command releases what is held for a removed subscriber.
  if (!evidence.endpoint) return { ...as('unknown'), ...removed(evidence) };
  return as(reason === 'paused' ? 'held_paused' : 'held_disabled');
}

/** Says how the next process will treat a waiting delivery, by the rules that it follows, in their order. */
function verdictOfPending(evidence: Evidence, delivery: Delivery): Partial<Told> {
  const { endpoint, lease, now, event } = evidence;
  const { rev, attempt, endpointSince, due, nextAttemptAt } = delivery;
  const inFlight = lease.inFlight[delivery.event];
  if (inFlight && inFlight.of >= rev && inFlight.until > now) return { verdict: 'in_flight' };
  if (endpoint?.createdAt !== endpointSince) return removed(evidence);
  const { status, format } = endpoint;
  const proof = { setting: 'status', value: status };
  if (status === 'paused') return { verdict: 'held_paused', reason: status, proof };
  if (status === 'disabled') return { verdict: 'held_disabled', reason: status, proof };
  const isGathered = isForPeople(format) && delivery.event === event.id;
  if (isGathered) return { verdict: 'waits_for_digest', nextAttemptAt: new Date(nextAttemptAt).toISOString() };
  // Untried, it is due at once.
  const dueAt = due === undefined ? now : nextAttemptAt;
  const { openUntil = 0 } = lease;
  return {
    verdict: attempt > 0 ? 'waits_for_retry' : 'waits_for_first_attempt',
    nextAttemptAt: new Date(Math.max(dueAt, openUntil)).toISOString(),
    ...(openUntil > Math.max(dueAt, now) && { reason: 'circuit_breaker' }),
  };
}

function verdictWithoutDelivery(evidence: Evidence): Told {
  const { event, endpoint, isFannedOut, isWhole } = evidence;
  const proof = { row: event.row };
  if (!isWhole) return { verdict: 'unknown', reason: 'too_many_rows', proof };
  if (!endpoint) return removed(evidence);
  const unwanted = unwantedBy(endpoint, event);
  if (unwanted) return unwanted;
  if (!isFannedOut) return { verdict: 'not_fanned_out_yet', proof };
  const { createdAt } = endpoint;
  if (createdAt > event.at) return { verdict: 'before_endpoint', proof: { setting: 'createdAt', value: createdAt } };
  // Fan-out has yet to come to this subscriber, or its filters were others then.
  return { verdict: 'unknown', reason: 'wanted_now', proof };
}

/** The first filter that keeps an event from a subscriber. */
function unwantedBy({ types, mailboxes, directions }: Endpoint, event: Evidence['event']): Told | undefined {
  const { type, mailbox, direction } = event;
  const subject = { types: [type], mailbox, direction };
  const by = (verdict: Verdict, setting: string, value: readonly string[]) => {
    return { verdict, proof: { setting, value: value.slice(0, mostShown) } };
  };
  if (!isWanted({ types }, subject)) return by('not_wanted_type', 'types', types);
  if (mailboxes && !isWanted({ types, mailboxes }, subject)) return by('not_wanted_mailbox', 'mailboxes', mailboxes);
  if (directions && !isWanted({ types, directions }, subject))
    return by('not_wanted_direction', 'directions', directions);
  return undefined;
}

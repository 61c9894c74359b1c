import type { Key } from '#functions/dynamodb/row.ts';
import { type Delivery, deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { type Endpoint, isWanted } from '#functions/webhooks/endpoints/endpoint.ts';
import { endpointKey } from '#functions/webhooks/endpoints/endpoints.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import type { LeaseRow } from '#functions/webhooks/endpoints/lease.ts';
import type { EventOfLife } from './timeline.ts';
import meanings from './verdicts.json' with { type: 'json' };

/** All that may be said of an event and a subscriber, each with its meaning; `docs/operations.md` repeats them. */
export type Verdict = keyof typeof meanings;

export const verdicts = /* @__PURE__ */ Object.keys(meanings) as Verdict[];

/** Row of a table, as `pk sk`, or a setting of the subscriber. A row that is named for what is missing does not exist. */
export type Proof = { readonly row: string } | { readonly setting: string; readonly value: string | readonly string[] };

export interface Evidence {
  readonly event: EventOfLife;
  readonly name: string;
  /** Undefined for a removed subscriber. */
  readonly endpoint: Endpoint | undefined;
  readonly delivery: Delivery | undefined;
  /** The delivery of the digest that tells the event. */
  readonly digest: Delivery | undefined;
  /** Undefined where it was not read. */
  readonly lease: LeaseRow | undefined;
  /** True once the webhooks table has the event. */
  readonly isFannedOut: boolean;
  /** False when some deliveries of the event were not read. */
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
 * @example an event held for a paused endpoint gives `{ verdict: 'held_paused', reason: 'paused', attempts: 0, proof }`
 */
export function verdictOf(evidence: Evidence): Told {
  const { delivery, digest } = evidence;
  if (!delivery) return verdictWithoutDelivery(evidence);
  if (delivery.status !== 'COLLECTED') return verdictOfDelivery(evidence, delivery);
  const told = { digest: delivery.digest, proof: proofBy(deliveryKey(delivery)) };
  if (!digest) return { verdict: 'unknown', reason: 'digest_unread', ...told };
  const of = verdictOfDelivery(evidence, digest);
  return { ...told, ...of, verdict: of.verdict === 'delivered' ? 'in_digest' : of.verdict };
}

const proofBy = ({ pk, sk }: Key): Proof => ({ row: `${pk} ${sk}` });

/** Proof that a subscriber was removed: its row is missing, or is that of a later one of the same name. */
function removed({ name, endpoint }: Evidence): Told {
  const proof = endpoint ? { setting: 'createdAt', value: endpoint.createdAt } : proofBy(endpointKey(name));
  return { verdict: 'endpoint_removed', proof };
}

function verdictOfDelivery(evidence: Evidence, delivery: Delivery): Told {
  const { status, endpointSince, attempt: attempts } = delivery;
  const isOther = status === 'DELIVERED' && endpointSince !== (evidence.endpoint?.createdAt ?? endpointSince);
  const reason = isOther ? 'earlier_subscriber' : delivery.reason;
  const as = (verdict: Verdict): Told => ({ verdict, reason, attempts, proof: proofBy(deliveryKey(delivery)) });
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
  const isGathered = endpoint && isForPeople(endpoint.format) && delivery.event === event.id;
  if (!lease && !isGathered) return { reason: 'too_many_rows' };
  const inFlight = lease?.inFlight[delivery.event];
  if (inFlight && inFlight.of >= rev && inFlight.until > now) return { verdict: 'in_flight' };
  if (endpoint?.createdAt !== endpointSince) return removed(evidence);
  const { status } = endpoint;
  const proof = { setting: 'status', value: status };
  if (status === 'paused') return { verdict: 'held_paused', reason: status, proof };
  if (status === 'disabled') return { verdict: 'held_disabled', reason: status, proof };
  if (isGathered) return { verdict: 'waits_for_digest', nextAttemptAt: new Date(nextAttemptAt).toISOString() };
  // Untried, it is due at once.
  const dueAt = due === undefined ? now : nextAttemptAt;
  const { openUntil = 0 } = lease!;
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
  if (endpoint.createdAt > event.at) return { ...removed(evidence), verdict: 'before_endpoint' };
  // Fan-out has yet to come to this subscriber, its filters were others then, or the row has expired.
  return { verdict: 'unknown', reason: 'wanted_now', proof };
}

/** The first filter that keeps an event from a subscriber. */
function unwantedBy({ types, mailboxes, directions }: Endpoint, event: EventOfLife): Told | undefined {
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

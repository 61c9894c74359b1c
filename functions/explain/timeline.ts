import type { Item } from '#functions/dynamodb/row.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { AttemptRecord, Delivery, DeliveryName } from '#functions/webhooks/deliveries/delivery.ts';

/** Happenings in the life of a transfer, first seen in a listing. Those of one instant follow each other in this order. */
const changes = ['seen', 'event', 'fanned_out', 'digest', 'attempt'] as const;
const ends = ['delivered', 'failed', 'held', 'cancelled'] as const;
export const happenings = [...changes, ...ends];

type NamedAttempt = AttemptRecord & DeliveryName;

/** An event about a transfer, with the row that holds it, as `pk sk`. Its times, also that of fan-out, are ISO 8601. */
export type EventOfLife = Watch &
  Readonly<Record<'id' | 'type' | 'at' | 'state' | 'row', string>> & { readonly fannedOutAt?: string | undefined };

/**
 * The life of one transfer, oldest first. The deliveries are those of its events and of the digests that tell them; each
 * has its last attempt, so only `earlier` ones are given.
 *
 * @example [{ kind: 'seen', at: '2026-11-24T00:00:00.000Z', mailbox: 'alice@example.com', direction: 'sent' }]
 */
export function timelineOf(
  rows: readonly (TransferRow & Watch)[],
  events: readonly EventOfLife[],
  deliveries: readonly Delivery[],
  earlier: readonly NamedAttempt[],
) {
  const told = [
    ...rows.map(({ firstSeenAt: at, mailbox, direction }) => ({ kind: 'seen' as const, at, mailbox, direction })),
    ...events.flatMap(({ id: event, at, type, state, mailbox, direction, fannedOutAt }) => [
      { kind: 'event' as const, at, event, type, state, mailbox, direction },
      ...(fannedOutAt === undefined ? [] : [{ kind: 'fanned_out' as const, at: fannedOutAt, event }]),
    ]),
    ...allAttempts(deliveries, earlier).map((attempt) => ({ kind: 'attempt' as const, ...attempt })),
    ...deliveries.flatMap(({ status, changedAt, event, endpoint, digest, reason }) => {
      const kind = status === 'COLLECTED' ? ('digest' as const) : ends.find((end) => end === status.toLowerCase());
      if (!kind || changedAt === undefined) return [];
      return { kind, at: new Date(changedAt).toISOString(), event, endpoint, digest, cause: reason };
    }),
  ];
  const orderOf = ({ kind }: (typeof told)[number]) => happenings.indexOf(kind);
  return told.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)) || orderOf(a) - orderOf(b));
}

/** Each attempt once, without its answer: the last one of a delivery may have a row of its own already. */
function allAttempts(deliveries: readonly Delivery[], earlier: readonly NamedAttempt[]) {
  const last = deliveries.flatMap(({ event, endpoint, lastAttempt }) =>
    lastAttempt ? { ...lastAttempt, event, endpoint } : [],
  );
  const all = [...earlier, ...last].map(({ startedAt: at, response: _, ...attempt }) => ({ at, ...attempt }));
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/**
 * When fan-out stored an event, from the TTL of its rows: their end less the time for which events are kept (both in ms,
 * as `now`). Undefined where that time was changed since, which puts it before the event or after a row's last change.
 */
export function fannedOutAt(rows: readonly Item[], keptForMs: number, now: number): string | undefined {
  const stored = rows.flatMap(({ expiresAt, eventAt, changedAt = now }) => {
    const storedAt = expiresAt * 1000 - keptForMs;
    // The TTL is in whole seconds.
    const at = Math.max(storedAt, Date.parse(eventAt));
    return at - storedAt < 1000 && at <= changedAt ? at : [];
  });
  return stored.length > 0 ? new Date(Math.min(...stored)).toISOString() : undefined;
}

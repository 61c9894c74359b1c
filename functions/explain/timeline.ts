import type { Item } from '#functions/dynamodb/row.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { AttemptRecord, Delivery, DeliveryName } from '#functions/webhooks/deliveries/delivery.ts';

/** Happenings in the life of a transfer. Those of one instant follow each other in this order. */
export const happenings = [
  /** A listing showed the transfer for the first time. */
  'seen',
  /** An event was made of a change. */
  'event',
  /** Fan-out stored the event, with its deliveries. */
  'fanned_out',
  /** A digest took the event. */
  'digest',
  'attempt',
  'delivered',
  'failed',
  'held',
  'cancelled',
] as const;

/** An event as the timeline shows it. */
export interface ToldEvent extends Watch {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly state: string;
  /** ISO 8601 time at which fan-out stored it, if known. */
  readonly fannedOutAt: string | undefined;
}

/** An attempt at a delivery, with the names of both. */
export type NamedAttempt = AttemptRecord & DeliveryName;

export interface Life {
  readonly rows: readonly (TransferRow & Watch)[];
  readonly events: readonly ToldEvent[];
  /** Deliveries of the events, and of the digests that tell them. */
  readonly deliveries: readonly Delivery[];
  /** Earlier attempts; each delivery has its last one. */
  readonly attempts: readonly NamedAttempt[];
}

/** The happening that each status records; a pending delivery has only attempts. */
const ends: Partial<Record<Delivery['status'], (typeof happenings)[number]>> = {
  COLLECTED: 'digest',
  DELIVERED: 'delivered',
  FAILED: 'failed',
  HELD: 'held',
  CANCELLED: 'cancelled',
};

/**
 * The life of one transfer, oldest first.
 * @example [{ kind: 'seen', at: '2026-11-24T00:00:00.000Z', mailbox: 'alice@example.com', direction: 'sent' }]
 */
export function timelineOf({ rows, events, deliveries, attempts }: Life) {
  return [
    ...rows.map(({ firstSeenAt: at, mailbox, direction }) => ({ kind: 'seen' as const, at, mailbox, direction })),
    ...events.flatMap(({ id: event, at, type, state, mailbox, direction, fannedOutAt }) => [
      { kind: 'event' as const, at, event, type, state, mailbox, direction },
      ...(fannedOutAt === undefined ? [] : [{ kind: 'fanned_out' as const, at: fannedOutAt, event }]),
    ]),
    ...allAttempts(deliveries, attempts).map((attempt) => ({ kind: 'attempt' as const, ...attempt })),
    ...deliveries.flatMap(({ status, changedAt, event, endpoint, digest, reason }) => {
      const kind = ends[status];
      if (!kind || changedAt === undefined) return [];
      return { kind, at: new Date(changedAt).toISOString(), event, endpoint, digest, cause: reason };
    }),
  ].toSorted((one, other) => (one.at < other.at ? -1 : Number(one.at > other.at)) || orderOf(one) - orderOf(other));
}

const orderOf = ({ kind }: { readonly kind: (typeof happenings)[number] }): number => happenings.indexOf(kind);

/** Each attempt once: the last one of a delivery may have a row of its own already. Without the answers. */
function allAttempts(deliveries: readonly Delivery[], earlier: readonly NamedAttempt[]) {
  const last = deliveries.flatMap(({ event, endpoint, lastAttempt }) =>
    lastAttempt ? { event, endpoint, ...lastAttempt } : [],
  );
  const all = [...earlier, ...last].map(({ startedAt: at, response: _, ...attempt }) => ({ at, ...attempt }));
  return new Map(all.map((one) => [[one.event, one.endpoint, one.at, one.attempt].join(' '), one])).values().toArray();
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

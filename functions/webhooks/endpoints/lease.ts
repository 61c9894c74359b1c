import { plausibleUntil } from '#functions/clock/instants.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { believedBreaker, breakerFields, newBreaker, type Observation, observe, stateOf } from './circuit-breaker.ts';

const inFlightAttempt = r.object({
  /** Counted from 1. */
  attempt: r.number,
  /** `rev` of its delivery at the begin; once the delivery has changed, this entry is stale. */
  of: r.number,
  /** Latest end; a process that has recorded no end by then has died. */
  until: r.number,
  /** Begun without the lease: if the process dies, SQS redelivers the wake-up. */
  isLone: r.optional(r.flag),
});

export type InFlight = r.ReadBy<typeof inFlightAttempt>;

/** The row that governs sending to an endpoint. All instants are Unix times in milliseconds. */
const readLease = r.rowOf({
  ...breakerFields,
  rev: r.number,
  changedAt: r.optional(r.number),
  /** The process that drains the endpoint. */
  holder: r.optional(r.object({ id: r.text, until: r.number })),
  inFlight: r.record(inFlightAttempt),
  /** Earliest begin of the next attempt, for an endpoint with a pace. */
  freeAt: r.number,
});

export type LeaseRow = ReturnType<typeof readLease>;

export const leaseOf = (row: Item | undefined): LeaseRow => (row ? readLease(row) : newLease);

export interface Limits {
  readonly maxInFlight: number;
  /** Least milliseconds between two attempts. */
  readonly intervalMs: number;
}

/** A lease lasts 3 s until attempts begin, 15 s for requests and 1 s for outcomes. Clock difference adds 5 s. */
export const leaseDurationMs = 24_000;
/** Upper bound of the changes to a lease in a millisecond. */
const changesPerMs = 1024;

export const newLease: LeaseRow = { ...newBreaker, rev: 0, inFlight: {}, freeAt: 0 };

/** Corrects a stored lease: ends whatever a clock that was ahead has written. */
export function plausibleLease(lease: LeaseRow, now: number): LeaseRow {
  const { holder, inFlight, freeAt, rev, changedAt = 0, ...breaker } = lease;
  const lasts = (until: number): boolean => plausibleUntil(until, now, leaseDurationMs) !== undefined;
  const plausible = ([event, inFlightAttempt]: [string, InFlight]) =>
    [event, lasts(inFlightAttempt.until) ? inFlightAttempt : { ...inFlightAttempt, until: 0 }] as const;
  return {
    ...believedBreaker(breaker, changedAt, now),
    rev,
    changedAt,
    holder: holder && lasts(holder.until) && holder.until > now ? holder : undefined,
    inFlight: Object.fromEntries(Object.entries(inFlight).map(plausible)),
    freeAt: lasts(freeAt) ? freeAt : 0,
  };
}

/** The answer to a process that wants to send to an endpoint. */
export type Admission =
  /** Another process drains it. */
  | { readonly kind: 'held' }
  /** No process may send to it before this instant. */
  | { readonly kind: 'shut'; readonly until: number }
  /** The process may take the lease and begin `room` attempts; `interrupted` holds those of a dead holder, by event. */
  | { readonly kind: 'free'; readonly room: number; readonly interrupted: Readonly<Record<string, InFlight>> };

/** `lease` is a {@link plausibleLease}. @example a new one gives `{ kind: 'free', room: 10, interrupted: {} }` */
export function admission(lease: LeaseRow, { maxInFlight, intervalMs }: Limits, now: number): Admission {
  const { holder, inFlight, openUntil = 0, freeAt } = lease;
  if (holder) return { kind: 'held' };
  const shutUntil = Math.max(openUntil, intervalMs > 0 ? freeAt : 0);
  if (shutUntil > now) return { kind: 'shut', until: shutUntil };
  const most = stateOf(lease, now) === 'half-open' ? 1 : maxInFlight;
  const live = Object.values(inFlight).filter(({ until }) => until > now);
  const interrupted = Object.entries(inFlight).filter(([, { isLone, until }]) => !isLone && until <= now);
  return { kind: 'free', room: Math.max(0, most - live.length), interrupted: Object.fromEntries(interrupted) };
}

/** Attempts without the lease at one endpoint; each blocks its function from other work. */
const mostLone = 2;

/** True when a single delivery needs no lease: the endpoint is healthy, with at least half of its room free. */
export function allowsLone(lease: LeaseRow, { maxInFlight, intervalMs }: Limits, now: number): boolean {
  const live = Object.values(lease.inFlight).filter(({ until }) => until > now).length;
  const isWell = lease.failures === 0 && lease.openUntil === undefined;
  const leavesNothingOver = Object.values(lease.inFlight).every(({ isLone }) => isLone);
  return isWell && intervalMs === 0 && leavesNothingOver && live < mostLone && 2 * (live + 1) <= maxInFlight;
}

export interface Progress {
  readonly inFlight: Readonly<Record<string, InFlight>>;
  /** Attempts ended since the last report, in the order of their ends. */
  readonly observations: readonly Observation[];
}

/** Acquires or renews the lease for a process. @example acquire(…, 1000).holder // { id: 'p1', until: 25_000 } */
export function acquire(lease: LeaseRow, id: string, progress: Progress, intervalMs: number, now: number): LeaseRow {
  const begins = intervalMs > 0 && Object.keys(progress.inFlight).length > 0;
  // The interval counts from now, not from the slot that a late attempt missed.
  const freeAt = begins ? Math.max(lease.freeAt, now + intervalMs) : lease.freeAt;
  return { ...withProgress(lease, progress, now), freeAt, holder: { id, until: now + leaseDurationMs } };
}

export const release = (lease: LeaseRow, progress: Progress, now: number): LeaseRow => {
  return { ...withProgress(lease, progress, now), holder: undefined };
};

/** Adds an attempt begun without the lease; `progress` names only that attempt. */
export function addLone(lease: LeaseRow, { inFlight: own, observations }: Progress, now: number): LeaseRow {
  const held = Object.entries(lease.inFlight).filter(([, { isLone }]) => !isLone);
  return withProgress(lease, { inFlight: { ...Object.fromEntries(held), ...own }, observations }, now);
}

/** Removes ended lone attempts and records their observations. */
export function endLone(lease: LeaseRow, events: readonly string[], observations: readonly Observation[], now: number) {
  const inFlight = Object.fromEntries(Object.entries(lease.inFlight).filter(([event]) => !events.includes(event)));
  return withProgress({ ...lease, inFlight: {} }, { inFlight, observations }, now);
}

/** Closes the circuit breaker; attempts in flight stay. */
export function withoutFailures(lease: LeaseRow, now: number): LeaseRow {
  const closed = { ...newBreaker, openUntil: undefined, failingSince: undefined };
  return { ...lease, ...closed, rev: lease.rev + 1, changedAt: now };
}

function withProgress(lease: LeaseRow, { inFlight: own, observations }: Progress, now: number): LeaseRow {
  const { rev, freeAt, inFlight, holder, changedAt: _, ...breaker } = lease;
  const others = Object.entries(inFlight).filter(([event, { isLone, until }]) => isLone && until > now && !own[event]);
  return {
    ...observations.reduce(observe, breaker),
    // A deleted and recreated lease must not repeat an old `rev`, otherwise a stale write would pass.
    rev: rev === 0 ? now * changesPerMs : rev + 1,
    changedAt: now,
    holder,
    inFlight: { ...Object.fromEntries(others), ...own },
    freeAt,
  };
}

import { believable } from '#functions/clock/instants.ts';
import {
  believedBreaker,
  type CircuitBreaker,
  closedBreaker,
  type Observation,
  observe,
  stateOf,
} from './circuit-breaker.ts';

/**
 * The one row that says who may send to an endpoint, and how it is doing: lease, attempts under way, circuit breaker, pace.
 * All instants are Unix times in milliseconds.
 */
export interface Lease extends CircuitBreaker {
  /** Counts its changes. */
  readonly rev: number;
  /** When it was last changed. */
  readonly changedAt?: number;
  /** The one process that drains the endpoint. */
  readonly holder?: { readonly id: string; readonly until: number };
  /** Attempts under way, by the id of their event. */
  readonly inFlight: Readonly<Record<string, InFlight>>;
  /** Not before this instant does the next attempt begin, for an endpoint with a pace. */
  readonly freeAt: number;
}

/** An attempt under way. */
export interface InFlight {
  /** Counted from 1. */
  readonly attempt: number;
  /** `rev` of the delivery that it was begun for: of one that has changed since, it tells nothing. */
  readonly of: number;
  /** When it is over at the latest; a process that has not written down its end by then has died. */
  readonly until: number;
  /** It was begun without holding the endpoint: the message that asked for it brings it again if the process dies. */
  readonly isLone?: true;
}

/** How fast an endpoint may be sent to. */
export interface Limits {
  /** Attempts under way at the same time. */
  readonly maxInFlight: number;
  /** Least milliseconds from one attempt to the next. */
  readonly interval: number;
}

/**
 * Milliseconds from the write of a lease to the end of the attempts that it names at the latest: 3 s until they begin, 15 s for
 * the request, 1 s to write down what came of it, and the 5 s that clocks may differ by.
 */
export const leaseDuration = 24_000;

/** More than a lease is ever changed in a millisecond. */
const changesPerMs = 1024;

/** The lease of an endpoint that nothing is known of. */
export const newLease: Lease = { ...closedBreaker, rev: 0, inFlight: {}, freeAt: 0 };

/** The lease as far as its instants can be right: what a clock that was ahead has written is over. */
export function believedLease(lease: Lease, now: number): Lease {
  const { holder, inFlight, freeAt, rev, changedAt = 0, ...breaker } = lease;
  const lasts = (until: number): boolean => believable(until, now, leaseDuration) !== undefined;
  const believed = ([event, inFlightAttempt]: [string, InFlight]) =>
    [event, lasts(inFlightAttempt.until) ? inFlightAttempt : { ...inFlightAttempt, until: 0 }] as const;
  return {
    ...believedBreaker(breaker, changedAt, now),
    rev,
    changedAt,
    ...(holder && lasts(holder.until) && holder.until > now && { holder }),
    inFlight: Object.fromEntries(Object.entries(inFlight).map(believed)),
    freeAt: lasts(freeAt) ? freeAt : 0,
  };
}

/** Whether a process may send to an endpoint now. */
export type Admission =
  /** Another process drains it. */
  | { readonly kind: 'held' }
  /** Nobody may send to it before this instant. */
  | { readonly kind: 'shut'; readonly until: number }
  /**
   * The asking process may take the lease.
   * `room` is the number of attempts that may begin, `interrupted` the attempts of a holder that has died, by event.
   */
  | { readonly kind: 'free'; readonly room: number; readonly interrupted: Readonly<Record<string, InFlight>> };

/** @param lease as {@link believedLease} has it */
export function admission(lease: Lease, { maxInFlight, interval }: Limits, now: number): Admission {
  const { holder, inFlight, openUntil = 0, freeAt } = lease;
  if (holder) return { kind: 'held' };
  const shutUntil = Math.max(openUntil, interval > 0 ? freeAt : 0);
  if (shutUntil > now) return { kind: 'shut', until: shutUntil };
  const most = stateOf(lease, now) === 'half-open' ? 1 : maxInFlight;
  const { live = [], over = [] } = Object.groupBy(Object.entries(inFlight), ([, { until }]) =>
    until > now ? 'live' : 'over',
  );
  const interrupted = Object.fromEntries(over.filter(([, { isLone }]) => !isLone));
  return { kind: 'free', room: Math.max(0, most - live.length), interrupted };
}

/** Attempts without the lease at one endpoint: each keeps a function from its other work for as long as it takes. */
const mostLone = 2;

/** Whether a single delivery may go to an endpoint without holding it: all is well, and at least half of the room is free. */
export function allowsLone(lease: Lease, { maxInFlight, interval }: Limits, now: number): boolean {
  const live = Object.values(lease.inFlight).filter(({ until }) => until > now).length;
  const isWell = lease.failures === 0 && lease.openUntil === undefined;
  const leavesNothingOver = Object.values(lease.inFlight).every(({ isLone }) => isLone);
  return isWell && interval === 0 && leavesNothingOver && live < mostLone && 2 * (live + 1) <= maxInFlight;
}

/** What a process has to say of the attempts that it makes. */
export interface Progress {
  /** Those that are under way from now on. */
  readonly inFlight: Readonly<Record<string, InFlight>>;
  /** Those that have ended since it last said so, in the order of their ends. */
  readonly observations: readonly Observation[];
}

/** The lease, held from now on by a process, or held on to. */
export const hold = (lease: Lease, id: string, progress: Progress, interval: number, now: number): Lease => ({
  ...withProgress(lease, progress, interval, now),
  holder: { id, until: now + leaseDuration },
});

/** The lease without its holder. */
export function release(lease: Lease, progress: Progress, now: number): Lease {
  const { holder: _, ...rest } = withProgress(lease, progress, 0, now);
  return rest;
}

/** The lease with an attempt that is begun without holding the endpoint; `progress` names that one alone. */
export function addLone(lease: Lease, { inFlight: own, observations }: Progress, now: number): Lease {
  const held = Object.entries(lease.inFlight).filter(([, { isLone }]) => !isLone);
  return withProgress(lease, { inFlight: { ...Object.fromEntries(held), ...own }, observations }, 0, now);
}

/** The lease after lone attempts have ended, where that tells something of the endpoint. */
export function endLone(
  lease: Lease,
  events: readonly string[],
  observations: readonly Observation[],
  now: number,
): Lease {
  const inFlight = Object.fromEntries(Object.entries(lease.inFlight).filter(([event]) => !events.includes(event)));
  return withProgress({ ...lease, inFlight: {} }, { inFlight, observations }, 0, now);
}

/** The lease without anything of earlier failures; what is under way stays. */
export function withoutFailures(lease: Lease, now: number): Lease {
  const { openUntil: _, failingSince: __, ...rest } = lease;
  return { ...rest, ...closedBreaker, rev: lease.rev + 1, changedAt: now };
}

function withProgress(lease: Lease, { inFlight: own, observations }: Progress, interval: number, now: number): Lease {
  const { rev, freeAt, inFlight, holder, changedAt: _, ...breaker } = lease;
  const others = Object.entries(inFlight).filter(([event, { isLone, until }]) => isLone && until > now && !own[event]);
  const begins = interval > 0 && Object.keys(own).length > 0;
  return {
    ...observations.reduce(observe, breaker as CircuitBreaker),
    // A lease that was forgotten and begun anew must not look like the old one.
    rev: rev === 0 ? now * changesPerMs : rev + 1,
    changedAt: now,
    ...(holder && { holder }),
    inFlight: { ...Object.fromEntries(others), ...own },
    // One that comes late is no nearer to the next one for that.
    freeAt: begins ? Math.max(freeAt, now + interval) : freeAt,
  };
}

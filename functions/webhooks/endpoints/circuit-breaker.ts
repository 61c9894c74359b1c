import { hasBeen, plausibleUntil } from '#functions/clock/instants.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { longestRetryAfterMs } from './retry-schedule.ts';

/** The circuit breaker of an endpoint, derived from its answers. All instants are Unix times in milliseconds. */
export const breakerFields = {
  /** Failures in a row; failures of attempts that were in flight together count once. */
  failures: r.number,
  /** All failed attempts since the last success. */
  failedAttempts: r.number,
  /** End of the last failure that counted. */
  failedAt: r.number,
  /** Start of the first failed attempt since the last success. */
  failingSince: r.optional(r.number),
  /** End of the open state; afterwards the breaker is half-open until an attempt succeeds. */
  openUntil: r.optional(r.number),
};

const breaker = r.object(breakerFields);

export type CircuitBreaker = r.ReadBy<typeof breaker>;

export interface Observation {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly isSuccess: boolean;
  readonly slowDown: boolean;
  readonly retryAfterMs: number | undefined;
}

export const newBreaker: CircuitBreaker = { failures: 0, failedAttempts: 0, failedAt: 0 };

/** Failures in a row that open the breaker; a receiver that restarts causes fewer. */
export const failuresToOpen = 5;
/** Milliseconds of the first opening, doubled by each more failure, and of the longest: recovery shows in an hour. */
const firstOpenMs = 60_000;
const longestOpenMs = 3_600_000;
/** The same when the endpoint asks to slow down (`slowing` in `outcome.ts`) without `Retry-After`. */
const firstSlowedMs = 5000;
const longestSlowedMs = 300_000;

/** `closed` allows all attempts, `open` none, `half-open` one at a time as a probe. */
export function stateOf({ openUntil }: CircuitBreaker, now: number): 'closed' | 'open' | 'half-open' {
  if (openUntil === undefined) return 'closed';
  return openUntil > now ? 'open' : 'half-open';
}

/**
 * The breaker after an attempt.
 *
 * | before | attempt | after |
 * |---|---|---|
 * | any | succeeds | closed, no failures; still open if the attempt began before the opening ends |
 * | closed | fails, the first to the fourth failure in a row | closed |
 * | closed | fails, the fifth failure in a row | open for 60 s |
 * | half-open | fails, the fifth failure in a row or a later one | open, twice as long each time, at most an hour |
 * | half-open | fails, the second to the fourth failure in a row | half-open |
 * | any | asks to slow down | open for the time named, or for 5 s, doubled, at most 5 minutes |
 * | any | fails, begun before the end of a counted failure | unchanged, or open for longer |
 *
 * @example the fifth failure in a row, which ends at 3000, gives `{ failures: 5, failedAttempts: 5, failedAt: 3000,
 * failingSince: 0, openUntil: 63_000 }`
 */
export function observe(breaker: CircuitBreaker, observation: Observation): CircuitBreaker {
  const { startedAt, endedAt, isSuccess } = observation;
  if (isSuccess) {
    const { failedAt, openUntil = 0 } = breaker;
    // A success of an attempt that was in flight when the breaker opened does not close it.
    return { ...newBreaker, failedAt, openUntil: startedAt < openUntil ? openUntil : undefined };
  }
  const counts = breaker.failures === 0 || startedAt > breaker.failedAt;
  const failures = breaker.failures + (counts ? 1 : 0);
  const openFor = openingAfter(observation, failures);
  return {
    ...breaker,
    failures,
    failedAttempts: breaker.failedAttempts + 1,
    failedAt: counts ? endedAt : breaker.failedAt,
    failingSince: breaker.failingSince ?? startedAt,
    ...(openFor > 0 && { openUntil: Math.max(breaker.openUntil ?? 0, endedAt + openFor) }),
  };
}

/** Milliseconds to open for after a failed attempt; 0 leaves the breaker as it is. */
function openingAfter({ slowDown, retryAfterMs = 0 }: Observation, failures: number): number {
  if (slowDown)
    return Math.max(Math.min(retryAfterMs, longestRetryAfterMs), doubled(firstSlowedMs, failures - 1, longestSlowedMs));
  return failures < failuresToOpen ? 0 : doubled(firstOpenMs, failures - failuresToOpen, longestOpenMs);
}

const doubled = (first: number, times: number, longest: number): number => Math.min(first * 2 ** times, longest);

/** Corrects a breaker stored at `changedAt`. Drops instants of a clock that was ahead, and opens for at most a day. */
export function believedBreaker(breaker: CircuitBreaker, changedAt: number, now: number): CircuitBreaker {
  const openUntil = hasBeen(changedAt, now) ? plausibleUntil(breaker.openUntil, now, longestRetryAfterMs) : undefined;
  return { ...breaker, failedAt: hasBeen(breaker.failedAt, now) ? breaker.failedAt : 0, openUntil };
}

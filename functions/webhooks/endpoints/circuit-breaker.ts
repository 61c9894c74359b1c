import { believable, hasBeen } from '#functions/clock/instants.ts';
import { longestRetryAfter } from './retry-schedule.ts';

/** What an endpoint's answers have told of it. All instants are Unix times in milliseconds. */
export interface CircuitBreaker {
  /** Failures in a row. Attempts that were under way together are one observation, so their failures count once. */
  readonly failures: number;
  /** Failed attempts since the last success, each counted. */
  readonly failedAttempts: number;
  /** End of the last failure that counted. */
  readonly failedAt: number;
  /** Start of the first failed attempt since the last success. */
  readonly failingSince?: number;
  /** It is open until then, and half-open from then on until an attempt succeeds. */
  readonly openUntil?: number;
}

/**
 * `closed` lets attempts through, `open` none, `half-open` one at a time, to find out whether the endpoint is well again.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** How an attempt went, as far as the breaker is concerned. */
export interface Observation {
  /** Unix times in milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly isSuccess: boolean;
  /** The endpoint asks to slow down. */
  readonly slowDown: boolean;
  /** Milliseconds that it asks to be left alone. */
  readonly retryAfter: number | undefined;
}

/** The breaker of an endpoint that nothing is known of. */
export const closedBreaker: CircuitBreaker = { failures: 0, failedAttempts: 0, failedAt: 0 };

/** Failures in a row that open it: fewer happen to every endpoint that is deployed anew. */
export const failuresToOpen = 5;

/** Milliseconds for which it opens after that many failures; each further one doubles it. */
const openFirst = 60_000;
const openLongest = 3_600_000;

/** The same when the endpoint asks to slow down without saying for how long. */
const slowedFirst = 5000;
const slowedLongest = 300_000;

/** @param now Unix time in milliseconds */
export function stateOf({ openUntil }: CircuitBreaker, now: number): BreakerState {
  if (openUntil === undefined) return 'closed';
  return openUntil > now ? 'open' : 'half-open';
}

/**
 * The breaker after an attempt.
 *
 * | before | attempt | after |
 * |---|---|---|
 * | any | succeeds | closed, without a failure; still open if it began while an end of opening was still to come |
 * | closed | fails, the first to the fourth failure in a row | closed |
 * | closed | fails, the fifth failure in a row | open for 60 s |
 * | half-open | fails, the fifth failure in a row or a later one | open, twice as long each time, at most an hour |
 * | half-open | fails, the second to the fourth failure in a row | half-open |
 * | any | asks to slow down | open for what it asks, or for 5 s, doubled, at most 5 minutes |
 * | any | fails, begun before the end of a failure that counted | as that one left it, or open for longer |
 */
export function observe(breaker: CircuitBreaker, observation: Observation): CircuitBreaker {
  const { startedAt, endedAt, isSuccess } = observation;
  if (isSuccess) {
    const { openUntil } = breaker;
    // What was under way before tells nothing against a wish to be left alone.
    const staysOpen = openUntil !== undefined && startedAt < openUntil;
    return { failures: 0, failedAttempts: 0, failedAt: breaker.failedAt, ...(staysOpen && { openUntil }) };
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

/** Milliseconds for which it opens after a failed attempt. */
function openingAfter({ slowDown, retryAfter = 0 }: Observation, failures: number): number {
  if (slowDown)
    return Math.max(Math.min(retryAfter, longestRetryAfter), doubled(slowedFirst, failures - 1, slowedLongest));
  return failures < failuresToOpen ? 0 : doubled(openFirst, failures - failuresToOpen, openLongest);
}

const doubled = (first: number, times: number, longest: number): number => Math.min(first * 2 ** times, longest);

/**
 * The breaker as far as its instants can be right: what a clock that was ahead has written is forgotten, so that it is closed.
 * It is open for a day at most.
 *
 * @param changedAt when it was written
 */
export function believedBreaker(
  { openUntil, ...rest }: CircuitBreaker,
  changedAt: number,
  now: number,
): CircuitBreaker {
  const until = hasBeen(changedAt, now) ? believable(openUntil, now, longestRetryAfter) : undefined;
  return {
    ...rest,
    failedAt: hasBeen(rest.failedAt, now) ? rest.failedAt : 0,
    ...(until !== undefined && { openUntil: until }),
  };
}

const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;

/**
 * Milliseconds before each retry, from the example schedule of Standard Webhooks 1.0.0: with the first attempt at once,
 * ten attempts in 75 hours and 35 minutes.
 */
export const defaultRetryDelays: readonly number[] = [
  5 * seconds,
  5 * minutes,
  30 * minutes,
  2 * hours,
  5 * hours,
  10 * hours,
  14 * hours,
  20 * hours,
  24 * hours,
];

/** The longest wish of a receiver that is heeded, in milliseconds. */
export const longestRetryAfter = 24 * hours;

/** Delays are up to a fifth shorter or longer, so that what failed together does not come back together. */
const jitter = 0.2;

interface FailedAttempt {
  /** Attempts made so far. */
  readonly attempt: number;
  /** Milliseconds before each retry. */
  readonly retryDelays: readonly number[];
  /** Milliseconds that the receiver asks for, if it does. */
  readonly retryAfter: number | undefined;
  /** Unix time in milliseconds. */
  readonly endedAt: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * When to try again (Unix milliseconds): after the delay of the schedule, give or take a fifth, and not before the time that
 * the receiver asks for, of which up to 24 hours are heeded; undefined when the schedule is over.
 */
export function nextAttemptAt(failed: FailedAttempt): number | undefined {
  const delay = failed.retryDelays[failed.attempt - 1];
  if (delay === undefined) return undefined;
  const jittered = delay * (1 - jitter + 2 * jitter * failed.random());
  return Math.round(failed.endedAt + Math.max(jittered, Math.min(failed.retryAfter ?? 0, longestRetryAfter)));
}

/** Tells why delays are no schedule: expected are 1 to 20, each from one second to seven days. */
export function retryDelaysProblem(delays: readonly number[]): string | undefined {
  if (delays.length < 1 || delays.length > 20) return `expected 1 to 20 delays, got ${delays.length}`;
  const wrong = delays.find((delay) => !Number.isInteger(delay) || delay < seconds || delay > 7 * 24 * hours);
  return wrong === undefined ? undefined : `expected delays from 1 s to 7 days in whole milliseconds, got ${wrong}`;
}

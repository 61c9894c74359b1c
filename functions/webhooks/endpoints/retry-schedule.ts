const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;

const delaysInHours = [2, 5, 10, 14, 20, 24].map((delay) => delay * hours);
/** Schedule of Standard Webhooks 1.0.0 in ms: with the first, at once, ten attempts in 75 hours and 35 minutes. */
export const defaultRetryDelays: readonly number[] = [5 * seconds, 5 * minutes, 30 * minutes, ...delaysInHours];

/** Longest `Retry-After` that is honoured, in milliseconds: as long as the longest delay of the schedule. */
export const longestRetryAfterMs = 24 * hours;
/** Longest time in milliseconds that a retry is put off on purpose. Seven days with jitter, or a replay, take less. */
export const mostPostponedMs = 30 * 24 * hours;
/** Fraction by which delays vary, otherwise deliveries that failed together would retry together. */
export const jitter = 0.2;

interface FailedAttempt {
  readonly attempt: number;
  readonly retryDelaysMs: readonly number[];
  /** Milliseconds of the receiver's `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  readonly endedAt: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * The next attempt in Unix ms, by the schedule with jitter or a longer `Retry-After`; undefined after the last.
 *
 * @example after a first failure that ended at 0, 5000 give or take a fifth
 */
export function nextAttemptAt(failed: FailedAttempt): number | undefined {
  const delay = failed.retryDelaysMs[failed.attempt - 1];
  if (delay === undefined) return undefined;
  const jittered = delay * (1 - jitter + 2 * jitter * failed.random());
  return Math.round(failed.endedAt + Math.max(jittered, Math.min(failed.retryAfterMs ?? 0, longestRetryAfterMs)));
}

/** The problem with a retry schedule: it has 1 to 20 delays, each from one second to seven days. */
export function retryDelaysProblem(delays: readonly number[]): string | undefined {
  if (delays.length < 1 || delays.length > 20) return `expected 1 to 20 delays, got ${delays.length}`;
  const wrong = delays.find((delay) => !Number.isInteger(delay) || delay < seconds || delay > 7 * 24 * hours);
  return wrong === undefined ? undefined : `expected delays from 1 s to 7 days in whole milliseconds, got ${wrong}`;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from '#functions/clock/instants.ts';
import { steady } from './instants.ts';

/** What pauses between repetitions are made with, and the time there is for them. */
export interface RetryBudget {
  /** Milliseconds of a clock that is never set. */
  readonly steady: () => number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
  /** In [0, 1). */
  readonly random: () => number;
  /** Instant of the steady clock after which nothing is repeated. */
  readonly deadline: Deadline;
}

/** Milliseconds of the longest pause before the first repetition, and before any. */
const firstPause = 50;
const longestPause = 5000;

/** Milliseconds for which a caller waits that names no end: less than any invocation has. */
const usualTime = 10_000;

/** RetryBudget until an instant of the steady clock, or for a while. */
export const retryBudget = (deadline?: Deadline, clock = steady): RetryBudget => ({
  steady: clock,
  sleep,
  random: Math.random,
  deadline: deadline ?? clock() + usualTime,
});

/**
 * Pauses before a repetition: up to 50 ms before the first, doubled for each further one, any length up to that with the
 * same chance, so that those that failed together do not come back together.
 *
 * @param repetition counted from 1
 * @returns false at once when the pause would end too late
 */
export async function pause(
  repetition: number,
  { steady: clock, sleep, random, deadline }: RetryBudget,
): Promise<boolean> {
  const milliseconds = random() * Math.min(longestPause, firstPause * 2 ** (repetition - 1));
  if (clock() + milliseconds >= deadline) return false;
  await sleep(milliseconds);
  return true;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type Deadline, steady } from './instants.ts';

export interface RetryBudget {
  /** Monotonic clock in milliseconds. */
  readonly steady: () => number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly deadline: Deadline;
}

/** Longest pause in milliseconds before the first repetition; each further one may take twice as long. */
const firstPauseMs = 50;
/** Longest pause in milliseconds before any repetition: DynamoDB counts its units by the second. */
const longestPauseMs = 5000;

/** Milliseconds of a budget without a deadline: less than any invocation has. */
const usualTimeMs = 10_000;

export const retryBudget = (deadline?: Deadline, clock = steady): RetryBudget => {
  return { steady: clock, sleep, random: Math.random, deadline: deadline ?? clock() + usualTimeMs };
};

/** Pauses with full jitter before a repetition, counted from 1. False at once if that would outlast the deadline. */
export async function pause(repetition: number, budget: RetryBudget): Promise<boolean> {
  const milliseconds = budget.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** (repetition - 1));
  if (budget.steady() + milliseconds >= budget.deadline) return false;
  await budget.sleep(milliseconds);
  return true;
}

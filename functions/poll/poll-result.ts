import type { Scope } from '#functions/cryptshare/client.ts';
import type { Units } from '#functions/dynamodb/partition.ts';
import type { WatchProblem } from '#functions/events/transfer-event.ts';

/**
 * How a poll ended. `unchanged`: the listing shows what is published already. `changed`: something was found to do.
 * `baseline`: the first complete listing was stored. `superseded`: another poll has claimed the snapshot meanwhile, this
 * one's listing counts no more. `failed`: nothing could be compared.
 */
export type PollOutcome = 'unchanged' | 'changed' | 'baseline' | 'superseded' | 'failed';

export interface PollResult {
  readonly outcome: PollOutcome;
  /** What was listed in the end. */
  readonly scope: Scope;
  /** Every page of the listing arrived. */
  readonly isComplete: boolean;
  /** Pages that arrived. */
  readonly pages: number;
  /** Requests sent for pages, repeated ones included. */
  readonly requests: number;
  readonly transfers: number;
  /** Changes committed with an event. */
  readonly changed: number;
  /** Events published, repetitions after a failure included. */
  readonly published: number;
  readonly units: Units;
  /** What kept the poll from doing all of its work. */
  readonly problem: WatchProblem | undefined;
}

/** A poll that compared nothing, because of `problem`. */
export const failedPoll = (problem: WatchProblem | undefined, units: Units = { read: 0, write: 0 }): PollResult => ({
  outcome: 'failed',
  scope: 'all',
  isComplete: false,
  pages: 0,
  requests: 0,
  transfers: 0,
  changed: 0,
  published: 0,
  units,
  problem,
});

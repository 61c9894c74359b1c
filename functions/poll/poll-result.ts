import type { Scope } from '#functions/cryptshare/client.ts';
import type { Units } from '#functions/dynamodb/partition.ts';
import type { WatchProblem } from '#functions/events/transfer-event.ts';

export interface PollResult {
  /**
   * `unchanged`: the listing shows what is published already. `changed`: the poll found something to do. `baseline`: it
   * stored the first complete listing. `superseded`: another poll has claimed the snapshot, so that this listing no
   * longer counts. `failed`: nothing could be compared.
   */
  readonly outcome: 'unchanged' | 'changed' | 'baseline' | 'superseded' | 'failed';
  readonly scope: Scope;
  /** True when every page of the listing arrived. */
  readonly isComplete: boolean;
  readonly pages: number;
  /** Requests sent for pages, repeated ones included. */
  readonly requests: number;
  readonly transfers: number;
  /** True when the server does not give all facts that the watch follows; undefined when unknown. */
  readonly lacksFacts?: boolean | undefined;
  /** Changes committed with an event. */
  readonly changed: number;
  /** Events published, repetitions after a failure included. */
  readonly published: number;
  readonly units: Units;
  readonly problem: WatchProblem | undefined;
}

export const failedPoll = (problem: WatchProblem | undefined, units: Units = { read: 0, write: 0 }): PollResult => ({
  ...{ outcome: 'failed', scope: 'all', isComplete: false },
  ...{ pages: 0, requests: 0, transfers: 0, changed: 0, published: 0, units, problem },
});

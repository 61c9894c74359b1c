import type { Units } from '#functions/dynamodb/partition.ts';
import type { Watch } from '#functions/transfers/transfer.ts';

/** What a way to poll can be relied on for. */
export interface Safety {
  /** As it stands in the printed table. */
  readonly name: string;
  /** How large a mailbox may be, in words. */
  readonly limit: string;
  /** What is lost when the process dies between storing and publishing, in words. */
  readonly loses: string;
}

/** A way to notice what changed in a mailbox since the last poll, and to announce it. */
export interface Approach extends Safety {
  /** What the number of writes follows, for sizes that would take too long to measure. */
  readonly writesFollow: 'changes' | 'transfers';
  /** The largest mailbox in which it is measured; the cost of larger ones is extrapolated. */
  readonly largestMeasured: number;
  /** The largest mailbox that it can have at all. */
  readonly largestPossible: number;
  /** Polls once. What is there in the first poll of a mailbox is stored without an announcement. */
  poll(watch: Watch): Promise<Polled>;
}

/** What a poll has done. */
export interface Polled {
  /** Transfers whose change was announced. */
  readonly changed: number;
  readonly units: Units;
}

/** What is stored as seen, but was never announced, is never noticed again. */
export const losesAll = 'all changes of that poll';

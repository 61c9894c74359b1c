import type { Units } from '../../functions/table.ts';
import type { Watch } from '../../functions/transfers/transfer.ts';

/** A way to notice what changed in a mailbox since the last poll, and to announce it. */
export interface Approach {
  /** As it stands in the printed table. */
  readonly name: string;
  /** What the number of writes follows, for sizes that would take too long to measure. */
  readonly writesFollow: 'changes' | 'transfers';
  /** The largest mailbox in which it is measured; the cost of larger ones is extrapolated. */
  readonly largestMeasured: number;
  /** What all of its polls together took on two shared cores, in seconds for each transfer of the mailbox. */
  readonly secondsPerTransfer: number;
  /** Polls once. What is there in the first poll of a mailbox is stored without an announcement. */
  poll(watch: Watch): Promise<Polled>;
}

/** What a poll has done. */
export interface Polled {
  /** Transfers whose change was announced. */
  readonly changed: number;
  readonly units: Units;
}

import pLimit from 'p-limit';
import type { RetryBudget } from '#functions/clock/backoff.ts';
import { expiryOf, usualKeptForMs } from '#functions/clock/retention.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import { emptyDigests } from '#functions/transfers/digest.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { TransferRow } from './diff.ts';
import type { ReadPlan } from './read-plan.ts';
import type { BaselineProgress, Root } from './snapshot-rows.ts';
import * as layout from './snapshot-rows.ts';

/** Fencing token of a poll: only the latest claim of a snapshot can settle. */
type Claim = Pick<Root, 'rev' | 'bits' | 'origin'>;

type Settlement = Omit<Root, keyof Claim | 'deletedUntil' | 'outdatedBlocks'>;

/** Condition on the sequence of a transfer's row, and on its `rev`. */
const inSequence = (compared: '<' | '=', rev: number, sequence: number) => ({
  condition: `rev ${compared} :rev AND #sequence = :sequence`,
  names: ['sequence'],
  values: { rev, sequence },
});

/** Requests to DynamoDB in flight: each holds a connection and an answer in memory. */
const concurrency = 16;

/**
 * Snapshot of one watch, as one poll sees it. Reads are strongly consistent. Writes are conditional on the poll's
 * claim, so that an older poll cannot undo a newer one. Only rows of a baseline carry no condition.
 */
export class Snapshot extends Partition {
  private readonly limit = pLimit(concurrency);
  private readonly keptForMs: number;

  /** @param keptForMs milliseconds for which the row of an unlisted transfer is kept: its return is then told as one */
  constructor(source: TableSource, watch: Watch, keptForMs = usualKeptForMs) {
    super(source, watchKey(watch));
    this.keptForMs = keptForMs;
  }

  /** Reads the root with all digests: one read unit for each 4 KB, which is 300 digests or 10,000 transfers. */
  async readRoot(): Promise<Root> {
    return layout.rootIn(await this.range(...layout.rootRange));
  }

  /**
   * Claims the snapshot, so that no older poll can settle any more. The planned buckets stay unsettled until this poll
   * or a later one settles them. Returns undefined when another poll has claimed the snapshot since.
   *
   * @param root as read before the listing began, with the server's origin
   * @param plan its division may be finer than the root's if it has all buckets
   * @param until Unix time in milliseconds after which this poll writes nothing
   */
  async claim({ rev: read, origin }: Root, { bits, buckets }: ReadPlan, until: number): Promise<Claim | undefined> {
    const rev = read + 1;
    const unsettled = layout.bitmapOf(buckets, bits);
    const marks = unsettled && { unsettled, unsettledUntil: until };
    const isClaimed = await this.update(layout.rootKey, { rev, bits, origin, ...marks }, unchangedSince(read));
    return isClaimed ? { rev, bits, origin } : undefined;
  }

  /** Claims the snapshot for deletion up to `until` (Unix ms), and ends its baseline. Undefined if claimed since. */
  async endBaseline({ rev: read }: Root, until: number): Promise<number | undefined> {
    const rev = read + 1;
    const empty = { count: 0, active: 0, baselineAt: undefined, absence: undefined };
    const isClaimed = await this.update(layout.rootKey, { rev, ...empty, deletedUntil: until }, unchangedSince(read));
    return isClaimed ? rev : undefined;
  }

  /** Deletes rows that no claim after `rev` has written: `most` transfers, the root last. True if none is left. */
  async deleteRows(rev: number, most: number, isInTime: () => boolean): Promise<boolean> {
    const remove = async (keys: readonly string[]): Promise<boolean> => {
      const isDone = (sk: string) => isInTime() && this.delete(sk, { condition: 'rev <= :rev', values: { rev } });
      return (await this.limit.map(keys, isDone)).every(Boolean);
    };
    const { rows, last } = await this.page(...layout.transferRange, most);
    if (!(await remove(rows.map(({ sk }) => sk))) || last !== undefined) return false;
    const blocks = (await this.range(...layout.rootRange)).map(({ sk }) => sk).filter((sk) => sk !== layout.rootKey);
    return (await remove(blocks)) && remove([layout.rootKey]);
  }

  /** Reads the rows of buckets, unlisted transfers included, by tracking id. */
  async readBuckets(buckets: ReadonlySet<number>, bits: number): Promise<Map<string, TransferRow>> {
    const ranges = layout.runsOf(buckets).map(([first, last]) => layout.bucketRange(first, last, bits));
    const found = await this.limit.map(ranges, (range) => this.range(...range));
    const rows = found.flat().map(layout.toTransferRow);
    return new Map(rows.map((row) => [row.trackingId, row]));
  }

  /** Runs a task, which must not fail, for each item, at most 16 at a time. Waiting items take no memory. */
  async each<T>(items: Iterable<T>, task: (item: T) => Promise<void>): Promise<void> {
    const waiting = items[Symbol.iterator]();
    const work = async () => {
      for (let next = waiting.next(); !next.done; next = waiting.next()) await task(next.value);
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  /** Commits a row's change with its event in one conditional write; false if a later claim has written the row. */
  commit(before: TransferRow | undefined, after: TransferRow): Promise<boolean> {
    const isUnchanged = before ? inSequence('<', after.rev, before.sequence) : unchangedSince(0);
    return this.put(layout.transferKey(after.trackingId), this.attributesOf(after), isUnchanged);
  }

  /** Stores rows of a baseline in an eighth of the time, without a condition: other polls must not write then. */
  async store(rows: readonly TransferRow[], budget: RetryBudget): Promise<void> {
    const items = rows.map((row) => ({ sk: layout.transferKey(row.trackingId), ...this.attributesOf(row) }));
    await this.putAll(items, budget);
  }

  /** Stores the progress of a baseline unless another poll has claimed the snapshot since. */
  async noteProgress({ rev }: Claim, progress: BaselineProgress): Promise<void> {
    await this.update(layout.rootKey, { baselineProgress: progress }, unchangedSince(rev));
  }

  /** Clears a row's published events unless a later claim has written it. Only now may an unlisted transfer expire. */
  clearPending(row: TransferRow): Promise<boolean> {
    const { expiresAt } = this.attributesOf({ ...row, pending: undefined });
    const cleared = { pending: undefined, ...(expiresAt !== undefined && { expiresAt }) };
    return this.update(layout.transferKey(row.trackingId), cleared, inSequence('=', row.rev, row.sequence));
  }

  /** An unlisted transfer may expire once its last event is published, or if it has none. */
  private attributesOf({ trackingId, ...row }: TransferRow): Omit<TransferRow, 'trackingId'> {
    if (!row.isUnlisted || row.pending) return row;
    return { ...row, expiresAt: expiryOf(Date.parse(row.observedAt), this.keptForMs) };
  }

  /**
   * Moves the digests forward and ends the claim. The root comes last: until it is written, the buckets stay unsettled.
   * Returns false when another poll has claimed the snapshot since; that poll settles these buckets, too.
   */
  async settle(root: Root, claim: Claim, { digests, unsettled, ...settlement }: Settlement): Promise<boolean> {
    const { rev, bits } = claim;
    const before = root.bits === bits ? root.digests : emptyDigests(bits);
    const isOlder = { condition: 'attribute_not_exists(pk) OR rev < :rev', values: { rev } };
    await this.limit.map(layout.changedBlocks(before, digests), (block) =>
      this.put(layout.blockKey(bits, block), { rev, digests: layout.bytesOfBlock(digests, block) }, isOlder),
    );
    const bitmap = layout.bitmapOf(unsettled, bits);
    const marks = { unsettled: bitmap, unsettledUntil: bitmap && settlement.unsettledUntil };
    const settled = await this.put(layout.rootKey, { ...claim, ...settlement, ...marks }, unchangedSince(rev));
    if (settled) await this.limit.map(root.outdatedBlocks, (sk) => this.delete(sk));
    return settled;
  }
}

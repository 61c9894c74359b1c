import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import type { RetryBudget } from '#functions/clock/backoff.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import { emptyDigests } from '#functions/transfers/digest.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { expiryOf, type TransferRow } from './diff.ts';
import type { ReadPlan } from './read-plan.ts';
import type { Root } from './snapshot-rows.ts';
import {
  bitmapOf,
  blockKey,
  bucketRange,
  bucketsOf,
  bytesOfBlock,
  changedBlocks,
  isBlockOf,
  placeBlock,
  rootKey,
  rootRange,
  runsOf,
  toTransferRow,
  transferKey,
  transferRange,
} from './snapshot-rows.ts';

/** A poll's hold on the snapshot. */
export type Claim = Pick<Root, 'rev' | 'bits' | 'origin'>;

/** How much of a baseline is stored, in transfers. */
export interface BaselineProgress {
  readonly stored: number;
  /** All of the listing. */
  readonly transfers: number;
}

/** What a poll leaves behind once it has published what it could. */
export interface Settlement
  extends Pick<Root, 'count' | 'active' | 'baselineAt' | 'absence' | 'unsettled' | 'unsettledUntil' | 'digests'> {
  /** Of a baseline that is not complete yet. */
  readonly baselineProgress: BaselineProgress | undefined;
}

/** The snapshot of a watch that was never polled. */
const nothing: Root = {
  rev: 0,
  bits: 0,
  count: 0,
  active: 0,
  unsettled: new Set(),
  unsettledUntil: 0,
  deletedUntil: 0,
  digests: emptyDigests(0),
  outdatedBlocks: [],
};

/** Requests to DynamoDB under way at the same time. */
const concurrency = 16;

/**
 * The snapshot of one watch in the transfers table, as one poll sees it. Reads are strongly consistent; every write is
 * conditional on the poll's claim, so an older poll can never undo a newer one.
 */
export class Snapshot extends Partition {
  private readonly limit = pLimit(concurrency);

  constructor(client: DynamoDBClient, table: string, watch: Watch) {
    super(client, table, watchKey(watch));
  }

  /** The root with all digests: one read unit for each 4 KB, which is 300 digests or 10,000 transfers. */
  async readRoot(): Promise<Root> {
    const items = await this.range(...rootRange);
    const root = items.find(({ sk }) => sk === rootKey);
    if (!root) return nothing;
    const { pk, sk, unsettled, baselineProgress, ...attributes } = root;
    const { bits } = root;
    const digests = emptyDigests(bits);
    const outdatedBlocks: string[] = [];
    for (const block of items) {
      if (isBlockOf(bits, block.sk)) placeBlock(digests, bits, block.sk, block.digests);
      else if (block !== root) outdatedBlocks.push(block.sk);
    }
    return { ...nothing, ...attributes, unsettled: bucketsOf(unsettled), digests, outdatedBlocks };
  }

  /**
   * Claims the snapshot: from here on no older poll can settle, and the given buckets count as unsettled until this
   * poll or a later one settles them.
   *
   * @param root as read before the listing began, with the server's origin
   * @param plan the division from now on, which may be finer than the root's if all buckets are visited
   * @param until Unix time in milliseconds after which this poll writes nothing
   * @returns undefined when another poll has claimed the snapshot since
   */
  async claim({ rev: read, origin }: Root, { bits, buckets }: ReadPlan, until: number): Promise<Claim | undefined> {
    const rev = read + 1;
    const unsettled = bitmapOf(buckets, bits);
    const marks = unsettled ? ', unsettled = :unsettled, unsettledUntil = :until' : '';
    const change = `SET rev = :rev, bits = :bits, origin = :origin${marks}`;
    const isClaimed = await this.update(rootKey, change, {
      condition: read === 0 ? 'attribute_not_exists(pk)' : 'rev = :read',
      values: { rev, bits, origin, ...(unsettled && { unsettled, until }), ...(read > 0 && { read }) },
    });
    return isClaimed ? { rev, bits, origin } : undefined;
  }

  /**
   * Claims the snapshot in order to delete it. It has no baseline from then on: a poll that comes nevertheless makes one, once
   * nothing is being deleted any more.
   *
   * @param until Unix time in milliseconds after which nothing is deleted under this claim
   * @returns the claim's `rev`; undefined when another one has claimed the snapshot since
   */
  async endBaseline({ rev: read }: Root, until: number): Promise<number | undefined> {
    const rev = read + 1;
    const isClaimed = await this.update(
      rootKey,
      'SET rev = :rev, #count = :none, active = :none, deletedUntil = :until REMOVE baselineAt, absence',
      { condition: 'rev = :read', names: ['count'], values: { read, rev, none: 0, until } },
    );
    return isClaimed ? rev : undefined;
  }

  /**
   * Deletes rows that no claim later than `rev` has written: of transfers first, `most` of them at once, and the root
   * last. Returns whether nothing is left.
   */
  async deleteRows(rev: number, most: number, isInTime: () => boolean): Promise<boolean> {
    const remove = async (keys: readonly string[]): Promise<boolean> => {
      const isDone = (sk: string) => isInTime() && this.delete(sk, { condition: 'rev <= :rev', values: { rev } });
      return (await this.limit.map(keys, isDone)).every(Boolean);
    };
    const { rows, last } = await this.page(...transferRange, most);
    if (!(await remove(rows.map(({ sk }) => sk))) || last !== undefined) return false;
    const blocks = (await this.range(...rootRange)).map(({ sk }) => sk).filter((sk) => sk !== rootKey);
    return (await remove(blocks)) && remove([rootKey]);
  }

  /** The rows of the given buckets by tracking id, those of unlisted transfers included. */
  async readBuckets(buckets: ReadonlySet<number>, bits: number): Promise<Map<string, TransferRow>> {
    const found = await this.limit.map(runsOf(buckets), ([first, last]) =>
      this.range(...bucketRange(first, last, bits)),
    );
    const rows = found.flat().map(toTransferRow);
    return new Map(rows.map((row) => [row.trackingId, row]));
  }

  /** Runs a task, which never fails, for each item, a bounded number at a time; those that wait take no memory. */
  async each<T>(items: Iterable<T>, task: (item: T) => Promise<void>): Promise<void> {
    const waiting = items[Symbol.iterator]();
    const work = async () => {
      for (let next = waiting.next(); !next.done; next = waiting.next()) await task(next.value);
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  /**
   * Commits a change of a row as read under this poll's claim, together with the event it is worth, in one conditional
   * write. Returns false when a later claim has written the row since.
   */
  commit(before: TransferRow | undefined, after: TransferRow): Promise<boolean> {
    const { trackingId, ...attributes } = after;
    return this.put(
      transferKey(trackingId),
      attributes,
      before
        ? {
            condition: 'rev < :rev AND #sequence = :sequence',
            names: ['sequence'],
            values: { rev: after.rev, sequence: before.sequence },
          }
        : { condition: 'attribute_not_exists(pk)' },
    );
  }

  /**
   * Stores rows of a baseline over whatever stands there, for an eighth of what single commits take. They carry no
   * condition: only for a snapshot without a baseline, to which no other poll writes meanwhile.
   */
  async store(rows: readonly TransferRow[], patience: RetryBudget): Promise<void> {
    const items = rows.map(({ trackingId, ...row }) => ({ sk: transferKey(trackingId), ...row }));
    await this.putAll(items, patience);
  }

  /** Writes down how far a baseline is, unless another poll has claimed the snapshot since. */
  async noteProgress({ rev }: Claim, progress: BaselineProgress): Promise<void> {
    await this.update(rootKey, 'SET baselineProgress = :progress', {
      condition: 'rev = :rev',
      values: { rev, progress },
    });
  }

  /**
   * Takes the published events off a row, unless a later claim has written it. Only now may the row of an unlisted
   * transfer expire.
   */
  clearPending(row: TransferRow): Promise<boolean> {
    const expiresAt = row.isUnlisted ? expiryOf(row) : undefined;
    return this.update(
      transferKey(row.trackingId),
      expiresAt === undefined ? 'REMOVE pending' : 'SET expiresAt = :expiresAt REMOVE pending',
      {
        condition: 'rev = :rev AND #sequence = :sequence',
        names: ['sequence'],
        values: { rev: row.rev, sequence: row.sequence, expiresAt },
      },
    );
  }

  /**
   * Moves the digests forward and ends the claim. The root comes last: until it is written, the buckets stay unsettled.
   *
   * @returns false when another poll has claimed the snapshot since; that one settles these buckets, too
   */
  async settle(root: Root, claim: Claim, { digests, unsettled, ...settlement }: Settlement): Promise<boolean> {
    const { rev, bits } = claim;
    const before = root.bits === bits ? root.digests : emptyDigests(bits);
    await this.limit.map(changedBlocks(before, digests), (block) =>
      this.put(
        blockKey(bits, block),
        { rev, digests: bytesOfBlock(digests, block) },
        { condition: 'attribute_not_exists(pk) OR rev < :rev', values: { rev } },
      ),
    );
    const bitmap = bitmapOf(unsettled, bits);
    const marks = { unsettled: bitmap, unsettledUntil: bitmap && settlement.unsettledUntil };
    const settled = await this.put(
      rootKey,
      { ...claim, ...settlement, ...marks },
      { condition: 'rev = :rev', values: { rev } },
    );
    if (settled) await this.limit.map(root.outdatedBlocks, (sk) => this.delete(sk));
    return settled;
  }
}

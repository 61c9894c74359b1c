import type { Item } from '#functions/dynamodb/row.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import type { Digests } from '#functions/transfers/digest.ts';
import * as digest from '#functions/transfers/digest.ts';
import { readTransfer, type TransferRow } from './diff.ts';

/** One instant by two clocks, in Unix milliseconds. */
const clocks = r.object({
  here: r.number,
  /** The Cryptshare Server's. */
  server: r.number,
});

export type Clocks = r.ReadBy<typeof clocks>;

/** A sudden absence; a poll concludes nothing from it until it has lasted. */
const suddenAbsence = r.object({
  /** Time of the first complete listing that showed it. Each clock is compared with itself, so a wrong one ends nothing. */
  since: clocks,
  /** Complete listings in a row that have shown it. */
  listings: r.number,
  /** Fewest transfers that one of them lacked. */
  missing: r.number,
});

export type SuddenAbsence = r.ReadBy<typeof suddenAbsence>;

/** Progress of a baseline, in transfers. */
export const baselineProgress = r.object({
  stored: r.number,
  /** Transfers of the whole listing. */
  transfers: r.number,
});

export type BaselineProgress = r.ReadBy<typeof baselineProgress>;

const readRootRow = r.rowOf({
  /** Fencing token: counts the claims, so that a poll which read an older one cannot claim. */
  rev: r.number,
  /** The snapshot has `2^bits` buckets. */
  bits: r.number,
  /** Origin of the snapshot's server; undefined until the first claim. */
  origin: r.optional(r.text),
  /** Transfers that the snapshot has as listed. */
  count: r.orElse(r.number, 0),
  /** Approximate number of active ones among them. */
  active: r.orElse(r.number, 0),
  /** Number of those that have yet to become active, by the last full listing. */
  preparing: r.orElse(r.number, 1),
  /** ISO 8601 time of the first complete listing; undefined until its rows are stored. */
  baselineAt: r.optional(r.text),
  /** Undefined once the baseline is complete. */
  baselineProgress: r.optional(baselineProgress),
  /** A sudden absence that is not believed yet; every complete listing judges it again. */
  absence: r.optional(suddenAbsence),
  /** Bitmap of the buckets to read whatever their digest says, because a claim on them has not settled. */
  unsettled: r.optional(r.bytes),
  /** Unix time in milliseconds until which the poll that left the unsettled buckets may still write. */
  unsettledUntil: r.orElse(r.number, 0),
  /** Unix time in milliseconds until which a tick may still delete the snapshot. */
  deletedUntil: r.orElse(r.number, 0),
});

const readBlock = r.rowOf({ digests: r.bytes });

/** Root of the snapshot: everything that an unchanged poll reads. */
export interface Root extends Omit<ReturnType<typeof readRootRow>, 'unsettled'> {
  readonly unsettled: ReadonlySet<number>;
  /** Digests of the published states, by bucket. */
  readonly digests: Digests;
  /** Sort keys of digest blocks that belong to an earlier, coarser division. */
  readonly outdatedBlocks: readonly string[];
}

/** Digests are stored 64 to a row, so that a change rewrites 768 bytes whatever the size of the mailbox. */
const digestsPerBlock = 64;
const wordsPerBlock = digest.wordsPerBucket * digestsPerBlock;

/** The root among its rows; without one, that of a watch without a snapshot. */
export function rootIn(rows: readonly Item[]): Root {
  const root = rows.find(({ sk }) => sk === rootKey);
  const { unsettled, ...attributes } = readRootRow(root ?? { rev: 0, bits: 0 });
  const { bits } = attributes;
  const digests = digest.emptyDigests(bits);
  const outdatedBlocks: string[] = [];
  for (const row of root ? rows : []) {
    if (isBlockOf(bits, row.sk)) placeBlock(digests, bits, row.sk, readBlock(row).digests);
    else if (row !== root) outdatedBlocks.push(row.sk);
  }
  return { ...attributes, unsettled: bucketsOf(unsettled), digests, outdatedBlocks };
}

export const rootKey = 'ROOT';

/** First and last sort key of the root and its digest blocks: `$` is the character after `#`. */
export const rootRange = ['ROOT', 'ROOT$'] as const;

const blockPrefix = (bits: number): string => `ROOT#${String(bits).padStart(2, '0')}#`;

/** Sort key of a block of digests: `ROOT#<bits>#<number of the block, 3 hex digits>`. */
export const blockKey = (bits: number, block: number): string =>
  `${blockPrefix(bits)}${block.toString(16).padStart(3, '0')}`;

export const isBlockOf = (bits: number, sk: string): boolean => sk.startsWith(blockPrefix(bits));

export function placeBlock(digests: Digests, bits: number, sk: string, bytes: Uint8Array): void {
  const block = Number.parseInt(sk.slice(blockPrefix(bits).length), 16);
  digests.set(new Uint32Array(bytes.slice().buffer), wordsPerBlock * block);
}

export function bytesOfBlock(digests: Digests, block: number): Uint8Array {
  return new Uint8Array(digests.slice(wordsPerBlock * block, wordsPerBlock * (block + 1)).buffer);
}

export function changedBlocks(before: Digests, after: Digests): Set<number> {
  const blocks = new Set<number>();
  for (let bucket = 0; bucket < after.length / digest.wordsPerBucket; bucket += 1) {
    const isSame = digest.sameDigest(before, after, bucket) && digest.sameActiveDigest(before, after, bucket);
    if (!isSame) blocks.add(Math.floor(bucket / digestsPerBlock));
  }
  return blocks;
}

/** A set of buckets as a bitmap of `2^bits` bits; undefined when it is empty. */
export function bitmapOf(buckets: ReadonlySet<number>, bits: number): Uint8Array | undefined {
  if (buckets.size === 0) return undefined;
  const bitmap = new Uint8Array(Math.ceil(2 ** bits / 8));
  for (const bucket of buckets) bitmap[bucket >> 3] = bitmap[bucket >> 3]! | (1 << (bucket & 7));
  return bitmap;
}

export function bucketsOf(bitmap: Uint8Array | undefined): Set<number> {
  const buckets = new Set<number>();
  bitmap?.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit += 1) if (byte & (1 << bit)) buckets.add(8 * index + bit);
  });
  return buckets;
}

/** Sort key of a transfer's row, which sorts it into its bucket: `T#<4 hex digits of its hash>#<tracking id>`. */
export const transferKey = (trackingId: string): string =>
  `${bucketPrefix(digest.bucketOf(digest.hash(trackingId).high, digest.maxBits))}#${trackingId}`;

const bucketPrefix = (finestBucket: number): string => `T#${finestBucket.toString(16).padStart(4, '0')}`;

/** Sort keys that enclose the rows of all transfers. */
export const transferRange = ['T#', 'T$'] as const;

/** First and last sort key of the rows in the buckets from `first` to `last`. `$` is the character after `#`. */
export function bucketRange(first: number, last: number, bits: number): [from: string, to: string] {
  const width = 2 ** (digest.maxBits - bits);
  return [`${bucketPrefix(first * width)}#`, `${bucketPrefix((last + 1) * width - 1)}$`];
}

/** Joins neighbouring buckets into runs, one query each. @example runsOf(new Set([1, 2, 5])) // [[1, 2], [5, 5]] */
export function runsOf(buckets: ReadonlySet<number>): [first: number, last: number][] {
  const runs: [number, number][] = [];
  for (const bucket of [...buckets].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run?.[1] === bucket - 1) run[1] = bucket;
    else runs.push([bucket, bucket]);
  }
  return runs;
}

export const toTransferRow = (row: Item): TransferRow => {
  return { trackingId: row.sk.slice('T#0000#'.length), ...readTransfer(row) };
};

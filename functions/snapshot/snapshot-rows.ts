import type { Item } from '#functions/dynamodb/row.ts';
import {
  bucketPrefix,
  type Digests,
  prefixRange,
  sameActiveDigest,
  sameDigest,
  wordsPerBucket,
} from '#functions/transfers/digest.ts';
import type { TransferRow } from './diff.ts';

/** One instant by two clocks, in Unix milliseconds. */
export interface Clocks {
  readonly here: number;
  /** The Cryptshare Server's. */
  readonly server: number;
}

/** A sudden absence; a poll concludes nothing from it until it has lasted. */
export interface SuddenAbsence {
  /** Time of the first complete listing that showed it. Each clock is compared with itself, so a wrong one ends nothing. */
  readonly since: Clocks;
  /** Complete listings in a row that have shown it. */
  readonly listings: number;
  /** Fewest transfers that one of them lacked. */
  readonly missing: number;
}

/** Root of the snapshot: everything that an unchanged poll reads. */
export interface Root {
  /** Fencing token: counts the claims, so that a poll which read an older one cannot claim. */
  readonly rev: number;
  /** The snapshot has `2^bits` buckets. */
  readonly bits: number;
  /** Origin of the snapshot's server; undefined until the first claim. */
  readonly origin?: string | undefined;
  /** Transfers that the snapshot has as listed. */
  readonly count: number;
  /** Approximate number of active ones among them. */
  readonly active: number;
  /** ISO 8601 time of the first complete listing; undefined until its rows are stored. */
  readonly baselineAt?: string | undefined;
  /** A sudden absence that is not believed yet; every complete listing judges it again. */
  readonly absence?: SuddenAbsence | undefined;
  /** Buckets to read whatever their digest says, because a claim on them has not settled. */
  readonly unsettled: ReadonlySet<number>;
  /** Unix time in milliseconds until which the poll that left the unsettled buckets may still write. */
  readonly unsettledUntil: number;
  /** Unix time in milliseconds until which a tick may still delete the snapshot. */
  readonly deletedUntil: number;
  /** Digests of the published states, by bucket. */
  readonly digests: Digests;
  /** Sort keys of digest blocks that belong to an earlier, coarser division. */
  readonly outdatedBlocks: readonly string[];
}

/** Digests are stored 64 to a row, so that a change rewrites 768 bytes whatever the size of the mailbox. */
const digestsPerBlock = 64;
const wordsPerBlock = wordsPerBucket * digestsPerBlock;

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
  for (let bucket = 0; bucket < after.length / wordsPerBucket; bucket += 1) {
    const isSame = sameDigest(before, after, bucket) && sameActiveDigest(before, after, bucket);
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

/** Sort key of a transfer's row: `T#<4 hex digits of the hash of its tracking id>#<tracking id>`. */
export const transferKey = (trackingId: string): string => `T#${bucketPrefix(trackingId)}#${trackingId}`;

/** Sort keys that enclose the rows of all transfers. */
export const transferRange = ['T#', 'T$'] as const;

/** First and last sort key of the rows in the buckets from `first` to `last`: `$` is the character after `#`. */
export function bucketRange(first: number, last: number, bits: number): [from: string, to: string] {
  const [from, to] = prefixRange(first, last, bits);
  return [`T#${from}#`, `T#${to}$`];
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

export function toTransferRow({ pk, sk, ...attributes }: Item): TransferRow {
  return { trackingId: sk.slice('T#0000#'.length), ...attributes } as TransferRow;
}

import { isListed, type TransferRow } from './diff.ts';
import {
  addToDigest,
  bitsFor,
  bucketOf,
  type Digests,
  emptyDigests,
  hash,
  isOutgrown,
  sameDigest,
  stateHash,
} from './digest.ts';
import type { Listing } from './listing.ts';
import type { Root } from './snapshot.ts';

/** The part of a snapshot that a poll has to look at. */
export interface Visit {
  /** The snapshot's division from this poll on. */
  readonly bits: number;
  readonly buckets: ReadonlySet<number>;
}

/**
 * Decides which buckets to read: those whose digest is not that of the listing, and those left unsettled. All of them
 * for a baseline and when the snapshot is to be divided anew. A listing that is not complete shows a change only in
 * buckets it has transfers of, and it is no baseline.
 */
export function planVisit(root: Root, listing: Listing, isComplete: boolean): Visit {
  if (root.baselineAt === undefined) {
    if (!isComplete) return { bits: root.bits, buckets: new Set() };
    return wholeSnapshot(Math.max(root.bits, bitsFor(listing.size)));
  }
  if (isComplete && isOutgrown(root.bits, listing.size)) return wholeSnapshot(bitsFor(listing.size));
  const digests = listing.digests(root.bits);
  const nothing = emptyDigests(root.bits);
  const buckets = new Set(root.unsettled);
  for (let bucket = 0; bucket < 2 ** root.bits; bucket += 1) {
    if (sameDigest(digests, root.digests, bucket)) continue;
    if (isComplete || !sameDigest(digests, nothing, bucket)) buckets.add(bucket);
  }
  return { bits: root.bits, buckets };
}

/** The snapshot's digests after a visit: those of the visited buckets are made anew from their rows. */
export function digestsAfter(root: Root, { bits, buckets }: Visit, rows: Iterable<TransferRow>): Digests {
  const digests = root.bits === bits ? root.digests.slice() : emptyDigests(bits);
  for (const bucket of buckets) digests.fill(0, 2 * bucket, 2 * bucket + 2);
  for (const row of rows) {
    if (!isListed(row)) continue;
    const { high, low } = hash(row.trackingId);
    const state = stateHash(row.state);
    addToDigest(digests, bits, high, low, state.high, state.low);
  }
  return digests;
}

/** The bucket of a transfer. */
export const bucketOfTransfer = (trackingId: string, bits: number): number => bucketOf(hash(trackingId).high, bits);

const wholeSnapshot = (bits: number): Visit => ({
  bits,
  buckets: new Set(Array.from({ length: 2 ** bits }, (_, bucket) => bucket)),
});

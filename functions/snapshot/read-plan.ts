import type { Pass, Scope } from '#functions/cryptshare/client.ts';
import { pageSize } from '#functions/cryptshare/pagination.ts';
import {
  addToDigest,
  bitsFor,
  bucketOf,
  type Digests,
  digestedState,
  emptyDigests,
  hash,
  isOutgrown,
  sameActiveDigest,
  sameDigest,
  wordsPerBucket,
} from '#functions/transfers/digest.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { isListed, type TransferRow } from './diff.ts';
import type { Root } from './snapshot-rows.ts';

/** The part of a snapshot that a poll has to look at. */
export interface ReadPlan {
  /** The snapshot's division from this poll on. */
  readonly bits: number;
  readonly buckets: ReadonlySet<number>;
}

/**
 * What to list of a watch when the active transfers may do: all of them nevertheless while anything about the snapshot
 * is open, which only a full listing can close, and when the active ones take as many requests.
 */
export function scopeFor(root: Root, wanted: Scope): Scope {
  const isOpen = root.baselineAt === undefined || root.unsettled.size > 0 || root.absence !== undefined;
  return wanted === 'active' && !isOpen && requestsFor(root.active) < requestsFor(root.count) ? 'active' : 'all';
}

/**
 * Whether a full listing finds the states of the transfers that an active pass lacks with fewer requests. Only
 * senders may ask after a single one, and each costs a request, while a bucket to plan lacks one or more of them.
 */
export const needsFullListing = (root: Root, { direction }: Watch, { buckets }: ReadPlan): boolean =>
  buckets.size > (direction === 'sent' ? requestsFor(root.count) : 0);

/** A full page is no proof that it was the last. */
const requestsFor = (transfers: number): number => Math.floor(transfers / pageSize) + 1;

/**
 * Decides which buckets to read: those whose digest is not that of the listing, and those left unsettled. All of them
 * for a baseline and when the snapshot is to be divided anew. A listing that is not complete shows a change only in
 * buckets it has transfers of, and it is no baseline. An active pass is compared with the active transfers alone.
 */
export function planReads(root: Root, { scope, listing, failure }: Pass): ReadPlan {
  const isComplete = failure === undefined;
  if (root.baselineAt === undefined) {
    if (!isComplete) return { bits: root.bits, buckets: new Set() };
    return wholeSnapshot(Math.max(root.bits, bitsFor(listing.size)));
  }
  if (isComplete && scope === 'all' && isOutgrown(root.bits, listing.size)) return wholeSnapshot(bitsFor(listing.size));
  const isSame = scope === 'all' ? sameDigest : sameActiveDigest;
  const digests = listing.digests(root.bits);
  const nothing = emptyDigests(root.bits);
  const buckets = new Set(root.unsettled);
  for (let bucket = 0; bucket < 2 ** root.bits; bucket += 1) {
    if (isSame(digests, root.digests, bucket)) continue;
    if (isComplete || !isSame(digests, nothing, bucket)) buckets.add(bucket);
  }
  return { bits: root.bits, buckets };
}

/** The snapshot's digests after a plan: those of the visited buckets are made anew from their rows. */
export function digestsAfter(root: Root, { bits, buckets }: ReadPlan, rows: Iterable<TransferRow>): Digests {
  const digests = root.bits === bits ? root.digests.slice() : emptyDigests(bits);
  for (const bucket of buckets) digests.fill(0, wordsPerBucket * bucket, wordsPerBucket * (bucket + 1));
  for (const row of rows) {
    if (!isListed(row)) continue;
    const { high, low } = hash(row.trackingId);
    addToDigest(digests, bits, high, low, digestedState(row.state));
  }
  return digests;
}

export const bucketOfTransfer = (trackingId: string, bits: number): number => bucketOf(hash(trackingId).high, bits);

/** About how many of the transfers of a snapshot a plan has to do with. */
export const transfersIn = ({ bits, buckets }: ReadPlan, count: number): number =>
  Math.ceil((count * buckets.size) / 2 ** bits);

const wholeSnapshot = (bits: number): ReadPlan => ({
  bits,
  buckets: new Set(Array.from({ length: 2 ** bits }, (_, bucket) => bucket)),
});

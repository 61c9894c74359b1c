import type { Pass, Scope } from '#functions/cryptshare/client.ts';
import type { Listing } from '#functions/cryptshare/listing.ts';
import { pageSize } from '#functions/cryptshare/pagination.ts';
import type { Digests } from '#functions/transfers/digest.ts';
import * as digest from '#functions/transfers/digest.ts';
import { factsHash } from '#functions/transfers/follow.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { isListed, type TransferRow } from './diff.ts';
import type { Root } from './snapshot-rows.ts';

export interface ReadPlan {
  /** The snapshot has `2^bits` buckets from this poll on. */
  readonly bits: number;
  readonly buckets: ReadonlySet<number>;
}

/** Narrows a poll to active transfers if that saves requests, except where only a full listing settles what is open. */
export function scopeFor(root: Root, wanted: Scope): Scope {
  const isOpen = root.baselineAt === undefined || root.unsettled.size > 0 || root.absence !== undefined;
  return wanted === 'active' && !isOpen && requestsFor(root.active) < requestsFor(root.count) ? 'active' : 'all';
}

/**
 * True when a full listing takes fewer requests than asking for each transfer that an active pass lacks. Each planned
 * bucket lacks at least one. Only senders may ask for single transfers.
 */
export const needsFullListing = (root: Root, { direction }: Watch, { buckets }: ReadPlan): boolean =>
  buckets.size > (direction === 'sent' ? requestsFor(root.count) : 0);

/** Requests for a listing; a full page is no proof that it was the last. */
const requestsFor = (transfers: number): number => Math.floor(transfers / pageSize) + 1;

/**
 * Decides which buckets to read: unsettled ones, and those whose digest differs from the listing's. A baseline and a
 * new division read all of them. An incomplete listing is no baseline, and shows changes only in buckets that it has
 * transfers of. An active pass is compared with the active transfers alone. Where it lacks a fact that the watch
 * follows, it shows nothing.
 *
 * @example planReads(root, pass) // { bits: 5, buckets: Set { 3, 17 } }
 */
export function planReads(root: Root, { scope, listing, failure }: Pass, isFollowing = false): ReadPlan {
  const isComplete = failure === undefined;
  if (root.baselineAt === undefined) {
    if (!isComplete) return { bits: root.bits, buckets: new Set() };
    return wholeSnapshot(Math.max(root.bits, digest.bitsFor(listing.size)));
  }
  if (isComplete && scope === 'all' && digest.isOutgrown(root.bits, listing.size))
    return wholeSnapshot(digest.bitsFor(listing.size));
  const digests = listing.digests(root.bits);
  const nothing = digest.emptyDigests(root.bits);
  const untold = isFollowing ? listing.untold(root.bits) : new Map<number, string[]>();
  const isSame = (others: Digests, bucket: number) => {
    const isSameActive = untold.has(bucket) || digest.sameActiveDigest(digests, others, bucket);
    return scope === 'all' ? digest.sameDigest(digests, others, bucket) && isSameActive : isSameActive;
  };
  const buckets = new Set(root.unsettled);
  for (let bucket = 0; bucket < 2 ** root.bits; bucket += 1) {
    if (isSame(root.digests, bucket)) continue;
    if (isComplete || !isSame(nothing, bucket)) buckets.add(bucket);
  }
  return { bits: root.bits, buckets };
}

/**
 * True for a list of active transfers, newest first, that are exactly the known ones. A page behind it could only have
 * an older one. Where none has yet to become active, that must be unknown, and the next full listing finds it.
 */
export const isUnchanged = (root: Root, listing: Listing, isFollowing: boolean): boolean =>
  root.preparing === 0 &&
  listing.isNewestFirst &&
  (!isFollowing || listing.told === listing.active) &&
  planReads(root, { scope: 'active', listing, requests: 0, failure: undefined }, isFollowing).buckets.size === 0;

/** Digests of the snapshot after a plan; those of its buckets are computed anew from the rows. */
export function digestsAfter(root: Root, { bits, buckets }: ReadPlan, rows: Iterable<TransferRow>): Digests {
  const digests = root.bits === bits ? root.digests.slice() : digest.emptyDigests(bits);
  for (const bucket of buckets) digests.fill(0, digest.wordsPerBucket * bucket, digest.wordsPerBucket * (bucket + 1));
  for (const row of rows) {
    if (!isListed(row)) continue;
    const { high, low } = digest.hash(row.trackingId);
    const facts = row.followed ? factsHash(row.followed) : 0;
    digest.addToDigest(digests, bits, high, low, digest.digestedState(row.state), facts);
  }
  return digests;
}

export const bucketOfTransfer = (trackingId: string, bits: number): number =>
  digest.bucketOf(digest.hash(trackingId).high, bits);

/** Approximate number of the snapshot's transfers that a plan reads. */
export const transfersIn = ({ bits, buckets }: ReadPlan, count: number): number =>
  Math.ceil((count * buckets.size) / 2 ** bits);

const wholeSnapshot = (bits: number): ReadPlan => {
  return { bits, buckets: new Set(Array.from({ length: 2 ** bits }, (_, bucket) => bucket)) };
};

import { comparableState, isActive, type State } from './transfer.ts';

/**
 * Digests of the buckets of a watch. Transfers fall into `2^bits` buckets by the leading bits of a hash of their
 * tracking id; a bucket's digest is the sum over its transfers of a 64-bit hash of (tracking id, state), so it does not
 * depend on order and an empty bucket has digest zero. Both hashes are stored, so they must never change.
 *
 * Element `3 * bucket` and the next one are the two 32-bit halves of that bucket's digest. The third is a digest of 32
 * bits of its active transfers alone, which is all that an active pass can be compared with: a collision there is found
 * by the next full listing.
 */
export type Digests = Uint32Array;

/** The 64-bit hash of a text as two 32-bit halves; `high` also places the transfer in its bucket. */
export interface Hash {
  readonly high: number;
  readonly low: number;
}

/** Elements for each bucket. */
export const wordsPerBucket = 3;

/** Buckets hold about this many transfers, so that reading one costs two read units. */
const transfersPerBucket = 32;

/** The sort key carries 16 bits of the hash. */
const maxBits = 16;

/** Spreads the last bits over all others (the finaliser of MurmurHash3). */
export function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}

/** Hashes a text two UTF-16 units at a time in two independent halves. Not for use against an adversary. */
export function hash(text: string): Hash {
  const halves = new Int32Array(2);
  hashInto(halves, text);
  return { high: halves[0]!, low: halves[1]! };
}

/** Does what {@link hash} does, without making an object: `halves` takes the high half, then the low one. */
export function hashInto(halves: Int32Array, text: string): void {
  const { length } = text;
  let high = 0x9e3779b9 ^ length;
  let low = 0x85ebca6b ^ length;
  for (let at = 0; at < length; at += 2) {
    const pair = text.charCodeAt(at) | ((at + 1 < length ? text.charCodeAt(at + 1) : 0) << 16);
    high = Math.imul(high ^ pair, 0x5bd1e995);
    high ^= high >>> 15;
    low = Math.imul(low ^ pair, 0x27d4eb2f);
    low ^= low >>> 13;
  }
  halves[0] = mix(high);
  halves[1] = mix(low);
}

/** What digests have to know of a state: the same for every spelling of it. */
export interface DigestedState extends Hash {
  readonly isActive: boolean;
}

export const digestedState = (state: State): DigestedState => ({
  ...hash(comparableState(state)),
  isActive: isActive(state),
});

/** How many buckets a watch of `transfers` transfers has, as the power of two. */
export const bitsFor = (transfers: number): number =>
  Math.min(maxBits, Math.max(0, Math.round(Math.log2(transfers / transfersPerBucket))));

/** Whether buckets have grown to more than twice their size, so that a finer division pays. */
export const isOutgrown = (bits: number, transfers: number): boolean =>
  bits < maxBits && transfers > 2 * transfersPerBucket * 2 ** bits;

/** The bucket of a hash: its first bits. */
export const bucketOf = (high: number, bits: number): number => (bits === 0 ? 0 : high >>> (32 - bits));

/** The part of a transfer's sort key that sorts it into its bucket: 16 bits of its hash as 4 hex digits. */
export const bucketPrefix = (trackingId: string): string =>
  (hash(trackingId).high >>> 16).toString(16).padStart(4, '0');

/** First and last prefix, as of {@link bucketPrefix}, of the buckets from `first` to `last`. */
export function prefixRange(first: number, last: number, bits: number): [from: string, to: string] {
  const width = 2 ** (maxBits - bits);
  const hex = (prefix: number) => prefix.toString(16).padStart(4, '0');
  return [hex(first * width), hex((last + 1) * width - 1)];
}

/** All digests zero: nothing in any of the `2^bits` buckets. */
export const emptyDigests = (bits: number): Digests => new Uint32Array(wordsPerBucket * 2 ** bits);

/** Adds one transfer, given by the halves of its tracking id's hash, to its bucket's digests. */
export function addToDigest(digests: Digests, bits: number, high: number, low: number, state: DigestedState): void {
  const at = wordsPerBucket * bucketOf(high, bits);
  const mixedLow = mix(low ^ state.low);
  digests[at] = digests[at]! + mix(high ^ state.high);
  digests[at + 1] = digests[at + 1]! + mixedLow;
  if (state.isActive) digests[at + 2] = digests[at + 2]! + mixedLow;
}

export const sameDigest = (a: Digests, b: Digests, bucket: number): boolean =>
  a[wordsPerBucket * bucket] === b[wordsPerBucket * bucket] &&
  a[wordsPerBucket * bucket + 1] === b[wordsPerBucket * bucket + 1];

export const sameActiveDigest = (a: Digests, b: Digests, bucket: number): boolean =>
  a[wordsPerBucket * bucket + 2] === b[wordsPerBucket * bucket + 2];

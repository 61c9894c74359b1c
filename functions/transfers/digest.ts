import { comparableState, isActive, isFinal, type State } from './transfer.ts';

/**
 * Digests of the buckets of a watch. A transfer's bucket of `2^bits` is the leading bits of its tracking id's hash. A
 * bucket's digest is the sum of a 64-bit hash of (tracking id, state) over its transfers. Order does not matter, and an
 * empty bucket has digest zero. Both hashes are stored, so they must never change.
 *
 * Elements `3 * bucket` and the next are the 32-bit halves of the digest. The third is a 32-bit digest of the active
 * transfers and of the facts that their watch follows. Active passes are compared with it. The next full listing finds a
 * collision of states there.
 */
export type Digests = Uint32Array;

export const wordsPerBucket = 3;

/** Approximate transfers in a bucket: reading it then costs two read units. */
const transfersPerBucket = 32;

/** Bits of the hash in a transfer's sort key: no snapshot has more buckets than `2^16`. */
export const maxBits = 16;

/** Spreads the last bits over all others (the finaliser of MurmurHash3). */
export function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}

/** Hashes a text in two independent halves of 32 bits; `high` also gives the bucket. Unsafe against an adversary. */
export function hash(text: string) {
  const halves = new Int32Array(2);
  hashInto(halves, text);
  return { high: halves[0]!, low: halves[1]! };
}

/** {@link hash} without a new object: `halves` takes the high half, then the low one. */
export function hashInto(halves: Int32Array, text: string): void {
  const { length } = text;
  let high = 0x9e3779b9 ^ length;
  let low = 0x85ebca6b ^ length;
  for (let index = 0; index < length; index += 2) {
    const pair = text.charCodeAt(index) | ((index + 1 < length ? text.charCodeAt(index + 1) : 0) << 16);
    high = Math.imul(high ^ pair, 0x5bd1e995);
    high ^= high >>> 15;
    low = Math.imul(low ^ pair, 0x27d4eb2f);
    low ^= low >>> 13;
  }
  halves[0] = mix(high);
  halves[1] = mix(low);
}

/** Parts of a state that digests need, equal for every spelling of it. */
export const digestedState = (state: State) => {
  return { ...hash(comparableState(state)), isActive: isActive(state), isFinal: isFinal(state) };
};

export type DigestedState = Readonly<ReturnType<typeof digestedState>>;

/** Number of buckets for this many transfers, as the power of two. @example `bitsFor(1000)` is 5: 32 buckets */
export const bitsFor = (transfers: number): number =>
  Math.min(maxBits, Math.max(0, Math.round(Math.log2(transfers / transfersPerBucket))));

/** True when buckets have grown to more than twice their size, so that a finer division pays. */
export const isOutgrown = (bits: number, transfers: number): boolean =>
  bits < maxBits && transfers > 2 * transfersPerBucket * 2 ** bits;

export const bucketOf = (high: number, bits: number): number => (bits === 0 ? 0 : high >>> (32 - bits));

export const emptyDigests = (bits: number): Digests => new Uint32Array(wordsPerBucket * 2 ** bits);

/** Adds one transfer, by the halves of its tracking id's hash, to its bucket's digests; `facts` is 0 without any. */
export function addToDigest(
  digests: Digests,
  bits: number,
  high: number,
  low: number,
  state: DigestedState,
  facts: number,
): void {
  const at = wordsPerBucket * bucketOf(high, bits);
  const mixedLow = mix(low ^ state.low);
  digests[at] = digests[at]! + mix(high ^ state.high);
  digests[at + 1] = digests[at + 1]! + mixedLow;
  if (state.isActive) digests[at + 2] = digests[at + 2]! + (facts === 0 ? mixedLow : mix(mixedLow ^ facts));
}

export const sameDigest = (a: Digests, b: Digests, bucket: number): boolean =>
  a[wordsPerBucket * bucket] === b[wordsPerBucket * bucket] &&
  a[wordsPerBucket * bucket + 1] === b[wordsPerBucket * bucket + 1];

export const sameActiveDigest = (a: Digests, b: Digests, bucket: number): boolean =>
  a[wordsPerBucket * bucket + 2] === b[wordsPerBucket * bucket + 2];

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bitsFor,
  bucketOf,
  digestedState,
  emptyDigests,
  hash,
  isOutgrown,
  sameActiveDigest,
  sameDigest,
} from '#functions/transfers/digest.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Tracking ids as a busy server gives them: a few a minute, over some weeks. */
const realisticIds = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const time = new Date(Date.parse('2026-01-05T08:00:00Z') + 137_000 * index).toISOString();
    let rest = index * 2_654_435_761;
    const suffix = Array.from({ length: 8 }, () => {
      rest = (rest * 1_103_515_245 + 12_345) % 2 ** 31;
      return alphabet[Math.floor(rest / 65_536) % alphabet.length];
    });
    return `${time.slice(0, 10).replaceAll('-', '')}-${time.slice(11, 19).replaceAll(':', '')}-${suffix.join('')}`;
  });

describe('hash', () => {
  it.each([
    { text: '', high: -1832243442, low: -881690865 },
    { text: 'a', high: -1367476573, low: -1241015192 },
    { text: '20240522-065711-H8UoUSI6', high: 873371000, low: 994693794 },
    { text: '20261124-000000-aaaaaaaa', high: 1683808108, low: 1750884640 },
    { text: 'x'.repeat(200), high: -1968626532, low: -1431687279 },
  ])('keeps the hash of "$text"', ({ text, ...expected }) => {
    expect(hash(text)).toEqual(expected);
  });

  it.each([
    { state: 'ACTIVE', high: -375761841, low: -2039731024 },
    { state: 'Quarantined', high: -37293513, low: -1773696019 },
  ])('keeps the hash of the state $state', ({ state, ...expected }) => {
    expect(digestedState(state)).toMatchObject(expected);
  });

  it('keeps the hash of a state in every spelling', () => {
    const spellings = ['DELETED_BY_ADMIN', 'Deleted_by_admin', 'deleted-by-admin', ' Deleted by admin '];
    expect(new Set(spellings.map((spelling) => digestedState(spelling).low)).size).toBe(1);
    expect(digestedState('DELETED_BY_ADMIN')).not.toEqual(digestedState('DELETED_BY_SECURITY'));
  });
});

describe('bucketOf', () => {
  it('fills buckets evenly with 20,000 realistic tracking ids', () => {
    const ids = realisticIds(20_000);
    expect(new Set(ids).size).toBe(20_000);
    const counts = new Array<number>(512).fill(0);
    for (const id of ids) counts[bucketOf(hash(id).high, 9)]! += 1;
    const expected = 20_000 / 512;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 511 degrees of freedom: mean 511, standard deviation 32.
    expect(chiSquare).toBeLessThan(511 + 5 * 32);
    expect(Math.max(...counts)).toBeLessThan(2 * expected);
  });

  it('tells 20,000 realistic tracking ids apart by each half of the hash alone', () => {
    const hashes = realisticIds(20_000).map(hash);
    // Of 20,000 random 32-bit numbers 0.05 pairs are expected to collide.
    expect(new Set(hashes.map(({ high }) => high)).size).toBeGreaterThan(19_995);
    expect(new Set(hashes.map(({ low }) => low)).size).toBeGreaterThan(19_995);
  });
});

describe('bitsFor', () => {
  it.each([
    { transfers: 0, bits: 0 },
    { transfers: 1, bits: 0 },
    { transfers: 64, bits: 1 },
    { transfers: 10_000, bits: 8 },
    { transfers: 100_000, bits: 12 },
    { transfers: 100_000_000, bits: 16 },
  ])('returns $bits bits for $transfers transfers', ({ transfers, bits }) => {
    expect(bitsFor(transfers)).toBe(bits);
  });

  it('has about 32 transfers in a bucket', () => {
    fc.assert(
      fc.property(fc.integer({ min: 32, max: 2_000_000 }), (transfers) => {
        const inBucket = transfers / 2 ** bitsFor(transfers);
        expect(inBucket).toBeGreaterThanOrEqual(32 / 1.5);
        expect(inBucket).toBeLessThanOrEqual(32 * 1.5);
      }),
    );
  });
});

describe('isOutgrown', () => {
  it('is true for buckets of more than twice the size, and never for those just made', () => {
    expect(isOutgrown(3, 512)).toBe(false);
    expect(isOutgrown(3, 513)).toBe(true);
    expect(isOutgrown(16, 1e9)).toBe(false);
    fc.assert(
      fc.property(fc.nat(10_000_000), (transfers) => {
        expect(isOutgrown(bitsFor(transfers), transfers)).toBe(false);
      }),
    );
  });
});

describe('emptyDigests', () => {
  it('is zero in three words for each bucket', () => {
    expect([...emptyDigests(0)]).toEqual([0, 0, 0]);
    expect(emptyDigests(16)).toHaveLength(3 * 65_536);
  });
});

describe('sameDigest', () => {
  it('compares both halves', () => {
    const digests = Uint32Array.of(0, 0, 0, 1, 2, 3);
    expect(sameDigest(digests, Uint32Array.of(9, 9, 9, 1, 2, 3), 1)).toBe(true);
    expect(sameDigest(digests, Uint32Array.of(0, 0, 0, 7, 2, 3), 1)).toBe(false);
    expect(sameDigest(digests, Uint32Array.of(0, 0, 0, 1, 7, 3), 1)).toBe(false);
  });
});

describe('sameActiveDigest', () => {
  it('compares active transfers alone', () => {
    const digests = Uint32Array.of(0, 0, 0, 1, 2, 3);
    expect(sameActiveDigest(digests, Uint32Array.of(9, 9, 9, 7, 7, 3), 1)).toBe(true);
    expect(sameActiveDigest(digests, Uint32Array.of(0, 0, 0, 1, 2, 7), 1)).toBe(false);
  });
});

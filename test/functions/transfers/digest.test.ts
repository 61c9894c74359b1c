import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  bitsFor,
  bucketOf,
  bucketPrefix,
  digestedState,
  emptyDigests,
  hash,
  isOutgrown,
  prefixRange,
  sameActiveDigest,
  sameDigest,
} from '#functions/transfers/digest.ts';

const trackingId = fc.stringMatching(/^[!-~]{1,40}$/);
const bits = fc.integer({ min: 0, max: 16 });
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

describe('what is stored must never change', () => {
  test.each([
    { text: '', high: -1832243442, low: -881690865, prefix: '92ca' },
    { text: 'a', high: -1367476573, low: -1241015192, prefix: 'ae7d' },
    { text: '20240522-065711-H8UoUSI6', high: 873371000, low: 994693794, prefix: '340e' },
    { text: '20261124-000000-aaaaaaaa', high: 1683808108, low: 1750884640, prefix: '645c' },
    { text: 'x'.repeat(200), high: -1968626532, low: -1431687279, prefix: '8aa9' },
  ])('hash and prefix of "$text"', ({ text, high, low, prefix }) => {
    expect(hash(text)).toEqual({ high, low });
    expect(bucketPrefix(text)).toBe(prefix);
  });

  test.each([
    { state: 'ACTIVE', high: -375761841, low: -2039731024 },
    { state: 'Quarantined', high: -37293513, low: -1773696019 },
  ])('hash of the state $state', ({ state, ...expected }) => {
    expect(digestedState(state)).toMatchObject(expected);
  });
});

test('a state has the same hash in every spelling', () => {
  const spellings = ['DELETED_BY_ADMIN', 'Deleted_by_admin', 'deleted-by-admin', ' Deleted by admin '];
  expect(new Set(spellings.map((spelling) => digestedState(spelling).low)).size).toBe(1);
  expect(digestedState('DELETED_BY_ADMIN')).not.toEqual(digestedState('DELETED_BY_SECURITY'));
});

describe('buckets', () => {
  it('agree with the prefixes of the sort key, whatever the number of bits', () => {
    fc.assert(
      fc.property(trackingId, bits, (id, bits) => {
        const prefix = bucketPrefix(id);
        const bucket = bucketOf(hash(id).high, bits);
        const [from, to] = prefixRange(bucket, bucket, bits);
        expect(prefix >= from && prefix <= to).toBe(true);
      }),
    );
  });

  it('divide the prefixes among themselves without gap or overlap', () => {
    for (let bits = 0; bits <= 16; bits += 1) {
      let next = 0;
      for (let bucket = 0; bucket < 2 ** bits; bucket += 1) {
        const [from, to] = prefixRange(bucket, bucket, bits);
        if (Number.parseInt(from, 16) !== next || from.length !== 4 || to.length !== 4) {
          throw new Error(`bucket ${bucket} of 2^${bits} begins at ${from} and not at ${next}`);
        }
        next = Number.parseInt(to, 16) + 1;
      }
      expect(next).toBe(0x10000);
    }
  });

  it('have ranges that join', () => {
    fc.assert(
      fc.property(bits, fc.nat(), fc.nat(), (bits, a, b) => {
        const [first, last] = [a % 2 ** bits, b % 2 ** bits].sort((x, y) => x - y) as [number, number];
        const joined = [prefixRange(first, first, bits)[0], prefixRange(last, last, bits)[1]];
        expect(prefixRange(first, last, bits)).toEqual(joined);
      }),
    );
  });

  it('are filled evenly by 20,000 realistic tracking ids', () => {
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

  it('tell 20,000 realistic tracking ids apart by each half of the hash alone', () => {
    const hashes = realisticIds(20_000).map(hash);
    // Of 20,000 random 32-bit numbers 0.05 pairs are expected to collide.
    expect(new Set(hashes.map(({ high }) => high)).size).toBeGreaterThan(19_995);
    expect(new Set(hashes.map(({ low }) => low)).size).toBeGreaterThan(19_995);
  });
});

describe('the division', () => {
  test.each([
    { transfers: 0, bits: 0 },
    { transfers: 1, bits: 0 },
    { transfers: 64, bits: 1 },
    { transfers: 10_000, bits: 8 },
    { transfers: 100_000, bits: 12 },
    { transfers: 100_000_000, bits: 16 },
  ])('of $transfers transfers has $bits bits', ({ transfers, bits }) => {
    expect(bitsFor(transfers)).toBe(bits);
  });

  it('holds about 32 transfers in a bucket', () => {
    fc.assert(
      fc.property(fc.integer({ min: 32, max: 2_000_000 }), (transfers) => {
        const inBucket = transfers / 2 ** bitsFor(transfers);
        expect(inBucket).toBeGreaterThanOrEqual(32 / 1.5);
        expect(inBucket).toBeLessThanOrEqual(32 * 1.5);
      }),
    );
  });

  it('is outgrown only by buckets of more than twice the size, and never by those just made', () => {
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

describe('digests', () => {
  it('are zero for nothing', () => {
    expect([...emptyDigests(0)]).toEqual([0, 0, 0]);
    expect(emptyDigests(16)).toHaveLength(3 * 65_536);
  });

  it('are compared in both halves', () => {
    const digests = Uint32Array.of(0, 0, 0, 1, 2, 3);
    expect(sameDigest(digests, Uint32Array.of(9, 9, 9, 1, 2, 3), 1)).toBe(true);
    expect(sameDigest(digests, Uint32Array.of(0, 0, 0, 7, 2, 3), 1)).toBe(false);
    expect(sameDigest(digests, Uint32Array.of(0, 0, 0, 1, 7, 3), 1)).toBe(false);
  });

  it('of the active transfers are compared apart from the others', () => {
    const digests = Uint32Array.of(0, 0, 0, 1, 2, 3);
    expect(sameActiveDigest(digests, Uint32Array.of(9, 9, 9, 7, 7, 3), 1)).toBe(true);
    expect(sameActiveDigest(digests, Uint32Array.of(0, 0, 0, 1, 2, 7), 1)).toBe(false);
  });
});

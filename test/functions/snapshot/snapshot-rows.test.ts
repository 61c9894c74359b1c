import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOfTransfer } from '#functions/snapshot/read-plan.ts';
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
} from '#functions/snapshot/snapshot-rows.ts';
import { emptyDigests } from '#functions/transfers/digest.ts';

const trackingId = fc.stringMatching(/^[!-~]{1,40}$/);
const bits = fc.integer({ min: 0, max: 16 });
const bucketsIn = fc
  .tuple(bits, fc.array(fc.nat(65_535), { maxLength: 50 }))
  .map(([bits, picks]) => ({ bits, buckets: new Set(picks.map((pick) => pick % 2 ** bits)) }));
const isWithin = (key: string, [from, to]: readonly [string, string]) => key >= from && key <= to;

describe('bitmapOf', () => {
  it('has exactly the given buckets', () => {
    fc.assert(
      fc.property(bucketsIn, ({ bits, buckets }) => {
        expect(bucketsOf(bitmapOf(buckets, bits))).toEqual(buckets);
      }),
    );
  });

  it('is undefined without buckets', () => {
    expect(bitmapOf(new Set(), 8)).toBeUndefined();
    expect(bucketsOf(undefined)).toEqual(new Set());
  });

  it('has a bit for each bucket', () => {
    expect(bitmapOf(new Set([0]), 0)).toHaveLength(1);
    expect(bitmapOf(new Set([0]), 16)).toHaveLength(8192);
  });
});

describe('runsOf', () => {
  it('covers exactly the given buckets, in order, by runs that do not touch', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40)), (list) => {
        const runs = runsOf(new Set(list));
        const covered = runs.flatMap(([first, last]) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
        expect(covered).toEqual(list.toSorted((a, b) => a - b));
        for (const [index, [first]] of runs.entries())
          if (index > 0) expect(first).toBeGreaterThan(runs[index - 1]![1] + 1);
      }),
    );
  });
});

describe('changedBlocks', () => {
  const digests = bits.chain((bits) =>
    fc
      .array(fc.tuple(fc.nat(3 * 2 ** bits - 1), fc.integer({ min: 1, max: 0xffffffff })), { maxLength: 20 })
      .map((entries) => {
        const wordsPerBucket = emptyDigests(bits);
        for (const [index, value] of entries) wordsPerBucket[index] = value;
        return { bits, wordsPerBucket };
      }),
  );

  it('restores all digests when changed blocks alone are stored', () => {
    fc.assert(
      fc.property(digests, ({ bits, wordsPerBucket }) => {
        const restored = emptyDigests(bits);
        for (const block of changedBlocks(emptyDigests(bits), wordsPerBucket)) {
          const key = blockKey(bits, block);
          expect(isBlockOf(bits, key)).toBe(true);
          placeBlock(restored, bits, key, bytesOfBlock(wordsPerBucket, block));
        }
        expect(Buffer.compare(Buffer.from(restored.buffer), Buffer.from(wordsPerBucket.buffer))).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('has 768 bytes at most in each block', () => {
    expect(bytesOfBlock(emptyDigests(16), 1023)).toHaveLength(768);
    expect(bytesOfBlock(emptyDigests(0), 0)).toHaveLength(12);
  });

  it('has the blocks in which any word of a digest differs', () => {
    const before = emptyDigests(10);
    const after = before.slice();
    after[3 * 64] = 1;
    after[3 * 512 + 2] = 1;
    after[3 * 1023 + 1] = 1;
    expect(changedBlocks(before, before)).toEqual(new Set());
    expect(changedBlocks(before, after)).toEqual(new Set([1, 8, 15]));
  });
});

describe('blockKey', () => {
  it('is unique for each division and number, in the range of the root', () => {
    const keys = new Set<string>();
    for (let bits = 0; bits <= 16; bits += 1) {
      for (let block = 0; block < Math.max(1, 2 ** bits / 64); block += 1) keys.add(blockKey(bits, block));
    }
    expect(keys.size).toBe(7 + 2 + 4 + 8 + 16 + 32 + 64 + 128 + 256 + 512 + 1024);
    for (const key of [rootKey, ...keys]) expect(isWithin(key, rootRange)).toBe(true);
    expect(isWithin(transferKey('ROOT'), rootRange)).toBe(false);
  });

  it('belongs to its own division alone', () => {
    expect(isBlockOf(1, blockKey(10, 0))).toBe(false);
    expect(isBlockOf(1, blockKey(11, 0))).toBe(false);
    expect(isBlockOf(0, rootKey)).toBe(false);
  });

  it('is pinned, because blocks are stored under it', () => {
    expect(blockKey(16, 1023)).toBe('ROOT#16#3ff');
    expect(blockKey(7, 1)).toBe('ROOT#07#001');
  });
});

describe('bucketRange', () => {
  it('divides the sort keys without gap or overlap', () => {
    for (let bits = 0; bits <= 16; bits += 1) {
      let next = 0;
      for (let bucket = 0; bucket < 2 ** bits; bucket += 1) {
        const [from, to] = bucketRange(bucket, bucket, bits);
        if (from !== `T#${next.toString(16).padStart(4, '0')}#` || !/^T#[0-9a-f]{4}\$$/.test(to)) {
          throw new Error(`bucket ${bucket} of 2^${bits} begins at ${from} and not at ${next}`);
        }
        next = Number.parseInt(to.slice(2), 16) + 1;
      }
      expect(next).toBe(0x10000);
    }
  });
});

describe('transferKey', () => {
  it('lies in the range of a run if its bucket does, and only then', () => {
    const near = fc.integer({ min: -2, max: 2 });
    fc.assert(
      fc.property(trackingId, fc.oneof(bits, fc.constant(16)), near, fc.nat(2), (id, bits, offset, length) => {
        const bucket = bucketOfTransfer(id, bits);
        const first = Math.min(Math.max(0, bucket + offset), 2 ** bits - 1);
        const last = Math.min(first + length, 2 ** bits - 1);
        expect(isWithin(transferKey(id), bucketRange(first, last, bits))).toBe(bucket >= first && bucket <= last);
      }),
    );
  });

  it.each([
    { text: '', prefix: '92ca' },
    { text: 'a', prefix: 'ae7d' },
    { text: '20240522-065711-H8UoUSI6', prefix: '340e' },
    { text: '20261124-000000-aaaaaaaa', prefix: '645c' },
    { text: 'x'.repeat(200), prefix: '8aa9' },
  ])('keeps the prefix of "$text", because rows are stored under it', ({ text, prefix }) => {
    expect(transferKey(text)).toBe(`T#${prefix}#${text}`);
  });
});

describe('toTransferRow', () => {
  it('returns the tracking id of a row, for any characters', () => {
    fc.assert(
      fc.property(trackingId, (id) => {
        const attributes = { state: 'ACTIVE', sequence: 1, firstSeenAt: 'x', observedAt: 'y', rev: 2 };
        expect(toTransferRow({ pk: 'sent#a@example.com', sk: transferKey(id), ...attributes })).toEqual({
          trackingId: id,
          ...attributes,
        });
      }),
    );
  });
});

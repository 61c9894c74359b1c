import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReadRoom } from '#functions/poll/read-room.ts';
import { transfersIn } from '#functions/snapshot/read-plan.ts';

/** A plan that ends when the test says so. */
function held(room: ReadRoom, transfers: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const seen = { isBegun: false, end: resolve, fail: () => reject(new Error('it failed')) };
  const ended = room.run(transfers, () => {
    seen.isBegun = true;
    return promise;
  });
  return Object.assign(seen, { ended });
}
const turn = () => new Promise(setImmediate);

describe('ReadRoom', () => {
  it('lets read plans wait that have more transfers than room, and keeps their order', async () => {
    const room = new ReadRoom(10_000);
    const [first, large, last] = [held(room, 6000), held(room, 50_000), held(room, 2000)];
    await turn();
    expect([first.isBegun, large.isBegun, last.isBegun]).toEqual([true, false, false]);
    first.end();
    await first.ended;
    await turn();
    expect([large.isBegun, last.isBegun]).toEqual([true, false]);
    large.fail();
    await expect(large.ended).rejects.toThrow('it failed');
    await turn();
    expect(last.isBegun).toBe(true);
  });

  it('lets no small read plan wait', async () => {
    const room = new ReadRoom(10_000);
    const [large, waiting, small] = [held(room, 10_000), held(room, 10_000), held(room, 900)];
    await turn();
    expect([large.isBegun, waiting.isBegun, small.isBegun]).toEqual([true, false, true]);
  });

  it('runs all read plans, and never has more transfers in memory than room', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1001, max: 20_000 }), { maxLength: 30 }), async (sizes) => {
        const room = new ReadRoom(10_000);
        let inFlight = 0;
        const done = await Promise.all(
          sizes.map((transfers) =>
            room.run(transfers, async () => {
              inFlight += Math.min(transfers, 10_000);
              expect(inFlight).toBeLessThanOrEqual(10_000);
              await turn();
              inFlight -= Math.min(transfers, 10_000);
              return transfers;
            }),
          ),
        );
        expect(done).toEqual(sizes);
      }),
      { numRuns: 30 },
    );
  });
});

describe('transfersIn', () => {
  it.each([
    { bits: 0, buckets: 1, count: 40, transfers: 40 },
    { bits: 12, buckets: 4096, count: 100_000, transfers: 100_000 },
    { bits: 12, buckets: 3, count: 100_000, transfers: 74 },
    { bits: 12, buckets: 0, count: 100_000, transfers: 0 },
  ])('is $transfers for a plan of $buckets of 2^$bits buckets and $count transfers', (one) => {
    const buckets = new Set(Array.from({ length: one.buckets }, (_, bucket) => bucket));
    expect(transfersIn({ bits: one.bits, buckets }, one.count)).toBe(one.transfers);
  });
});

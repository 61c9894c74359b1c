import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Watch } from '#functions/transfers/transfer.ts';
import { shardOf } from '#functions/watches/places.ts';
import { type Schedule, scopeDue, type Window } from '#functions/watches/schedule.ts';

const minute = 60_000;
const start = Date.parse('2026-11-24T00:00:00Z');
const watchOf = (at: number): Watch => ({ mailbox: `mailbox-${at}@example.com`, direction: 'sent' });
const watches = (count: number): Watch[] => Array.from({ length: count }, (_, index) => watchOf(index));
const schedule = (every: number, fullListingEvery = 1): Schedule => ({
  shards: 1,
  pollIntervalMs: every,
  fullListingEvery,
});

/** Windows that follow each other without a gap. */
const ticks = (count: number, apart = minute): Window[] =>
  Array.from({ length: count }, (_, index) => ({ after: start + index * apart, to: start + (index + 1) * apart }));

const troubled = (cause: string) => ({ problem: { cause, message: '' } });

const anyWatch = fc.record({ mailbox: fc.emailAddress(), direction: fc.constantFrom('sent', 'received') });
const every = fc.integer({ min: 1000, max: 86_400_000 });

describe('a watch is due', () => {
  it('once in each of its intervals, however ticks divide the time', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 5 * minute }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(anyWatch, fc.integer({ min: 1000, max: 90 * minute }), cuts, (watch, interval, gaps) => {
        let after = start;
        let due = 0;
        for (const gap of gaps) {
          if (scopeDue(watch, schedule(interval), { after, to: after + gap })) due += 1;
          after += gap;
        }
        const intervals = (after - start) / interval;
        // A tick that is longer than the interval brings one poll for all of its moments.
        const most = gaps.reduce((sum, gap) => sum + Math.min(1, Math.ceil(gap / interval)), 0);
        expect(due).toBeLessThanOrEqual(Math.min(most, Math.ceil(intervals)));
        if (Math.max(...gaps) <= interval) expect(due).toBeGreaterThanOrEqual(Math.floor(intervals));
      }),
    );
  });

  it('at its own interval where it has one', () => {
    const hourly = ticks(24 * 60).filter((tick) =>
      scopeDue({ ...watchOf(0), pollIntervalMs: 60 * minute }, schedule(minute), tick),
    );
    expect(hourly).toHaveLength(24);
    const each = ticks(60).filter((tick) =>
      scopeDue({ ...watchOf(0), pollIntervalMs: minute }, schedule(60 * minute), tick),
    );
    expect(each).toHaveLength(60);
  });

  it('every 15 minutes while it is failing, if it is polled more seldom otherwise', () => {
    const daily = { ...watchOf(0), pollIntervalMs: 24 * 60 * minute };
    const due = (watch: Parameters<typeof scopeDue>[0]) =>
      ticks(24 * 60).filter((tick) => scopeDue(watch, schedule(minute, 10), tick) === 'all').length;
    expect(due({ ...daily, health: troubled('timeout') })).toBe(24 * 4);
    expect(due({ ...daily, health: troubled('out_of_time') })).toBe(1);
    expect(due({ ...watchOf(0), pollIntervalMs: 5 * minute, health: troubled('timeout') })).toBe(24 * 12);
    expect(ticks(24 * 60).filter((tick) => scopeDue(daily, schedule(minute, 10), tick))).toHaveLength(1);
  });

  it('at once, and in full, when there was no tick before', () => {
    fc.assert(
      fc.property(anyWatch, every, (watch, interval) => {
        expect(scopeDue(watch, schedule(interval, 10), { after: undefined, to: start })).toBe('all');
      }),
    );
  });

  it('at the first tick after it was added or changed, and at no other because of that', () => {
    const added = {
      ...watchOf(0),
      pollIntervalMs: 24 * 60 * minute,
      scheduledFrom: new Date(start + 10_000).toISOString(),
    };
    const due = ticks(60).map((tick) => scopeDue(added, schedule(minute, 10), tick) !== undefined);
    const { scheduledFrom: _, ...other } = added;
    const usual = ticks(60).map((tick) => scopeDue(other, schedule(minute, 10), tick) !== undefined);
    expect(due).toEqual([true, ...usual.slice(1)]);
    expect(scopeDue(added, schedule(minute, 10), ticks(1)[0]!)).toBe('all');
  });

  it('once after a gap, however long that was', () => {
    const gap = { after: start, to: start + 1000 * minute };
    expect(scopeDue(watchOf(0), schedule(minute), gap)).toBe('all');
    const [next] = [{ after: gap.to, to: gap.to + 1 }];
    expect(scopeDue({ ...watchOf(0), pollIntervalMs: 24 * 60 * minute }, schedule(minute), next!)).toBeUndefined();
  });

  it('never by a tick that comes late or twice', () => {
    expect(scopeDue(watchOf(0), schedule(1000), { after: start, to: start })).toBeUndefined();
    expect(scopeDue(watchOf(0), schedule(1000), { after: start, to: start - minute })).toBeUndefined();
  });
});

test('polls spread evenly over the interval', () => {
  const all = watches(6000);
  const perTick = ticks(15).map((tick) => all.filter((watch) => scopeDue(watch, schedule(15 * minute), tick)).length);
  expect(perTick.reduce((sum, count) => sum + count, 0)).toBe(6000);
  const chiSquare = perTick.reduce((sum, count) => sum + (count - 400) ** 2 / 400, 0);
  // 14 degrees of freedom: mean 14, standard deviation 5.3.
  expect(chiSquare).toBeLessThan(14 + 4 * 5.3);
});

describe('of every few polls of a watch', () => {
  const scopes = (watch: Parameters<typeof scopeDue>[0], count: number, every = 5) =>
    ticks(count).map((tick) => scopeDue(watch, schedule(minute, every), tick));

  it('exactly one lists it in full', () => {
    for (const watch of watches(20)) {
      const found = scopes(watch, 50);
      expect(found.filter((scope) => scope === 'all')).toHaveLength(10);
      const first = found.indexOf('all');
      expect(found.flatMap((scope, index) => (scope === 'all' ? [index % 5] : [])).every((at) => at === first)).toBe(
        true,
      );
    }
  });

  it('it is not the same one for all watches', () => {
    const firsts = watches(500).map((watch) => scopes(watch, 5).indexOf('all'));
    for (let place = 0; place < 5; place += 1) {
      expect(firsts.filter((first) => first === place).length).toBeGreaterThan(60);
    }
  });

  it('none is missed by a gap between ticks', () => {
    for (const watch of watches(20)) {
      const gap = { after: start, to: start + 5 * minute };
      expect(scopeDue(watch, schedule(minute, 5), gap)).toBe('all');
    }
  });

  it('all list it in full while it is failing, and if nothing else is wanted', () => {
    expect(new Set(scopes({ ...watchOf(0), health: troubled('timeout') }, 20))).toEqual(new Set(['all']));
    expect(new Set(scopes(watchOf(0), 20, 1))).toEqual(new Set(['all']));
  });
});

test('the shard of a watch says nothing about its moment', () => {
  const all = watches(4000).filter((watch) => shardOf(watch, { ...schedule(minute), shards: 2 }) === 0);
  const perTick = ticks(4, 15_000).map((tick) => all.filter((watch) => scopeDue(watch, schedule(minute), tick)).length);
  for (const count of perTick) expect(count).toBeGreaterThan(all.length / 4 / 1.2);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  busyWatches,
  endLease,
  lastTick,
  liveLeases,
  type Mark,
  narrowLease,
  never,
  type ShardRow,
  stretchesOf,
  takeLease,
} from '#functions/watches/shard-row.ts';

const minute = 60_000;
const hour = 60 * minute;
const year = 365 * 24 * hour;
const start = Date.parse('2026-11-24T12:00:00Z');
const progress = { shards: 1, polled: [{ from: 0, to: start }], failing: {} };
const term = (since: number, milliseconds = 2 * minute) => ({ since, until: since + milliseconds });
const untouched: ShardRow = { rev: 0 };

const notBusy = (row: ShardRow, now: number) => (watch: string) => !busyWatches(row, now).has(watch);
const exactly = (time: number) => ({ oldest: time, newest: time });

describe('ShardRow', () => {
  it('gives no watch to two holders, and no slot twice, in random orders of leases taken, narrowed, released or lost', () => {
    const step = fc.record({
      pass: fc.nat(3 * minute),
      act: fc.constantFrom('shard', 'watch', 'narrow', 'end', 'die' as const),
      which: fc.nat(5),
      watches: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 40 }), (all, steps) => {
        let row = untouched;
        let now = start;
        for (const [index, { pass, act, which, watches }] of steps.entries()) {
          now += pass;
          const names = liveLeases(row, now).map(([name]) => name);
          const name = names[which % Math.max(1, names.length)] ?? 'none';
          const held = row.leases?.[name];
          const next = {
            shard: () => takeLease(row, `${index}`, all, term(now)),
            watch: () => takeLease(row, `${index}`, all, term(now), watches[0]!),
            narrow: () => held && !held.watches && narrowLease(row, name, watches.filter(notBusy(row, now)), progress),
            end: () => endLease(row, name, undefined),
            die: () => undefined,
          }[act]();
          row = next || row;
          const live = liveLeases(row, now).map(([, lease]) => lease);
          expect(live.reduce((sum, { slots }) => sum + slots, 0)).toBeLessThanOrEqual(all);
          for (const { slots } of live) expect(slots).toBeGreaterThan(0);
          expect(live.filter((lease) => lease.watches === undefined).length).toBeLessThanOrEqual(1);
          const busy = live.flatMap((lease) => lease.watches ?? []);
          expect(new Set(busy).size).toBe(busy.length);
        }
      }),
    );
  });

  it('leaves one of two slots to the next tick beside a narrowed lease', () => {
    const taken = takeLease(untouched, 'a', 2, term(start))!;
    expect(takeLease(taken, 'b', 2, term(start + minute))).toBeUndefined();
    const narrowed = narrowLease(taken, 'a', ['hanging'], progress)!;
    expect(narrowed).toMatchObject(progress);
    expect(takeLease(narrowed, 'b', 2, term(start + minute))?.leases?.b).toMatchObject({ slots: 1 });
    expect([...busyWatches(narrowed, start + minute)]).toEqual(['hanging']);
  });

  it('narrows a lease once, though the answer to the write was lost', () => {
    const taken = takeLease(untouched, 'a', 8, term(start))!;
    const narrowed = narrowLease(taken, 'a', ['w', 'x', 'y', 'z'], progress)!;
    expect(narrowLease(narrowed, 'a', ['w', 'x', 'y', 'z'], progress)).toEqual(narrowed);
  });

  it('takes one watch beside others, but not twice, and not during a tick', () => {
    const taken = takeLease(untouched, 'a', 4, term(start), 'one')!;
    expect(takeLease(taken, 'b', 4, term(start), 'one')).toBeUndefined();
    expect(takeLease(taken, 'b', 4, term(start), 'other')).toBeDefined();
    expect(takeLease(takeLease(untouched, 'a', 4, term(start))!, 'b', 4, term(start), 'one')).toBeUndefined();
    expect(takeLease(taken, 'b', 4, term(start))?.leases?.b).toMatchObject({ slots: 2 });
  });

  it.each([2, 3, 4, 8, 50])('leaves one of %i slots to ticks, beside any number of leases of one watch', (all) => {
    let row = untouched;
    for (let index = 0; index < 20; index += 1)
      row = takeLease(row, `${index}`, all, term(start), `watch ${index}`) ?? row;
    expect(Object.keys(row.leases!).length).toBeGreaterThan(0);
    expect(takeLease(row, 'tick', all, term(start))).toBeDefined();
  });

  it('gives the only slot to a lease of one watch', () => {
    expect(takeLease(untouched, 'a', 1, term(start), 'one')?.leases?.a).toMatchObject({ slots: 1 });
  });

  it('releases and narrows no lease that has expired', () => {
    const lost = takeLease(takeLease(untouched, 'a', 4, term(start))!, 'b', 4, term(start + 2 * minute))!;
    expect(lost.leases).not.toHaveProperty('a');
    expect(endLease(lost, 'a', progress)).toBeUndefined();
    expect(narrowLease(lost, 'a', ['x'], progress)).toBeUndefined();
  });

  it.each([minute, hour, year])('ignores a lease and a last tick of a clock %i ms ahead', (ahead) => {
    const row = { ...takeLease(untouched, 'a', 4, term(start + ahead))!, polled: [{ from: 0, to: start + ahead }] };
    expect(liveLeases(row, start)).toEqual([]);
    expect(lastTick(row, 0, start)).toBeUndefined();
    expect(takeLease(row, 'b', 4, term(start))?.leases).toEqual({ b: { ...term(start), slots: 4 } });
  });

  it('believes a last tick that is some seconds ahead', () => {
    expect(lastTick({ rev: 1, polled: [{ from: 0, to: start + 4000 }] }, 0, start)).toBe(start + 4000);
  });

  it('stores 100 watches of a lease and 64 stretches at most', () => {
    const taken = takeLease(untouched, 'a', 8, term(start))!;
    const names = Array.from({ length: 101 }, (_, index) => `sent#m${index}@example.com`);
    expect(narrowLease(taken, 'a', names, progress)).toBeUndefined();
    const marks = Array.from({ length: 3000 }, (_, place) => ({ place, ...exactly(start + (place % 2)) }));
    expect(stretchesOf(marks, start).length).toBeLessThanOrEqual(64);
  });

  it('keeps the last tick of each watch left over in its stretch, and repeats no other poll while stretches are few', () => {
    const mark = fc.record({ place: fc.nat(30), was: fc.option(fc.nat(3), { nil: never }), fate: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(mark, { maxLength: 40 }), (list) => {
        const to = 4;
        const marks = list
          .toSorted((a, b) => a.place - b.place)
          .map(({ place, was, fate }): Mark => {
            if (fate === 2) return { place, oldest: was, newest: to };
            return { place, ...exactly(fate === 1 ? to : was) };
          });
        const polled = stretchesOf(marks, to);
        const row = { rev: 1, polled: polled.map(({ from, to: last }) => ({ from, to: last && start + last })) };
        for (const { place, oldest, newest } of marks) {
          const tick = lastTick(row, place, start);
          expect(tick ?? -1).toBeLessThanOrEqual(newest === never ? -1 : start + newest);
          const isAlone = marks.filter((other) => other.place === place).length === 1;
          if (isAlone && oldest) expect(tick ?? -1).toBeGreaterThanOrEqual(start + oldest);
        }
      }),
      { numRuns: 500 },
    );
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
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

test('no watch is polled by two at a time, and no more requests go out than may, in whatever order leases are taken, narrowed, returned or lost', () => {
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
const notBusy = (row: ShardRow, now: number) => (watch: string) => !busyWatches(row, now).has(watch);

test('where two requests may go out at once, one that hangs leaves the other slot to the next tick', () => {
  const taken = takeLease(untouched, 'a', 2, term(start))!;
  expect(takeLease(taken, 'b', 2, term(start + minute))).toBeUndefined();
  const narrowed = narrowLease(taken, 'a', ['hanging'], progress)!;
  expect(narrowed).toMatchObject(progress);
  expect(takeLease(narrowed, 'b', 2, term(start + minute))?.leases?.b).toMatchObject({ slots: 1 });
  expect([...busyWatches(narrowed, start + minute)]).toEqual(['hanging']);
});

test('a lease that was narrowed by a write whose answer was lost is not narrowed once more', () => {
  const taken = takeLease(untouched, 'a', 8, term(start))!;
  const narrowed = narrowLease(taken, 'a', ['w', 'x', 'y', 'z'], progress)!;
  expect(narrowLease(narrowed, 'a', ['w', 'x', 'y', 'z'], progress)).toEqual(narrowed);
});

test('a watch that is asked for is taken beside others, but not twice, and not while a tick is being polled', () => {
  const taken = takeLease(untouched, 'a', 4, term(start), 'one')!;
  expect(takeLease(taken, 'b', 4, term(start), 'one')).toBeUndefined();
  expect(takeLease(taken, 'b', 4, term(start), 'other')).toBeDefined();
  expect(takeLease(takeLease(untouched, 'a', 4, term(start))!, 'b', 4, term(start), 'one')).toBeUndefined();
  expect(takeLease(taken, 'b', 4, term(start))?.leases?.b).toMatchObject({ slots: 2 });
});

test.each([2, 3, 4, 8, 50])('however many watches are asked for and hang, of %i slots one is left to ticks', (all) => {
  let row = untouched;
  for (let index = 0; index < 20; index += 1)
    row = takeLease(row, `${index}`, all, term(start), `watch ${index}`) ?? row;
  expect(Object.keys(row.leases!).length).toBeGreaterThan(0);
  expect(takeLease(row, 'tick', all, term(start))).toBeDefined();
});

test('a watch that is asked for gets the only slot there is', () => {
  expect(takeLease(untouched, 'a', 1, term(start), 'one')?.leases?.a).toMatchObject({ slots: 1 });
});

test('who has lost a lease gives nothing back and writes down no progress', () => {
  const lost = takeLease(takeLease(untouched, 'a', 4, term(start))!, 'b', 4, term(start + 2 * minute))!;
  expect(lost.leases).not.toHaveProperty('a');
  expect(endLease(lost, 'a', progress)).toBeUndefined();
  expect(narrowLease(lost, 'a', ['x'], progress)).toBeUndefined();
});

test.each([minute, hour, year])(
  'a lease and a last tick of a clock %i ms ahead hold back no poll once it is right',
  (ahead) => {
    const row = { ...takeLease(untouched, 'a', 4, term(start + ahead))!, polled: [{ from: 0, to: start + ahead }] };
    expect(liveLeases(row, start)).toEqual([]);
    expect(lastTick(row, 0, start)).toBeUndefined();
    expect(takeLease(row, 'b', 4, term(start))?.leases).toEqual({ b: { ...term(start), slots: 4 } });
  },
);

test('a last tick may be some seconds ahead of a clock that is right', () => {
  expect(lastTick({ rev: 1, polled: [{ from: 0, to: start + 4000 }] }, 0, start)).toBe(start + 4000);
});

test('a row names few watches and stretches, whatever there is of them', () => {
  const taken = takeLease(untouched, 'a', 8, term(start))!;
  const names = Array.from({ length: 101 }, (_, index) => `sent#m${index}@example.com`);
  expect(narrowLease(taken, 'a', names, progress)).toBeUndefined();
  const marks = Array.from({ length: 3000 }, (_, place) => ({ place, ...exactly(start + (place % 2)) }));
  expect(stretchesOf(marks, start).length).toBeLessThanOrEqual(64);
});
const exactly = (time: number) => ({ oldest: time, newest: time });

test('stretches keep each watch that was left over at its last tick, and poll no other twice while they are few', () => {
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

import { beforeEach, describe, expect, it } from 'vitest';
import type { Schedule } from '#functions/watches/schedule.ts';
import { Foresight, outlookOf } from '#infra/local/foresight.ts';

const minute = 60_000;
const schedule: Schedule = { shards: 1, pollIntervalMs: 5 * minute, fullListingEvery: 1 };
const watches = Array.from({ length: 3 }, (_, index) => ({
  mailbox: `m${index}@example.com`,
  direction: 'sent' as const,
}));
const start = Date.parse('2026-01-01T00:00:00Z');

let foresight: Foresight;
beforeEach(() => {
  foresight = new Foresight();
});

/** Runs a tick that reads these watches. */
const tick = (at: number, read: Parameters<typeof outlookOf>[0] = watches, table = schedule) =>
  foresight.begin()(outlookOf(read, table, at));

/** Seconds after a tick at which further ticks come. */
function ticksWithin(seconds: number, read: Parameters<typeof outlookOf>[0] = watches, table = schedule): number[] {
  tick(start, read, table);
  const ticks: number[] = [];
  for (let second = 1; second <= seconds; second += 1) {
    if (!foresight.wantsTick(start + 1000 * second)) continue;
    ticks.push(second);
    tick(start + 1000 * second, read, table);
  }
  return ticks;
}

describe('Foresight', () => {
  it('wants the first tick at once', () => {
    expect(foresight.wantsTick(start)).toBe(true);
  });

  it('wants a tick each minute while nothing is due', () => {
    expect(ticksWithin(300, [])).toEqual([60, 120, 180, 240, 300]);
  });

  it('wants a tick at most a twentieth of the interval, and 10 s, after a watch is due', () => {
    const many = Array.from({ length: 1000 }, (_, index) => ({
      mailbox: `m${index}@example.com`,
      direction: 'sent' as const,
    }));
    expect(ticksWithin(60, many)).toEqual([10, 20, 30, 40, 50, 60]);
    expect(ticksWithin(12, many, { ...schedule, pollIntervalMs: minute })).toEqual([3, 6, 9, 12]);
    expect(ticksWithin(3, many, { ...schedule, pollIntervalMs: 2000 })).toEqual([1, 2, 3]);
    expect(ticksWithin(3, [{ ...many[0]!, pollIntervalMs: 1000 }, ...many])).toEqual([1, 2, 3]);
  });

  it('wants a tick after a watch has changed, also while a tick reads the watches', () => {
    tick(start);
    expect(foresight.wantsTick(start + 1000)).toBe(false);
    foresight.forget();
    expect(foresight.wantsTick(start + 1000)).toBe(true);
    const reading = foresight.begin();
    foresight.forget();
    reading(outlookOf(watches, schedule, start + 1000));
    expect(foresight.wantsTick(start + 2000)).toBe(true);
  });

  it('wants a tick after the clock is set back or ahead', () => {
    tick(start);
    expect(foresight.wantsTick(start - 3_600_000)).toBe(true);
    expect(foresight.wantsTick(start + 3_600_000)).toBe(true);
  });
});

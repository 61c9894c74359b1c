import { describe, expect, it } from 'vitest';
import { pollProgress } from '#functions/watches/late-watches.ts';
import { placeOf, shardOf } from '#functions/watches/places.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import type { ShardRow } from '#functions/watches/shard-row.ts';

const minuteMs = 60_000;
const now = Date.parse('2026-11-24T12:00:00.000Z');
const schedule = { pollIntervalMs: minuteMs };

const watchOf = (mailbox: string, more: Partial<RegisteredWatch> = {}): RegisteredWatch => ({
  mailbox,
  direction: 'sent',
  scheduledFrom: '2026-11-23T00:00:00.000Z',
  ...more,
});

/** The only shard, polled until some milliseconds before now. */
const polled = (agoMs: number): Map<number, ShardRow> =>
  new Map([[0, { rev: 1, shards: 1, polled: [{ from: 0, to: now - agoMs }] }]]);

describe('pollProgress', () => {
  it('finds no late watch while ticks are made, and tells the last one', () => {
    expect(pollProgress([watchOf('a')], polled(minuteMs), schedule, now)).toEqual({
      lastAt: new Date(now - minuteMs).toISOString(),
      late: 0,
    });
  });

  it('allows a tick to be late by five minutes', () => {
    expect(pollProgress([watchOf('a')], polled(5 * minuteMs), schedule, now).late).toBe(0);
    expect(pollProgress([watchOf('a')], polled(7 * minuteMs), schedule, now).late).toBe(1);
  });

  it('does not call a watch late that is polled once a day', () => {
    const daily = watchOf('a', { pollIntervalMs: 86_400_000 });
    const hourly = pollProgress([daily], polled(6 * 3_600_000), schedule, now).late;
    const weekly = pollProgress([daily], polled(3 * 86_400_000), schedule, now).late;
    expect([hourly <= 1, weekly]).toEqual([true, 1]);
    // Its moment lies at one hour of the day: in all others it is not late.
    const late = Array.from(
      { length: 24 },
      (_, hour) => pollProgress([daily], new Map(polled(3_600_000)), schedule, now + hour * 3_600_000).late,
    );
    expect(late.filter((one) => one > 0).length).toBeLessThan(24);
  });

  it('does not call a quiet watch late that has a longer interval', () => {
    const quiet = { ...schedule, quietIntervalMs: 3_600_000 };
    const many = Array.from({ length: 100 }, (_, index) => watchOf(`m${index}`));
    expect(pollProgress(many, polled(10 * minuteMs), quiet, now).late).toBeLessThan(30);
    expect(pollProgress(many, polled(10 * minuteMs), schedule, now).late).toBe(100);
  });

  it('counts a watch that was never polled only after five minutes', () => {
    const added = (agoMs: number) => watchOf('a', { scheduledFrom: new Date(now - agoMs).toISOString() });
    expect(pollProgress([added(minuteMs)], new Map(), schedule, now)).toEqual({ lastAt: undefined, late: 0 });
    expect(pollProgress([added(6 * minuteMs)], new Map(), schedule, now).late).toBe(1);
  });

  it('counts no paused watch', () => {
    expect(pollProgress([watchOf('a', { isDisabled: true })], new Map(), schedule, now).late).toBe(0);
  });

  it('counts the watches of the one shard that has stopped', () => {
    const watches = Array.from({ length: 40 }, (_, index) => watchOf(`m${index}`));
    const row = (agoMs: number, from: number): ShardRow => ({ rev: 1, shards: 2, polled: [{ from, to: now - agoMs }] });
    const rows = new Map([
      [0, row(minuteMs, 0)],
      [1, row(3_600_000, 0)],
    ]);
    const stopped = watches.filter((watch) => shardOf(watch, { shards: 2 }) === 1);
    expect(stopped.length).toBeGreaterThan(0);
    expect(pollProgress(watches, rows, schedule, now)).toEqual({
      lastAt: new Date(now - minuteMs).toISOString(),
      late: stopped.length,
    });
  });

  it('counts the watches of a stretch that was left over', () => {
    const watch = watchOf('a');
    const rows = new Map<number, ShardRow>([
      [
        0,
        {
          rev: 1,
          shards: 1,
          polled: [
            { from: 0, to: now },
            { from: placeOf(watch), to: now - 3_600_000 },
          ],
        },
      ],
    ]);
    expect(pollProgress([watch], rows, schedule, now)).toEqual({ lastAt: new Date(now).toISOString(), late: 1 });
  });
});

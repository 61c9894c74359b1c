import { placeOf, shardOf } from './places.ts';
import type { RegisteredWatch } from './polled-watches.ts';
import { type Schedule, scopeDue } from './schedule.ts';
import { lastTick, type ShardRow } from './shard-row.ts';

/** Milliseconds by which a poll may be late: a tick may take two minutes, and the next one waits for it. */
const lateAfterMs = 300_000;

/**
 * Tells whether polls are made: the time of the last tick with a poll (ISO 8601), and how many watches were not polled
 * for five minutes though they were due. `rows` are those of the shards by number; `now` is in Unix milliseconds.
 */
export function pollProgress(
  watches: readonly RegisteredWatch[],
  rows: ReadonlyMap<number, ShardRow>,
  schedule: Pick<Schedule, 'pollIntervalMs' | 'quietIntervalMs'>,
  now: number,
) {
  const shards = rows.get(0)?.shards ?? 1;
  const ticks = [...rows.values()].flatMap(({ polled = [] }) => polled.flatMap(({ to }) => to ?? []));
  const due = { ...schedule, shards, fullListingEvery: 1 };
  const to = now - lateAfterMs;
  const late = watches.filter((watch) => {
    if (watch.isDisabled || (watch.scheduledFrom !== undefined && Date.parse(watch.scheduledFrom) > to)) return false;
    const row = rows.get(shardOf(watch, { shards })) ?? { rev: 0 };
    const after = lastTick(row, placeOf(watch), now);
    return after === undefined || (after < to && scopeDue(watch, due, { after, to }) !== undefined);
  });
  return { lastAt: ticks.length > 0 ? new Date(Math.max(...ticks)).toISOString() : undefined, late: late.length };
}

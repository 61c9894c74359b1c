import { isRecent } from '#functions/clock/instants.ts';
import type { Scope } from '#functions/cryptshare/client.ts';
import { hash, mix } from '#functions/transfers/digest.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { RegisteredWatch } from './polled-watches.ts';
import type { Health } from './watch-health.ts';

export interface Schedule {
  /** Parts into which the watches are divided. */
  readonly shards: number;
  /** Milliseconds between two polls of a watch without its own interval. */
  readonly pollIntervalMs: number;
  /** Polls of a watch per full listing; the others are active passes. 1: every poll is a full listing. */
  readonly fullListingEvery: number;
  /** Milliseconds between two polls of a quiet watch. @default the interval of other watches */
  readonly quietIntervalMs?: number | undefined;
}

/** The part of a watch that its schedule depends on. */
export interface TimedWatch extends Watch, Pick<RegisteredWatch, 'pollIntervalMs' | 'scheduledFrom' | 'changedAt'> {
  readonly health?: Pick<Health, 'problem'> | undefined;
}

/** Time from one tick to the next, in Unix milliseconds, without `after` and with `to`. */
export interface Window {
  /** Undefined at the first tick. */
  readonly after: number | undefined;
  readonly to: number;
}

/** Milliseconds from `scheduledFrom` until a reader of the registry sees it: a file of many watches takes long to write. */
const longestWriteMs = 10_000;

/** Longest interval of a failing watch in milliseconds; otherwise a watch polled daily would stay so for a day. */
const longestIntervalWhileFailingMs = 900_000;

/** Milliseconds without a change after which a watch is quiet. */
const quietAfterMs = 3_600_000;

/** True without a change for an hour, or two `usualMs` if longer. The changes of a failing watch are unknown. */
export function isQuiet(watch: Omit<TimedWatch, keyof Watch>, now: number, usualMs = 0): boolean {
  const changes = [watch.scheduledFrom, watch.changedAt].filter((at) => at !== undefined).map((at) => Date.parse(at));
  return !watch.health && !changes.some((at) => isRecent(at, now, Math.max(quietAfterMs, 2 * usualMs)));
}

/** True when a watch was added or changed since the last tick, or no tick is known. */
export function hasNewSettings({ scheduledFrom = '' }: Omit<TimedWatch, keyof Watch>, { after, to }: Window): boolean {
  if (after === undefined) return true;
  const changedAt = Date.parse(scheduledFrom);
  // The last tick may have read the registry before this row was written. The second bound keeps short ticks from
  // polling the watch repeatedly.
  return changedAt >= after - Math.min(longestWriteMs, to - after) && changedAt <= to;
}

/**
 * Decides whether a watch is due in a window of time, and its scope. A hash gives each watch its moment in the
 * interval. So polls spread evenly over the interval, and full listings over the polls. A new watch is due at once.
 * After a gap a watch is polled once, however many moments have passed. A failing watch is listed in full, at least
 * every 15 minutes unless it failed for lack of time. A quiet watch may have a longer interval. Undefined: not due.
 *
 * @example scopeDue(watch, schedule, { after: undefined, to }) // 'all': the first tick lists every watch in full
 */
export function scopeDue(watch: TimedWatch, schedule: Schedule, { after, to }: Window): Scope | undefined {
  const { pollIntervalMs: usualMs = schedule.pollIntervalMs, health } = watch;
  // Do not shorten the interval after a poll without time: more polls would leave even less.
  const isWorthATry = health && health.problem.cause !== 'out_of_time';
  const busyMs = isWorthATry ? Math.min(usualMs, longestIntervalWhileFailingMs) : usualMs;
  const { quietIntervalMs } = schedule;
  const intervalMs =
    quietIntervalMs !== undefined && isQuiet(watch, to, usualMs) ? Math.max(busyMs, quietIntervalMs) : busyMs;
  const { high, low } = hash(watchKey(watch));
  const phase = (low >>> 0) % intervalMs;
  /** Number of the watch's moments until a time. */
  const periodIndex = (time: number) => Math.floor((time - phase) / intervalMs);
  if (after === undefined || hasNewSettings(watch, { after, to })) return 'all';
  if (periodIndex(to) <= periodIndex(after)) return undefined;
  const slot = (mix(high) >>> 0) % schedule.fullListingEvery;
  const fullListings = (time: number) => Math.floor((periodIndex(time) - slot) / schedule.fullListingEvery);
  return health || fullListings(to) > fullListings(after) ? 'all' : 'active';
}

import { isRecent } from '#functions/clock/instants.ts';
import type { Scope } from '#functions/cryptshare/client.ts';
import { hash, mix } from '#functions/transfers/digest.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { RegisteredWatch } from './polled-watches.ts';
import type { Health } from './watch-health.ts';
import { problemOfTime } from './watch-problem.ts';

export interface Schedule {
  /** Parts into which the watches are divided. */
  readonly shards: number;
  /** Milliseconds between two polls of a watch without its own interval. */
  readonly every: number;
  /** Polls of a watch per full listing; the others are active passes. 1: every poll is a full listing. */
  readonly fullListingEvery: number;
  /** Milliseconds between two polls of a quiet watch. @default the interval of other watches */
  readonly quietEvery?: number | undefined;
}

/** The part of a watch that its schedule depends on. */
interface TimedWatch extends Watch, Pick<RegisteredWatch, 'every' | 'since' | 'changedAt'> {
  /** Present while it fails. */
  readonly health?: Pick<Health, 'problem'> | undefined;
}

/** Time from one tick to the next, in Unix milliseconds, without `after` and with `to`. */
export interface Window {
  /** Undefined at the first tick. */
  readonly after: number | undefined;
  readonly to: number;
}

/** Forecast of a tick, with which the local run skips reading the watches while none is due. */
export interface Outlook {
  /** Unix time in milliseconds of the tick. */
  readonly from: number;
  /** True when a watch is due at a later time, unless the watches change until then. */
  readonly isDue: (at: number) => boolean;
  /** Shortest interval in milliseconds. */
  readonly shortest: number;
}

/** @param watches without disabled ones */
export const outlookOf = (watches: readonly TimedWatch[], schedule: Schedule, from: number): Outlook => ({
  from,
  isDue: (at) => watches.some((watch) => scopeDue(watch, schedule, { after: from, to: at }) !== undefined),
  shortest: watches.reduce((least, { every = schedule.every }) => Math.min(least, every), Number.POSITIVE_INFINITY),
});

/** Milliseconds from `since` until a reader of the registry sees it: a file of many watches takes long to write. */
const longestWrite = 10_000;

/** Longest interval of a failing watch in milliseconds; otherwise a watch polled daily would stay so for a day. */
export const longestIntervalWhileFailing = 900_000;

/** Milliseconds without a change after which a watch is quiet. */
const quietAfter = 3_600_000;

/**
 * True when neither transfers nor settings have changed for an hour, or for two `usual` intervals if these are longer.
 * A failing watch is not quiet, because its changes are unknown. `now` is a Unix time; both are in milliseconds.
 */
export const isQuiet = ({ since, changedAt, health }: Omit<TimedWatch, keyof Watch>, now: number, usual = 0): boolean =>
  !health &&
  ![since, changedAt].some((at) => at !== undefined && isRecent(Date.parse(at), now, Math.max(quietAfter, 2 * usual)));

/**
 * Decides whether a watch is due in a window of time, and its scope. A hash gives each watch its moment in the
 * interval. So polls spread evenly over the interval, and full listings over the polls. A new watch is due at once.
 * After a gap a watch is polled once, however many moments have passed. A failing watch is listed in full, at least
 * every 15 minutes unless it failed for lack of time. A quiet watch may have a longer interval. Undefined: not due.
 *
 * @example scopeDue(watch, schedule, { after: undefined, to }) // 'all': the first tick lists every watch in full
 */
export function scopeDue(watch: TimedWatch, schedule: Schedule, { after, to }: Window): Scope | undefined {
  const { every: usual = schedule.every, since, health } = watch;
  // Do not shorten the interval after a poll without time: more polls would leave even less.
  const isWorthATry = health && health.problem.cause !== problemOfTime.cause;
  const often = isWorthATry ? Math.min(usual, longestIntervalWhileFailing) : usual;
  const { quietEvery } = schedule;
  const every = quietEvery !== undefined && isQuiet(watch, to, usual) ? Math.max(often, quietEvery) : often;
  const { high, low } = hash(watchKey(watch));
  const moment = (low >>> 0) % every;
  /** Number of the watch's moments until a time. */
  const turn = (time: number) => Math.floor((time - moment) / every);
  if (after === undefined) return 'all';
  const begun = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since);
  // The last tick may have read the registry before this row was written. The second bound keeps short ticks from
  // polling the watch repeatedly.
  if (begun >= after - Math.min(longestWrite, to - after) && begun <= to) return 'all';
  if (turn(to) <= turn(after)) return undefined;
  const place = (mix(high) >>> 0) % schedule.fullListingEvery;
  const fullTurns = (time: number) => Math.floor((turn(time) - place) / schedule.fullListingEvery);
  return health || fullTurns(to) > fullTurns(after) ? 'all' : 'active';
}

import { isRecent } from '#functions/clock/instants.ts';
import type { Scope } from '#functions/cryptshare/client.ts';
import { hash, mix } from '#functions/transfers/digest.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { RegisteredWatch } from './polled-watches.ts';
import type { Health } from './watch-health.ts';
import { problemOfTime } from './watch-problem.ts';

/** When watches are polled, but for those that have an interval of their own. */
export interface Schedule {
  /** Parts into which the watches are divided. */
  readonly shards: number;
  /** Milliseconds between two polls of a watch. */
  readonly every: number;
  /** One poll of a watch in this many lists all of its transfers, the others the active ones; 1: all of them do. */
  readonly fullListingEvery: number;
  /** Milliseconds between two polls of a watch that is quiet; undefined: as of others. */
  readonly quietEvery?: number | undefined;
}

/** A watch as far as it concerns its time; its first poll comes at once. */
interface TimedWatch extends Watch, Pick<RegisteredWatch, 'every' | 'since' | 'changedAt'> {
  /** There while it is failing. */
  readonly health?: Pick<Health, 'problem'>;
}

/** The time from one tick to the next, in Unix milliseconds: `after` is not part of it, `to` is. */
export interface Window {
  /** Undefined when there was no tick before. */
  readonly after: number | undefined;
  readonly to: number;
}

/** What a tick has read, for a clock that need not read it again as long as nothing is due. */
export interface Outlook {
  /** Unix time in milliseconds of the tick. */
  readonly from: number;
  /** Whether any watch is due at a later time, unless the watches are changed until then. */
  readonly isDue: (at: number) => boolean;
  /** Milliseconds of the shortest interval. */
  readonly shortest: number;
}

/** @param watches those that are to be polled */
export const outlookOf = (watches: readonly TimedWatch[], schedule: Schedule, from: number): Outlook => ({
  from,
  isDue: (at) => watches.some((watch) => scopeDue(watch, schedule, { after: from, to: at }) !== undefined),
  shortest: watches.reduce((least, { every = schedule.every }) => Math.min(least, every), Number.POSITIVE_INFINITY),
});

/** Milliseconds that may pass from `since` until a reader of the registry sees it: a file of many watches takes its time. */
const longestWrite = 10_000;

/** Milliseconds after which a watch failing is polled again at the latest: one polled daily would stay failing for a day. */
export const longestIntervalWhileFailing = 900_000;

/** Milliseconds without a change after which a watch is quiet. */
const quietAfter = 3_600_000;

/**
 * Whether a watch has not changed for an hour, or for two of its usual intervals if these are longer, nor been told to be polled
 * otherwise. One failing is not quiet: what has changed is not known.
 *
 * @param now Unix time in milliseconds
 * @param usual its interval in milliseconds
 */
export const isQuiet = ({ since, changedAt, health }: Omit<TimedWatch, keyof Watch>, now: number, usual = 0): boolean =>
  !health &&
  ![since, changedAt].some((at) => at !== undefined && isRecent(Date.parse(at), now, Math.max(quietAfter, 2 * usual)));

/**
 * What to list of a watch in a window of time. Within each interval every watch has its own moment, given by a hash, so that
 * polls spread evenly over the interval, and so do the full listings over the polls. After a gap a watch is polled once,
 * however many of its moments have passed. A watch failing is listed in full, and every 15 minutes at least,
 * unless its problem was that there was no time. A quiet one is polled more seldom, if that is wanted.
 *
 * @returns undefined when the watch is not to be polled
 */
export function scopeDue(watch: TimedWatch, schedule: Schedule, { after, to }: Window): Scope | undefined {
  const { every: usual = schedule.every, since, health } = watch;
  // A tick that had no time for it would have less if it came round sooner.
  const isWorthATry = health && health.problem.cause !== problemOfTime.cause;
  const often = isWorthATry ? Math.min(usual, longestIntervalWhileFailing) : usual;
  const { quietEvery } = schedule;
  const every = quietEvery !== undefined && isQuiet(watch, to, usual) ? Math.max(often, quietEvery) : often;
  const { high, low } = hash(watchKey(watch));
  const moment = (low >>> 0) % every;
  /** How many of the watch's moments have come until a time. */
  const turn = (time: number) => Math.floor((time - moment) / every);
  if (after === undefined) return 'all';
  const begun = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since);
  // The tick before may have been too early to see it. Short ticks are not to poll it time and again for that.
  if (begun >= after - Math.min(longestWrite, to - after) && begun <= to) return 'all';
  if (turn(to) <= turn(after)) return undefined;
  const place = (mix(high) >>> 0) % schedule.fullListingEvery;
  const fullTurns = (time: number) => Math.floor((turn(time) - place) / schedule.fullListingEvery);
  return health || fullTurns(to) > fullTurns(after) ? 'all' : 'active';
}

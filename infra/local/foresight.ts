import { type Schedule, scopeDue, type TimedWatch } from '#functions/watches/schedule.ts';

/** Milliseconds until a tick takes place even without a due watch, for its other tasks. The rate on AWS is the same. */
const longestForecastMs = 60_000;

/** Tolerated delay of a poll, so that watches share ticks: part of the interval, and maximum in milliseconds. */
const tolerated = 1 / 20;
const toleratedDelayMs = 10_000;

/** Forecast of a tick, with which the local run skips reading the watches while none is due. */
interface Outlook {
  /** Unix time in milliseconds of the tick. */
  readonly from: number;
  /** True when a watch is due at a later time, unless the watches change until then. */
  readonly isDue: (at: number) => boolean;
  /** Shortest interval in milliseconds. */
  readonly shortestMs: number;
}

/** Pass no disabled watch. @example watches each 60 s give `{ from: 0, isDue: (at) => …, shortestMs: 60_000 }` */
export const outlookOf = (watches: readonly TimedWatch[], schedule: Schedule, from: number): Outlook => ({
  from,
  isDue: (at) => watches.some((watch) => scopeDue(watch, schedule, { after: from, to: at }) !== undefined),
  shortestMs: watches.reduce(
    (least, { pollIntervalMs = schedule.pollIntervalMs }) => Math.min(least, pollIntervalMs),
    Number.POSITIVE_INFINITY,
  ),
});

/**
 * Predicts whether a tick has work, so that not every second reads all watches. The prediction of a tick holds until a
 * watch changes, a minute passes or the clock is set back.
 */
export class Foresight {
  private outlook: Outlook | undefined;
  private changes = 0;

  /** Begins a tick. A change of a watch before its prediction voids the latter, as the tick may have missed it. */
  begin(): (outlook: Outlook) => void {
    const begunAt = this.changes;
    return (outlook) => {
      if (begunAt === this.changes) this.outlook = outlook;
    };
  }

  /** Drops the prediction after a change of a watch. */
  forget(): void {
    this.changes += 1;
    this.outlook = undefined;
  }

  /** @param now milliseconds since 1970 */
  wantsTick(now: number): boolean {
    if (!this.outlook) return true;
    const { from, isDue, shortestMs: shortest } = this.outlook;
    const rest = now - from;
    if (rest < 0 || rest >= longestForecastMs) return true;
    return rest >= Math.min(shortest * tolerated, toleratedDelayMs) && isDue(now);
  }
}

import type { Outlook } from '#functions/watches/schedule.ts';

/** Milliseconds until a tick takes place even without a due watch, for its other tasks. The rate on AWS is the same. */
const longestForecastMs = 60_000;

/** Tolerated delay of a poll, so that watches share ticks: part of the interval, and maximum in milliseconds. */
const tolerated = 1 / 20;
const toleratedDelayMs = 10_000;

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

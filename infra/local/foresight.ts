import type { Outlook } from '#functions/watches/schedule.ts';

/** Milliseconds after which a tick comes although nothing is due: there is more to do at ticks than polls, as on AWS. */
const longestOpen = 60_000;

/** Part of its interval by which a watch may be polled late, so that several of them share a tick, and the most of it in milliseconds. */
const tolerated = 1 / 20;
const mostTolerated = 10_000;

/**
 * Knows whether a tick has anything to do, so that not every second reads all watches. What a tick has foreseen holds until
 * a watch is changed, a minute passes or the clock is set back.
 */
export class Foresight {
  private outlook: Outlook | undefined;
  private changes = 0;

  /** What the tick that begins now is to tell: what changes while it reads may have escaped it. */
  begin(): (outlook: Outlook) => void {
    const begunAt = this.changes;
    return (outlook) => {
      if (begunAt === this.changes) this.outlook = outlook;
    };
  }

  /** Has the next tick look again, because a watch was changed. */
  forget(): void {
    this.changes += 1;
    this.outlook = undefined;
  }

  /** @param now Unix time in milliseconds */
  wantsTick(now: number): boolean {
    if (!this.outlook) return true;
    const { from, isDue, shortest } = this.outlook;
    const rest = now - from;
    if (rest < 0 || rest >= longestOpen) return true;
    return rest >= Math.min(shortest * tolerated, mostTolerated) && isDue(now);
  }
}

import type { Watch } from '#functions/transfers/transfer.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import type { Happening } from '#infra/simulator/lives/history.ts';
import { readHistory } from '#infra/simulator/lives/history-file.ts';
import { mailboxOf, watchesOf } from '#infra/simulator/lives/player.ts';
import { firstMorning, seededHistory } from '#infra/simulator/lives/seeded-history.ts';
import { dayMs } from '#infra/simulator/switches.ts';
import { startTwin } from '#infra/twin/twin.ts';

export interface TwinOptions {
  readonly seed?: number;
  /** Seconds of the twin's time in one of ours. */
  readonly speed?: number;
  readonly days?: number;
  /** File of a recorded history, instead of one made from the seed. */
  readonly history?: string;
}

export const mostDays = 400;

export const usualTwin = { seed: 1, speed: 1000, days: 30 } as const;

const seededWatches: readonly Watch[] = [
  { mailbox: mailboxOf(1), direction: 'sent' },
  { mailbox: mailboxOf(1), direction: 'received' },
];

/**
 * Events of a twin of the server, with a mailbox that lives faster. They end with its days.
 *
 * @param tell called with each failure of the twin, in words
 * @throws CliError for an unreadable history, or one that is too long
 */
export function twinSource(context: CliContext, options: TwinOptions, tell: (problem: string) => void) {
  const { seed, speed } = { ...usualTwin, ...options };
  const recorded = options.history === undefined ? undefined : readHistory(options.history);
  const from = recorded ? Date.parse(recorded[0]!.at) - 60_000 : firstMorning;
  const { days = recorded ? daysOf(recorded, from) : usualTwin.days } = options;
  if (days > mostDays)
    throw wrongCommandLine(
      `the history lasts ${days} days, expected at most ${mostDays}: add --days for its beginning`,
    );
  const until = from + days * dayMs;
  const what = recorded ? `${options.history}` : `seed ${seed}`;
  return {
    words: `a twin of the server: ${what}, ${days === 1 ? '1 day' : `${days} days`}, ${speed} times as fast`,
    /** Passes on each event at its time, until `stop` aborts or the days are over. */
    async follow(stop: AbortSignal, take: (event: EventResource) => Promise<void>): Promise<void> {
      const history = recorded ?? seededHistory(seed, from);
      const watches = recorded ? watchesOf(recorded) : seededWatches;
      const began = context.now().getTime();
      const twin = await startTwin({ seed, history, watches, from, until });
      try {
        for await (const { at, events, problems } of twin.polls()) {
          for (const problem of problems) tell(`the twin: ${problem}`);
          const early = (at - from) / speed - (context.now().getTime() - began);
          if (early > 0) await context.sleep(early, stop);
          if (stop.aborted) return;
          for (const event of events) await take(event);
        }
      } finally {
        await twin.close();
      }
    },
  };
}

/** Days until one after the last happening: nothing that was recorded is left out. */
const daysOf = (recorded: readonly Happening[], from: number): number =>
  Math.ceil((Date.parse(recorded.at(-1)!.at) - from) / dayMs) + 1;

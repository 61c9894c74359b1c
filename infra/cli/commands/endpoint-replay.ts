import type { Command } from 'commander';
import { longTimeoutMs, path } from '#infra/cli/api/client.ts';
import { type CommonOptions, confirmable, confirmed, openSession, type Session, verb } from '#infra/cli/api/session.ts';
import { timeAt, wholeNumber } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { timeText } from '#infra/cli/terminal/output.ts';

interface ReplayOptions extends CommonOptions {
  readonly from?: string;
  readonly until?: string;
  readonly dryRun?: boolean;
  readonly perSecond?: number;
  readonly yes?: boolean;
}

interface ReplayBody {
  readonly cursor?: string;
  readonly from?: string;
  readonly until?: string;
  readonly dryRun?: boolean;
  readonly perSecond?: number;
}

interface Replayed {
  readonly count: number;
  /** False when the request ran out of time. */
  readonly isComplete: boolean;
  /** Cursor with which the same request goes on. */
  readonly next?: string;
}

export function replayCommands(noun: Command, context: CliContext): void {
  const ranged = (usage: string, description: string) =>
    verb(noun, usage, description)
      .option('--until <time>', 'only events before this time (UTC), or older than 2h, 3d', timeAt(context.now))
      .option('--dry-run', 'only count')
      .option('--per-second <n>', 'at most this many a second', wholeNumber(1, 1000));
  const from = [
    '--from <time>',
    'only events since this time (UTC), or of the last 2h, 3d',
    timeAt(context.now),
  ] as const;

  ranged('recover <name>', 'send what was held while it was paused or disabled')
    .option(...from)
    .action(async (name: string, options: ReplayOptions) => {
      const session = await openSession(context, options);
      const api = path`/endpoints/${name}/recover`;
      told(session, await releasedAll(session, api, bodyOf(options)), options, `held for ${name}`);
    });

  confirmable(ranged('replay <name>', 'send again what was delivered, given up, cancelled or held'))
    .requiredOption(...from)
    .action(async (name: string, options: ReplayOptions) => {
      const session = await openSession(context, options);
      const body = { until: context.now().toISOString(), ...bodyOf(options) };
      const api = path`/endpoints/${name}/replay`;
      if (!options.dryRun && !options.yes) {
        const { count } = await releasedAll(session, api, { ...body, dryRun: true });
        await confirmed(context, options, `Send ${count} events to ${name} again?`);
      }
      told(
        session,
        await releasedAll(session, api, body),
        options,
        `sent to ${name} from ${timeText(body.from)} to ${timeText(body.until)} UTC`,
      );
    });
}

function bodyOf({ from, until, dryRun, perSecond }: ReplayOptions): ReplayBody {
  return {
    ...(from !== undefined && { from }),
    ...(until !== undefined && { until }),
    ...(dryRun && { dryRun }),
    ...(perSecond !== undefined && { perSecond }),
  };
}

/** Repeats the request until all is done, since one request may run out of time. */
async function releasedAll(session: Session, path: string, body: ReplayBody): Promise<Replayed> {
  let done = await released(session, path, body);
  while (!done.isComplete && done.next !== undefined) {
    session.output.warning(`${done.count} so far, going on`);
    const { count, ...more } = await released(session, path, { ...body, cursor: done.next });
    done = { ...more, count: done.count + count };
  }
  return done;
}

/** Sends one request and shows the seconds passed. */
async function released({ api, output, context }: Session, path: string, body: ReplayBody): Promise<Replayed> {
  const started = context.now().getTime();
  const show = () => output.progress(`working for ${Math.round((context.now().getTime() - started) / 1000)} s …`);
  const timer = setInterval(show, 1000);
  try {
    return await api.post<Replayed>(path, body, longTimeoutMs);
  } finally {
    clearInterval(timer);
    output.progress('');
  }
}

function told({ output }: Session, replayed: Replayed, { dryRun }: ReplayOptions, which: string): void {
  const { count } = replayed;
  output.result(replayed, () => {
    output.line(
      dryRun ? `${count} events were ${which}; nothing was sent` : `${count} events ${which} are on their way`,
    );
  });
}

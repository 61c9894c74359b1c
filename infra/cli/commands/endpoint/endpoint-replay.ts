import type { Command } from 'commander';
import { longTimeoutMs, path } from '#infra/cli/api/client.ts';
import type { Replayed } from '#infra/cli/api/resources.ts';
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

type ReplayBody = ReturnType<typeof bodyOf> & { readonly cursor?: string };

export function replayCommands(noun: Command, context: CliContext): void {
  const time = timeAt(context.now);
  const ranged = (usage: string, description: string) =>
    verb(noun, usage, description)
      .option('--until <time>', 'only events before this time (UTC), or older than 2h, 3d', time)
      .option('--dry-run', 'only count')
      .option('--per-second <n>', 'most deliveries a second', wholeNumber(1, 1000));
  const from = ['--from <time>', 'only events since this time (UTC), or of the last 2h, 3d', time] as const;

  ranged('recover <name>', 'send the events held while it was paused or disabled')
    .option(...from)
    .action(async (name: string, options: ReplayOptions) => {
      const session = await openSession(context, options);
      const replayed = await releasedAll(session, path`/endpoints/${name}/recover`, bodyOf(options));
      told(session, replayed, options, `held for ${name}`);
    });

  confirmable(ranged('replay <name>', 'send events again that were delivered, given up, cancelled or held'))
    .requiredOption(...from)
    .action(async (name: string, options: ReplayOptions) => {
      const session = await openSession(context, options);
      const body = { ...bodyOf(options), until: options.until ?? context.now().toISOString() };
      const api = path`/endpoints/${name}/replay`;
      if (!options.dryRun && !options.yes) {
        const { count } = await releasedAll(session, api, { ...body, dryRun: true });
        await confirmed(context, options, `Send ${count} events to ${name} again?`);
      }
      const which = `sent to ${name} from ${timeText(body.from)} to ${timeText(body.until)} UTC`;
      told(session, await releasedAll(session, api, body), options, which);
    });
}

const bodyOf = ({ from, until, dryRun, perSecond }: ReplayOptions) => ({ from, until, dryRun, perSecond });

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
  const line = dryRun
    ? `dry run: ${count} events ${which} would be on their way`
    : `${count} events ${which} are on their way`;
  output.done(replayed, line);
}

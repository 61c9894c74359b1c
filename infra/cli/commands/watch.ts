import type { Command } from 'commander';
import { type Followed, followable, isOverdueSensible, usualOverdueBeforeMs } from '#functions/transfers/follow.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import { longTimeoutMs, path } from '#infra/cli/api/client.ts';
import { type PageOptions, paged, printList, readList } from '#infra/cli/api/paged.ts';
import type { PollFacts, WatchResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, confirmable, confirmed, openSession, verb } from '#infra/cli/api/session.ts';
import {
  direction,
  followed,
  followedOrNone,
  interval,
  intervalOrDefault,
  overdueBefore,
  overdueOrDefault,
} from '#infra/cli/terminal/arguments.ts';
import { refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type Column, type Output, statusStyle, timeText } from '#infra/cli/terminal/output.ts';
import { baselineProgressWords } from '#infra/terminal/baseline-words.ts';
import { durationText } from '#infra/terminal/durations.ts';
import { type VerifyOptions, verifyMailbox, warnUnverified } from './watch-verify.ts';

interface WatchOptions extends CommonOptions {
  readonly direction: Direction;
  readonly notifyExisting?: boolean;
  readonly every?: number;
  readonly follow?: readonly Followed[];
  readonly overdueBefore?: number;
  readonly yes?: boolean;
}

interface WatchChanges extends CommonOptions {
  readonly direction: Direction;
  readonly every?: number | 'default';
  readonly follow?: readonly Followed[] | 'none';
  readonly overdueBefore?: number | 'default';
}

const examples = `
Examples:
  npm run notifier -- watch verify alice@example.com
  npm run notifier -- watch add alice@example.com
  npm run notifier -- watch add bob@example.com --direction received --notify-existing
  npm run notifier -- watch add carol@example.com --follow downloads,overdue --overdue-before 3d
  npm run notifier -- watch list --stack TransferNotifier
  npm run notifier -- watch import mailboxes.csv
  npm run notifier -- watch update alice@example.com --every 15m
  npm run notifier -- watch update carol@example.com --follow none
  npm run notifier -- watch pause alice@example.com
  npm run notifier -- watch forget alice@example.com

A watch is one mailbox in one direction: sent, unless --direction says received. The first poll of a mailbox stores its
transfers silently, unless --notify-existing is given. A watch can follow downloads, overdue transfers and problems of its
active transfers besides their states. The first line of a file to import names its columns: mailbox, direction and,
optionally, every, follow and overdueBefore.
`;

export function watchCommands(program: Command, context: CliContext): void {
  const noun = program.command('watch').description('watched mailboxes').addHelpText('after', examples);
  const way = ['--direction <direction>', 'sent or received', direction, 'sent'] as const;
  const ofWatch = (name: string, description: string) => verb(noun, `${name} <mailbox>`, description).option(...way);

  ofWatch('add', 'watch a mailbox')
    .option('--notify-existing', 'announce transfers that exist already')
    .option('--every <time>', 'poll interval, for example 15m (default: that of all watches)', interval)
    .option('--follow <what>', 'what else to tell, of downloads,overdue,problems (default: nothing)', followed)
    .option('--overdue-before <time>', 'when a transfer is overdue, before its end (default: 2d)', overdueBefore)
    .action(async (mailbox: string, options: WatchOptions) => {
      const { direction, notifyExisting, every: pollIntervalMs, follow, overdueBefore: overdueBeforeMs } = options;
      if (!isOverdueSensible({ follow, overdueBeforeMs })) {
        throw wrongCommandLine('--overdue-before: expected only where --follow has overdue');
      }
      const session = await openSession(context, options);
      const { api, output } = session;
      const wanted = { mailbox, direction, notifyExisting, pollIntervalMs, follow, overdueBeforeMs };
      const watch = await api.post<WatchResource>('/watches', wanted);
      output.done(watch, `${watchWords(watch)} is watched; its first poll comes with the schedule`);
      if (!output.isJson) await warnUnverified(session, mailbox);
    });

  paged(verb(noun, 'list', 'list the watches')).action(async (options: CommonOptions & PageOptions) => {
    const session = await openSession(context, options);
    const page = await readList<WatchResource>(session, '/watches', {}, options);
    printList(session.output, page, columns, 'nothing is watched yet: npm run notifier -- watch add MAILBOX');
  });

  ofWatch('show', 'show the state of a watch').action(async (mailbox: string, options: WatchOptions) => {
    const { api, output } = await openSession(context, options);
    const watch = await api.get<WatchResource>(path`/watches/${options.direction}/${mailbox}`);
    output.result(watch, () => printWatch(output, watch));
  });

  ofWatch('update', 'change how often a watch is polled, and what it follows')
    .option('--every <time>', 'poll interval, for example 15m, or default for the general one', intervalOrDefault)
    .option('--follow <what>', 'what else to tell, of downloads,overdue,problems, or none', followedOrNone)
    .option(
      '--overdue-before <time>',
      'when a transfer is overdue, before its end, or default for 2d',
      overdueOrDefault,
    )
    .action(async (mailbox: string, { every, follow, overdueBefore, ...options }: WatchChanges) => {
      if (every === undefined && follow === undefined && overdueBefore === undefined) {
        throw wrongCommandLine('expected --every, --follow or --overdue-before');
      }
      const { api, output } = await openSession(context, options);
      const watch = await api.send<WatchResource>({
        method: 'PATCH',
        path: path`/watches/${options.direction}/${mailbox}`,
        body: {
          pollIntervalMs: every === 'default' ? null : every,
          follow: follow === 'none' ? null : follow,
          overdueBeforeMs: overdueBefore === 'default' ? null : overdueBefore,
        },
      });
      const follows = followWords(watch) ?? (follow && 'nothing besides states');
      const done = `${watchWords(watch)} is polled ${intervalWords(watch)}`;
      output.done(watch, follows ? `${done}, and follows ${follows}` : done);
    });

  for (const [name, description, done] of [
    ['pause', 'stop polling a watch; its data stays', 'is no longer polled'],
    ['resume', 'poll a watch again and announce the changes of the pause', 'is polled again'],
  ] as const) {
    ofWatch(name, description).action(async (mailbox: string, options: WatchOptions) => {
      const { api, output } = await openSession(context, options);
      const watch = await api.post<WatchResource>(`${path`/watches/${options.direction}/${mailbox}`}/${name}`);
      output.done(watch, `${watchWords(watch)} ${done}`);
    });
  }

  ofWatch('poll', 'poll a watch now').action(async (mailbox: string, options: WatchOptions) => {
    const { api, output } = await openSession(context, options);
    output.progress('polling …');
    const facts = await api
      .post<PollFacts>(path`/watches/${options.direction}/${mailbox}/poll`, {}, longTimeoutMs)
      .finally(() => output.progress(''));
    output.result(facts, () => {
      const { outcome, transfers, changed, published } = facts;
      output.facts(Object.entries({ outcome: outcomeWords[outcome], transfers, changed, published }));
    });
    if (facts.problem) throw refused(facts.problem.message);
  });

  confirmable(ofWatch('remove', 'stop watching a mailbox')).action(async (mailbox: string, options: WatchOptions) => {
    const { direction } = options;
    const words = watchWords({ mailbox, direction });
    await confirmed(context, options, `Stop watching ${words}?`);
    const { api, output } = await openSession(context, options);
    await api.send({ method: 'DELETE', path: path`/watches/${direction}/${mailbox}` });
    const done = `${words} is no longer watched; added again while its data is kept (retention.transfers, usually 30 days), it continues from the states last announced`;
    output.done({ mailbox, direction, isRemoved: true }, done);
  });

  confirmable(verb(noun, 'forget <mailbox>', 'remove everything that is kept about a mailbox, and prove it')).action(
    async (mailbox: string, options: CommonOptions & { readonly yes?: boolean }) => {
      const { forgetMailbox } = await import('./watch-forget.ts');
      await forgetMailbox(context, options, mailbox);
    },
  );

  verb(noun, 'verify <mailbox>', 'prove that this mailbox may be watched')
    .option(
      '--code <code>',
      'code from the mail, for scripts; without it, the command requests a mail and asks for the code',
    )
    .option('--send-code', 'request a mail with a code, and do not ask for it')
    .action(async (mailbox: string, options: CommonOptions & VerifyOptions) =>
      verifyMailbox(await openSession(context, options), mailbox, options),
    );

  verb(noun, 'import <file>', 'watch all mailboxes of a CSV file')
    .option('--notify-existing', 'announce transfers that exist already')
    .action(async (file: string, options: CommonOptions & { readonly notifyExisting?: boolean }) => {
      // Imported late, so that other commands start quicker.
      const { importWatches } = await import('./watch-import.ts');
      await importWatches(context, options, file);
    });
}

/** `what is sent by alice@example.com`. */
export const watchWords = ({ mailbox, direction }: Pick<WatchResource, 'mailbox' | 'direction'>): string =>
  `what is ${direction} by ${mailbox}`;

const columns: readonly Column<WatchResource>[] = [
  { heading: 'MAILBOX', text: ({ mailbox }) => mailbox },
  { heading: 'DIRECTION', text: ({ direction }) => direction },
  { heading: 'STATE', text: stateOf, style: (watch) => statusStyle(stateOf(watch)) },
  { heading: 'REASON', text: ({ isDisabled, health }) => (isDisabled ? undefined : health?.problem.cause) },
  { heading: 'EVERY', text: columnOfInterval },
  { heading: 'FOLLOWS', text: ({ follow }) => (follow?.length === followable.length ? 'all' : follow?.join(',')) },
  { heading: 'TRANSFERS', text: transfersWords },
  { heading: 'VERIFIED UNTIL (UTC)', text: ({ verification }) => verifiedUntil(verification) },
  { heading: 'DECLARED', text: ({ isDeclared }) => (isDeclared ? 'yes' : undefined) },
];

function printWatch(output: Output, watch: WatchResource): void {
  const { mailbox, direction, health, verification, baselineAt } = watch;
  output.facts([
    ['mailbox', mailbox],
    ['direction', direction],
    ['state', stateOf(watch)],
    ['polled', intervalWords(watch)],
    ['follows', followWords(watch)],
    ['problem', health?.problem.message],
    ['failing since (UTC)', timeText(health?.failingSince)],
    ['incomplete since (UTC)', timeText(health?.incompleteSince)],
    ['declared', watch.isDeclared ? 'in the configuration file' : undefined],
    ['verified', verification && methodWords[verification.method]],
    ['verified until (UTC)', timeText(verification?.validUntil)],
    ['watched since (UTC)', timeText(baselineAt) ?? 'not listed completely yet'],
    ['transfers', transfersWords(watch)],
  ]);
}

const outcomeWords: Record<PollFacts['outcome'], string> = {
  unchanged: 'nothing has changed',
  changed: 'changes were found',
  baseline: 'listed for the first time',
  superseded: 'another poll was quicker, and its result counts',
  failed: 'it failed',
};

const methodWords = { client_id: 'by the client id', email: 'by a code in a mail' } as const;

function intervalWords({ pollIntervalMs, quietIntervalMs }: WatchResource): string {
  const usual = pollIntervalMs === undefined ? 'at the general interval' : `every ${durationText(pollIntervalMs)}`;
  if (quietIntervalMs === undefined) return usual;
  const quiet = durationText(quietIntervalMs);
  return `every ${quiet}, since nothing has changed for an hour: the next change is told up to ${quiet} later, then it is polled ${usual}`;
}

/** @example 'downloads, overdue (2d before the end)' */
function followWords({ follow, overdueBeforeMs = usualOverdueBeforeMs, lacksFacts }: WatchResource) {
  const before = durationText(overdueBeforeMs);
  const words = follow?.map((one) => (one === 'overdue' ? `${one} (${before} before the end)` : one)).join(', ');
  return words && lacksFacts ? `${words}: but the server does not give all of it` : words;
}

function columnOfInterval({ pollIntervalMs, quietIntervalMs }: WatchResource): string | undefined {
  if (quietIntervalMs !== undefined) return `${durationText(quietIntervalMs)}, quiet`;
  return pollIntervalMs === undefined ? undefined : durationText(pollIntervalMs);
}

function transfersWords({ count, baselineProgress }: WatchResource): string | undefined {
  return baselineProgress ? baselineProgressWords(baselineProgress) : count?.toString();
}

function stateOf({ isDisabled, health, baselineAt }: WatchResource): string {
  if (isDisabled) return 'paused';
  if (health) return 'failing';
  return baselineAt === undefined ? 'new' : 'active';
}

function verifiedUntil(verification: WatchResource['verification']): string | undefined {
  if (!verification) return undefined;
  return timeText(verification.validUntil) ?? 'not said';
}

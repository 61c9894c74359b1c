import type { Command } from 'commander';
import { mailboxText, neutral } from '#functions/notices/foreign-text.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import { path } from '#infra/cli/api/client.ts';
import type { ExplanationResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, type Session, verb } from '#infra/cli/api/session.ts';
import { direction } from '#infra/cli/terminal/arguments.ts';
import { type ExitCode, exitCodes, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type Column, type Style, timeText } from '#infra/cli/terminal/output.ts';
import { attemptWords } from '#infra/terminal/attempt-words.ts';
import {
  findingWords,
  lastAttempts,
  proofWords,
  verdictCommands,
  verdictWords,
} from '#infra/terminal/verdict-words.ts';

const examples = `
Examples:
  npm run notifier -- explain 20240522-065711-H8UoUSI6
  npm run notifier -- explain 20240522-065711-H8UoUSI6 --endpoint crm
  npm run notifier -- explain 20240522-065711-H8UoUSI6 --reader team --mailbox alice@example.com
  npm run --silent notifier -- explain 20240522-065711-H8UoUSI6 --json | jq '.subscribers[].verdicts[].verdict'

Tells the life of one transfer from what is stored, and for each event and subscriber what came of it, with the row or setting
that proves it and the command that changes it. docs/operations.md lists the verdicts.
`;

interface ExplainOptions extends CommonOptions {
  readonly endpoint?: string;
  readonly reader?: string;
  readonly mailbox?: string;
  readonly direction?: Direction;
}

/** Findings of a transfer of which nothing is stored. */
const notThere: readonly ExplanationResource['finding'][] = ['unknown', 'not_watched', 'not_listed_yet'];

export function explainCommand(program: Command, context: CliContext, outcome: { exitCode: ExitCode }): void {
  verb(program, 'explain <tracking-id>', 'tell why events about a transfer were sent, or were not')
    .option('--endpoint <name>', 'only for this endpoint')
    .option('--reader <name>', 'only for this reader')
    .option('--mailbox <mailbox>', 'only in watches of this mailbox')
    .option('--direction <direction>', 'only in this direction: sent or received', direction)
    .addHelpText('after', examples)
    .action(async (trackingId: string, options: ExplainOptions) => {
      const { endpoint, reader, mailbox, direction: way } = options;
      if (endpoint !== undefined && reader !== undefined)
        throw wrongCommandLine('expected --endpoint or --reader, got both: each names one subscriber');
      const session = await openSession(context, options);
      const query = { subscriber: endpoint ?? reader, mailbox, direction: way, all: 'true' };
      const told = await session.api.get<ExplanationResource>(path`/transfers/${trackingId}/explanation`, query);
      session.output.result(told, () => print(session, told));
      if (notThere.includes(told.finding)) outcome.exitCode = exitCodes.notThere;
    });
}

type Happening = ExplanationResource['timeline'][number];
type Subscriber = ExplanationResource['subscribers'][number];
type Told = Subscriber['verdicts'][number];
type LastAttempts = ReturnType<typeof lastAttempts<Happening>>;

function print(session: Session, told: ExplanationResource): void {
  const { output } = session;
  output.facts([
    ['transfer', neutral(told.trackingId)],
    ['found', findingWords(told.finding, told.looked)],
    ...told.seen.map(({ mailbox, direction: way, state, since, isListed }) => {
      const listed = isListed ? '' : ', no longer listed';
      return [way, `${mailboxText(mailbox)}, ${neutral(state)} since ${timeText(since)} UTC${listed}`] as const;
    }),
  ]);
  if (told.timeline.length > 0) output.line('');
  if (told.timeline.length > 0) output.table(columnsFor(told), told.timeline);
  const lastOf = lastAttempts(told.timeline);
  for (const subscriber of told.subscribers) printSubscriber(session, subscriber, lastOf);
  if (told.hasMore) output.warning('there is more than one answer shows: name one subscriber, or a mailbox');
}

function columnsFor({ timeline }: ExplanationResource): Column<Happening>[] {
  const types = new Map(timeline.flatMap(({ event, type }) => (event && type ? [[event, type]] : [])));
  return [
    { heading: 'AT (UTC)', text: ({ at }) => timeText(at) },
    { heading: 'WHAT', text: ({ kind }) => kind.replace('_', ' '), style: ({ kind }) => styles[kind] },
    { heading: 'EVENT', text: ({ event = '' }) => types.get(event) ?? (event && 'digest') },
    { heading: 'TO', text: ({ endpoint }) => endpoint },
    { heading: 'HOW', text: howOf },
  ];
}

const styles: { readonly [Kind in Happening['kind']]?: Style } = {
  delivered: 'green',
  failed: 'red',
  cancelled: 'red',
  held: 'yellow',
};

function howOf(happening: Happening): string | undefined {
  const { kind, mailbox, direction: way, state, attempt, durationMs, digest, cause } = happening;
  if (kind === 'seen') return `${way} ${mailboxText(mailbox ?? '')}`;
  if (kind === 'attempt') return `${attempt}: ${attemptWords(happening)}, ${durationMs} ms`;
  return kind === 'event' ? neutral(state ?? '') : (digest ?? cause);
}

/** Prints the verdicts of a subscriber; events with the same one are listed under it, and its commands follow once. */
function printSubscriber({ output, hint }: Session, subscriber: Subscriber, lastOf: LastAttempts): void {
  const { name, status, isReader, verdicts } = subscriber;
  if (verdicts.length === 0) return;
  const kind = isReader === undefined ? 'subscriber' : isReader ? 'reader' : 'endpoint';
  output.line(`\n${output.paint('bold', name)} (${status} ${kind})`);
  const wordsOf = (verdict: Told) => {
    const last = lastOf(verdict, name);
    return verdictWords(verdict, last && attemptWords(last));
  };
  for (const [words, alike] of Map.groupBy(verdicts, wordsOf)) {
    output.line(`  ${output.paint(styleOf(alike[0]!.verdict), words)}`);
    for (const { event, type, digest, nextAttemptAt } of alike) {
      const at = nextAttemptAt === undefined ? '' : `, at ${timeText(nextAttemptAt)} UTC`;
      output.line(`    ${type}  ${event}${digest === undefined ? '' : `, in ${digest}`}${at}`);
    }
    for (const proof of new Set(alike.map(proofWords))) output.line(`    ${proof}`);
    for (const command of commandsFor(subscriber, alike)) output.line(`    → ${hint(command)}`);
  }
}

/** The commands for events with the same verdict. A range begins at the first of them, and the others name one event. */
function commandsFor(subscriber: Subscriber, alike: readonly Told[]): Iterable<string> {
  const [first, ...others] = alike.map((told) => verdictCommands(subscriber, told));
  const isShared = (command: string) => / --from /.test(command) || others.every((more) => more.includes(command));
  return first!.map((command) => (isShared(command) ? command : command.replace(/ (?:evt|dig)_\w+ /, ' EVENT ')));
}

function styleOf(verdict: Told['verdict']): Style | undefined {
  if (/^(?:delivered|in_digest)$/.test(verdict)) return 'green';
  if (/^(?:failed|rejected|endpoint_removed|unknown)$/.test(verdict)) return 'red';
  return /^(?:held|waits)/.test(verdict) ? 'yellow' : undefined;
}

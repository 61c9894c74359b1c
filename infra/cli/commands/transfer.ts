import type { Command } from 'commander';
import { neutral } from '#functions/notices/foreign-text.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import { path } from '#infra/cli/api/client.ts';
import { type PageOptions, paged, printList, readList } from '#infra/cli/api/paged.ts';
import type { TransferResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, verb } from '#infra/cli/api/session.ts';
import { direction, timeAt } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type Column, timeText } from '#infra/cli/terminal/output.ts';

const examples = `
Examples:
  npm run notifier -- transfer list --mailbox alice@example.com
  npm run notifier -- transfer list --mailbox alice@example.com --direction received --state ACTIVE --all
  npm run --silent notifier -- transfer list --mailbox alice@example.com --all --json | jq -r '.items[].state' | sort | uniq -c

Lists each transfer of a watched mailbox with its state and the time at which the notifier found it in that state. For transfers
older than the watch, that is the first listing. Transfers that the server no longer lists stay with a mark, usually for 30 days.
`;

interface ListOptions extends CommonOptions, PageOptions {
  readonly mailbox: string;
  readonly direction: Direction;
  readonly state?: string;
  readonly from?: string;
  readonly until?: string;
}

export function transferCommands(program: Command, context: CliContext): void {
  const noun = program.command('transfer').description('transfers of watched mailboxes').addHelpText('after', examples);
  const time = timeAt(context.now);
  paged(verb(noun, 'list', 'list the known transfers with their states'))
    .requiredOption('--mailbox <mailbox>', 'mailbox of the transfers')
    .option('--direction <direction>', 'sent or received', direction, 'sent')
    .option('--state <state>', 'only those in this state, for example ACTIVE')
    .option('--from <time>', 'only in their state since this time (UTC), or for at most 2h, 3d', time)
    .option('--until <time>', 'only in their state since before this time (UTC), or for longer than 2h, 3d', time)
    .action(async (options: ListOptions) => {
      const session = await openSession(context, options);
      const { mailbox, state, from, until } = options;
      const address = path`/watches/${options.direction}/${mailbox}/transfers`;
      const page = await readList<TransferResource>(session, address, { state, from, until }, options);
      const items = page.items.toSorted((a, b) => (a.since < b.since ? 1 : -1));
      printList(session.output, { ...page, items }, columns, 'no such transfers are known');
    });
}

const columns: readonly Column<TransferResource>[] = [
  { heading: 'TRACKING ID', text: ({ trackingId }) => neutral(trackingId) },
  { heading: 'STATE', text: ({ state }) => neutral(state) },
  { heading: 'SINCE (UTC)', text: ({ since }) => timeText(since) },
  { heading: 'FIRST SEEN (UTC)', text: ({ firstSeenAt }) => timeText(firstSeenAt) },
  { heading: 'LISTED', text: ({ isListed }) => (isListed ? 'yes' : 'no more') },
];

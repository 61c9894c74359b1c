import type { Command } from 'commander';
import type { Direction } from '#functions/transfers/transfer.ts';
import { path, type Query } from '#infra/cli/api/client.ts';
import { type PageOptions, paged, printList, readList } from '#infra/cli/api/paged.ts';
import type { EventResource, EventWithDeliveries } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, verb } from '#infra/cli/api/session.ts';
import { direction, severalTypes, timeAt } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { timeText } from '#infra/cli/terminal/output.ts';
import { recordingOf } from '#infra/simulator/lives/recording.ts';
import { deliveryColumns } from './delivery.ts';
import { printEvents } from './event-follow.ts';
import { dataFacts, eventColumns } from './event-view.ts';

const examples = `
Examples:
  npm run notifier -- event follow --type transfer.failed,watch.*
  npm run notifier -- event list --from 24h --mailbox alice@example.com
  npm run notifier -- event list --tracking-id 20240522-065711-H8UoUSI6
  npm run notifier -- event show evt_56mnp55kjea3y2ryfrhmpzps3
  npm run --silent notifier -- event record --from 30d > history.jsonl
  npm run --silent notifier -- event follow --json | jq -r .data.trackingId
`;

interface EventOptions extends CommonOptions {
  /** ISO 8601. */
  readonly from?: string;
  readonly until?: string;
  readonly type?: readonly string[];
  readonly mailbox?: string;
  readonly direction?: Direction;
  readonly trackingId?: string;
}

export function eventCommands(program: Command, context: CliContext): void {
  const noun = program.command('event').description('announced events').addHelpText('after', examples);
  const time = timeAt(context.now);
  const withFilter = (command: Command) =>
    command
      .option('--from <time>', 'only since this time (UTC), or of the last 2h, 3d', time)
      .option('--until <time>', 'only before this time (UTC), or older than 2h, 3d', time)
      .option(
        '--type <types>',
        'only of these types, for example transfer.failed,watch.*; may be repeated',
        severalTypes,
      )
      .option('--mailbox <mailbox>', 'only about this mailbox')
      .option('--direction <direction>', 'only about this direction: sent or received', direction)
      .option('--tracking-id <id>', 'only about this transfer');

  withFilter(paged(verb(noun, 'list', 'list events, the newest first'))).action(
    async (options: PageOptions & EventOptions) => {
      const session = await openSession(context, options);
      const { from, until } = options;
      const page = await readList<EventResource>(session, '/events', { from, until, ...filterOf(options) }, options);
      printList(session.output, page, eventColumns, 'no such events');
    },
  );

  verb(noun, 'show <id>', 'show an event and its deliveries').action(async (id: string, options: CommonOptions) => {
    const { api, output } = await openSession(context, options);
    const event = await api.get<EventWithDeliveries>(path`/events/${id}`);
    output.result(event, () => {
      output.facts([
        ['id', event.id],
        ['type', event.type],
        ['at (UTC)', timeText(event.timestamp)],
        ...dataFacts(event),
      ]);
      output.line('');
      if (event.deliveries.length === 0) output.warning('no endpoint wanted it');
      else output.table(deliveryColumns, event.deliveries);
      if (event.hasMoreDeliveries) output.warning(`there are more: delivery list --event ${event.id}`);
    });
  });

  verb(noun, 'record', 'print the history that events tell, in numbers and states alone, for a twin to replay')
    .option('--from <time>', 'only of events since this time (UTC), or of the last 2h, 3d', time)
    .option('--until <time>', 'only of events before this time (UTC), or older than 2h, 3d', time)
    .action(async ({ from, until, ...options }: EventOptions) => {
      const session = await openSession(context, options);
      const { items } = await session.api.list<EventResource>('/events', { from, until }, Number.POSITIVE_INFINITY);
      const history = recordingOf(items.toReversed());
      for (const happening of history) session.output.line(JSON.stringify(happening));
      if (history.length === 0) session.output.warning('no events about transfers in this time');
    });

  withFilter(verb(noun, 'follow', 'print events as they come, until Ctrl-C; --from prints earlier ones first')).action(
    async (options: EventOptions) => printEvents(await openSession(context, options), options, filterOf(options)),
  );
}

const filterOf = ({ type, mailbox, direction, trackingId }: EventOptions): Query => ({
  type: type?.join(','),
  mailbox,
  direction,
  trackingId,
});

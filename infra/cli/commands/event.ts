import type { Command } from 'commander';
import { path } from '#infra/cli/api/client.ts';
import { type PageOptions, paged, printList, readList } from '#infra/cli/api/paged.ts';
import type { EventResource, EventWithDeliveries } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, verb } from '#infra/cli/api/session.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { timeText } from '#infra/cli/terminal/output.ts';
import { deliveryColumns } from './delivery.ts';
import { followEvents } from './event-follow.ts';
import { type EventOptions, filterOf, withEventOptions } from './event-options.ts';
import { dataFacts, eventColumns } from './event-view.ts';

const examples = `
Examples:
  npm run notifier -- event follow --type transfer.failed,watch.*
  npm run notifier -- event list --from 24h --mailbox alice@example.com
  npm run notifier -- event list --tracking-id 20240522-065711-H8UoUSI6
  npm run notifier -- event show evt_56mnp55kjea3y2ryfrhmpzps3
  npm run --silent notifier -- event follow --json | jq -r .data.trackingId
`;

export function eventCommands(program: Command, context: CliContext): void {
  const noun = program.command('event').description('announced events').addHelpText('after', examples);
  withEventOptions(paged(verb(noun, 'list', 'list events, the newest first')), context).action(
    async (options: CommonOptions & PageOptions & EventOptions) => {
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

  withEventOptions(
    verb(noun, 'follow', 'print events as they come, until Ctrl-C; --from prints earlier ones first'),
    context,
  ).action(async (options: CommonOptions & EventOptions) => {
    await followEvents(await openSession(context, options), options);
  });
}

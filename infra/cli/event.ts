import type { Command } from 'commander';
import { path } from './api-client.ts';
import { several, timeAt } from './arguments.ts';
import { deliveryColumns } from './delivery.ts';
import { followEvents } from './event-follow.ts';
import { eventColumns } from './event-view.ts';
import { timeText } from './output.ts';
import { type PageOptions, paged, printList, readList } from './paged.ts';
import type { EventResource, EventWithDeliveries } from './resources.ts';
import { type CommonOptions, openSession, verb } from './session.ts';
import type { Surroundings } from './surroundings.ts';

interface ListOptions extends CommonOptions, PageOptions {
  readonly from?: string;
  readonly until?: string;
  readonly type?: string;
  readonly trackingId?: string;
}

const examples = `
Examples:
  npm run notifier -- event follow
  npm run notifier -- event list --from 24h --type transfer.failed
  npm run notifier -- event list --tracking-id 20240522-065711-H8UoUSI6
  npm run notifier -- event show evt_56mnp55kjea3y2ryfrhmpzps3
  npm run --silent notifier -- event follow --json | jq -r .data.trackingId
`;

/** Adds the commands for events. */
export function eventCommands(program: Command, surroundings: Surroundings): void {
  const noun = program.command('event').description('what was announced').addHelpText('after', examples);
  const time = timeAt(surroundings.now);

  paged(verb(noun, 'list', 'list events, the newest first'))
    .option('--from <time>', 'only from this time on (UTC), or so long ago: 2h, 3d', time)
    .option('--until <time>', 'only before this time (UTC), or so long ago', time)
    .option('--type <type>', 'only of this type, for example transfer.failed')
    .option('--tracking-id <id>', 'only about this transfer')
    .action(async (options: ListOptions) => {
      const session = await openSession(surroundings, options);
      const { from, until, type, trackingId } = options;
      const page = await readList<EventResource>(session, '/events', { from, until, type, trackingId }, options);
      printList(session.output, page, eventColumns, 'no such events');
    });

  verb(noun, 'show <id>', 'show an event and what became of it').action(async (id: string, options: CommonOptions) => {
    const { api, output } = await openSession(surroundings, options);
    const event = await api.get<EventWithDeliveries>(path`/events/${id}`);
    output.result(event, () => {
      const data = Object.entries(event.data).map(([name, value]) => [name, String(value)] as const);
      output.facts([['id', event.id], ['type', event.type], ['at (UTC)', timeText(event.timestamp)], ...data]);
      output.line('');
      if (event.deliveries.length === 0) output.remark('no endpoint wanted it');
      else output.table(deliveryColumns, event.deliveries);
      if (event.hasMoreDeliveries) output.remark(`there are more: delivery list --event ${event.id}`);
    });
  });

  verb(noun, 'follow', 'print events as they come, until Ctrl-C')
    .option('--since <time>', 'begin with events from this time on (UTC), or so long ago', time)
    .option('--type <types>', 'only of these types, for example transfer.failed or watch.*; may be repeated', several)
    .action(async (options: CommonOptions & { readonly since?: string; readonly type?: readonly string[] }) => {
      await followEvents(await openSession(surroundings, options), options);
    });
}

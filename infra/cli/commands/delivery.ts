import { type Command, Option } from 'commander';
import { neutral } from '#functions/notices/foreign-text.ts';
import { path } from '#infra/cli/api/client.ts';
import { type PageOptions, paged, printList, readList } from '#infra/cli/api/paged.ts';
import type { AttemptResource, DeliveryResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, confirmable, confirmed, openSession, verb } from '#infra/cli/api/session.ts';
import { timeAt } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type Column, statusStyle, timeText } from '#infra/cli/terminal/output.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';

interface ListOptions extends CommonOptions, PageOptions {
  readonly endpoint?: string;
  readonly status?: string;
  readonly from?: string;
  readonly until?: string;
  readonly event?: string;
  readonly trackingId?: string;
}

const statuses = ['PENDING', 'DELIVERED', 'FAILED', 'HELD', 'CANCELLED'];

const examples = `
Examples:
  npm run notifier -- delivery list --endpoint crm --status FAILED --from 3d
  npm run notifier -- delivery list --tracking-id 20240522-065711-H8UoUSI6
  npm run notifier -- delivery show evt_56mnp55kjea3y2ryfrhmpzps3 crm
  npm run notifier -- delivery resend evt_56mnp55kjea3y2ryfrhmpzps3 crm

A delivery is one event on its way to one endpoint. PENDING waits for its next attempt, HELD for an operator; DELIVERED, FAILED
and CANCELLED have ended; resend sends the event again under the same id.
`;

export function deliveryCommands(program: Command, context: CliContext): void {
  const noun = program
    .command('delivery')
    .description('events on their way to endpoints')
    .addHelpText('after', examples);
  const time = timeAt(context.now);

  paged(verb(noun, 'list', 'list deliveries, those of the newest events first'))
    .option('--endpoint <name>', 'only those to this endpoint')
    .addOption(new Option('--status <status>', 'only those with this status').choices(statuses).argParser(upperCase))
    .option('--from <time>', 'only of events since this time (UTC), or of the last 2h, 3d', time)
    .option('--until <time>', 'only of events before this time (UTC), or older than 2h, 3d', time)
    .option('--event <id>', 'only those of this event')
    .option('--tracking-id <id>', 'only those of events about this transfer')
    .action(async (options: ListOptions) => {
      const session = await openSession(context, options);
      const { endpoint, status, from, until, event, trackingId } = options;
      const query = { endpoint, status, from, until, event, trackingId };
      const page = await readList<DeliveryResource>(session, '/deliveries', query, options);
      printList(session.output, page, deliveryColumns, 'no such deliveries');
    });

  verb(noun, 'show <event> <endpoint>', 'show a delivery with its attempts').action(
    async (event: string, endpoint: string, options: CommonOptions) => {
      const { api, output } = await openSession(context, options);
      const delivery = await api.get<DeliveryResource>(path`/deliveries/${event}/${endpoint}`);
      output.result(delivery, () => {
        output.facts([
          ['event', delivery.event],
          ['type', delivery.type],
          ['of (UTC)', timeText(delivery.eventAt)],
          ['endpoint', delivery.endpoint],
          ['status', delivery.status],
          ['because', delivery.reason],
          ['told in', delivery.digest],
          ['attempts', delivery.attempt],
          ['next attempt (UTC)', nextAttemptText(delivery, context.now())],
        ]);
        if (!delivery.attempts?.length) return;
        output.line('');
        output.table(attemptColumns, delivery.attempts);
        const remedy = delivery.status === 'DELIVERED' ? undefined : attemptRemedy(delivery.attempts.at(-1)!);
        if (remedy !== undefined) output.warning(`→ ${remedy}`);
      });
    },
  );

  verb(noun, 'resend <event> <endpoint>', 'send it again, under the same id').action(
    async (event: string, endpoint: string, options: CommonOptions) => {
      const { api, output } = await openSession(context, options);
      const answer = await api.post<object>(path`/deliveries/${event}/${endpoint}/resend`);
      output.done(answer, `${event} is on its way to ${endpoint} again`);
    },
  );

  confirmable(verb(noun, 'cancel <event> <endpoint>', 'make no further attempts')).action(
    async (event: string, endpoint: string, options: CommonOptions & { readonly yes?: boolean }) => {
      await confirmed(context, options, `Cancel the delivery of ${event} to ${endpoint}?`);
      const { api, output } = await openSession(context, options);
      const answer = await api.post<object>(path`/deliveries/${event}/${endpoint}/cancel`);
      output.done(answer, `${event} is not sent to ${endpoint}; delivery resend would send it after all`);
    },
  );
}

/** Time of the next attempt; one that is over waits for the circuit breaker of its endpoint, or for a process. */
function nextAttemptText({ nextAttemptAt, endpoint }: DeliveryResource, now: Date): string | undefined {
  if (nextAttemptAt === undefined || Date.parse(nextAttemptAt) > now.getTime()) return timeText(nextAttemptAt);
  return `due since ${timeText(nextAttemptAt)}; endpoint show ${endpoint} tells whether its circuit breaker is open`;
}

export const deliveryColumns: readonly Column<DeliveryResource>[] = [
  { heading: 'EVENT AT (UTC)', text: ({ eventAt }) => timeText(eventAt) },
  { heading: 'TYPE', text: ({ type }) => type },
  { heading: 'EVENT', text: ({ event }) => event },
  { heading: 'ENDPOINT', text: ({ endpoint }) => endpoint },
  { heading: 'STATUS', text: ({ status }) => status, style: ({ status }) => statusStyle(status) },
  { heading: 'ATTEMPTS', text: ({ attempt }) => String(attempt) },
  { heading: 'NEXT AT (UTC)', text: ({ nextAttemptAt }) => timeText(nextAttemptAt) },
  { heading: 'REASON', text: ({ reason, digest }) => reason ?? digest },
];

const attemptColumns: readonly Column<AttemptResource>[] = [
  { heading: 'AT (UTC)', text: ({ startedAt }) => timeText(startedAt) },
  { heading: 'ATTEMPT', text: ({ attempt }) => String(attempt) },
  { heading: 'OUTCOME', text: ({ outcome, cause }) => cause ?? outcome },
  { heading: 'ANSWER', text: attemptWords },
  { heading: 'TOOK', text: ({ durationMs }) => `${durationMs} ms` },
  { heading: 'SAID', text: ({ response }) => response && shortened(response) },
];

/** The first 60 characters of an answer, in one line. */
function shortened(text: string): string {
  const line = neutral(text).replace(/\s+/g, ' ').trim();
  return line.replace(/^(.{60}).+$/, '$1…');
}

const upperCase = (text: string): string => text.toUpperCase();

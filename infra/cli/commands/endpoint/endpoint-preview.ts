import type { Command } from 'commander';
import { type EventType, eventTypes, isOfType } from '#functions/events/catalogue.ts';
import { contentTypeOf, eventBodyOf, isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { path } from '#infra/cli/api/client.ts';
import type { EndpointResource, EventWithDeliveries, TemplateResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, type Session, verb } from '#infra/cli/api/session.ts';
import { refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';
import { printableJson } from '#infra/terminal/printable.ts';

interface PreviewOptions extends CommonOptions {
  readonly event?: string;
  readonly type?: string;
}

/** Adds `endpoint preview`: it shows a body and sends none. */
export function previewCommand(noun: Command, context: CliContext): void {
  verb(noun, 'preview <name>', 'show the body that an endpoint would get, without sending it')
    .option('--event <id>', 'of this stored event')
    .option('--type <type>', 'of an example of this type (default: the first type that the endpoint gets)')
    .action(async (name: string, options: PreviewOptions) => {
      const { event: id, type } = options;
      if (id !== undefined && type !== undefined) throw wrongCommandLine('got --event and --type, expected one');
      const known = eventTypes.find((one) => one === type);
      if (type !== undefined && !known) throw wrongCommandLine(`--type: expected one of ${eventTypes.join(', ')}`);
      const session = await openSession(context, options);
      const { api, output } = session;
      const endpoint = await api.get<EndpointResource>(path`/endpoints/${name}`);
      const { format } = endpoint;
      if (isForPeople(format))
        throw refused(`${name} is for people: notice preview --reader ${name} shows what they get`);
      const event = id === undefined ? exampleEvent(known ?? firstType(endpoint)) : await storedEvent(session, id);
      const parts = format === 'template' ? await maskedTemplate(session, name) : {};
      const shown = { contentType: contentTypeOf(format), body: eventBodyOf(format, JSON.stringify(event), parts) };
      output.result(shown, () => {
        const what = id === undefined ? `an example of ${event.type}` : `event ${id}`;
        output.warning(`${name} would get ${shown.contentType} for ${what}, in one line:`);
        output.line(printableJson(JSON.parse(shown.body), 2));
      });
    });
}

/** An event with its fields in the order of its bytes. */
async function storedEvent({ api }: Session, id: string) {
  const { type, timestamp, data } = await api.get<EventWithDeliveries>(path`/events/${id}`);
  if (type === 'digest') throw refused(`${id} is a digest, which only people get`);
  return { id, type, timestamp, data };
}

async function maskedTemplate({ api }: Session, name: string) {
  const { template, variables } = await api.get<TemplateResource>(path`/endpoints/${name}/template`);
  return { template, variables: Object.fromEntries(variables.map((variable) => [variable, '***'])) };
}

const firstType = ({ types }: EndpointResource): EventType =>
  eventTypes.find((type) => isOfType(type, types)) ?? 'notifier.test';

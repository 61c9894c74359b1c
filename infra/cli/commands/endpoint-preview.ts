import type { Command } from 'commander';
import { type EventType, eventTypes } from '#functions/events/catalogue.ts';
import { printableJson } from '#functions/notices/foreign-text.ts';
import { isOfType } from '#functions/webhooks/endpoints/endpoint.ts';
import { path } from '#infra/cli/api/client.ts';
import type { EndpointResource, Preview } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, verb } from '#infra/cli/api/session.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';

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
      const { event, type } = options;
      if (event !== undefined && type !== undefined) throw wrongCommandLine('got --event and --type, expected one');
      const known = eventTypes.find((one) => one === type);
      if (type !== undefined && !known) throw wrongCommandLine(`--type: expected one of ${eventTypes.join(', ')}`);
      const { api, output } = await openSession(context, options);
      const subject = event ?? exampleEvent(known ?? firstType(await api.get(path`/endpoints/${name}`)));
      const shown = await api.post<Preview>(path`/endpoints/${name}/preview`, { event: subject });
      output.result(shown, () => {
        const what = typeof subject === 'string' ? `event ${subject}` : `an example of ${subject.type}`;
        output.warning(`${name} would get ${shown.contentType} for ${what}, in one line:`);
        output.line(printableJson(JSON.parse(shown.body), 2));
      });
    });
}

const firstType = ({ types }: EndpointResource): EventType =>
  eventTypes.find((type) => isOfType(type, types)) ?? 'notifier.test';

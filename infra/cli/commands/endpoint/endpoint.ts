import { type Command, Option } from 'commander';
import type { Format } from '#functions/webhooks/endpoints/format.ts';
import { path } from '#infra/cli/api/client.ts';
import { type PageOptions, paged, printList, readList } from '#infra/cli/api/paged.ts';
import type { EndpointResource, EndpointWithSecret } from '#infra/cli/api/resources.ts';
import {
  type CommonOptions,
  confirmable,
  confirmed,
  fromEnvironment,
  openSession,
  verb,
} from '#infra/cli/api/session.ts';
import { duration } from '#infra/cli/terminal/arguments.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { durationText } from '#infra/terminal/durations.ts';
import { asOptions, type EndpointOptions, settingsOf, withSettings } from './endpoint-options.ts';
import { previewCommand } from './endpoint-preview.ts';
import { replayCommands } from './endpoint-replay.ts';
import { testEndpoint } from './endpoint-test.ts';
import { columns, printEndpoint, printNewEndpoint } from './endpoint-view.ts';
import { lastAttemptTo } from './last-attempt.ts';

interface SigningOptions {
  readonly secretFrom?: string;
  readonly ed25519?: boolean;
}

interface RotateOptions extends CommonOptions, SigningOptions {
  readonly overlap: number;
  readonly yes?: boolean;
}

const examples = `
Examples:
  npm run notifier -- endpoint add crm --address https://crm.example.com/hooks --type 'transfer.*'
  npm run notifier -- endpoint add ops --address-from OPS_SLACK_URL --format slack --type transfer.failed,watch.*
  npm run notifier -- endpoint add pagerduty --address https://events.pagerduty.com/v2/enqueue --format template --template pagerduty.json
  npm run notifier -- endpoint preview pagerduty --type transfer.failed
  npm run notifier -- endpoint test crm
  npm run notifier -- endpoint rotate crm --overlap 24h
  npm run notifier -- endpoint pause crm
  npm run notifier -- endpoint resume crm && npm run notifier -- endpoint recover crm
  npm run notifier -- endpoint replay crm --from 2h --dry-run

Unless --secret-from names an environment variable with a secret, the notifier makes one and shows it once. recover sends the
events held while an endpoint was paused or disabled; replay sends events again that were sent or given up before.
`;

/** Spelt out here, so that the command loads no schema. Mails are for readers, which the configuration file declares. */
const formats = Object.keys({
  event: true,
  cloudevents: true,
  template: true,
  slack: true,
  teams: true,
} satisfies Record<Exclude<Format, 'email'>, true>);

export function endpointCommands(program: Command, context: CliContext): void {
  const noun = program.command('endpoint').description('webhooks that get events').addHelpText('after', examples);
  const secretFrom = () =>
    new Option('--secret-from <variable>', 'environment variable with the signing secret (whsec_…)');

  withSettings(verb(noun, 'add <name>', 'send events to a webhook'))
    .addOption(new Option('--format <format>', 'what to send').choices(formats))
    .addOption(secretFrom())
    .option('--ed25519', 'sign with ed25519 as well')
    .action(async (name: string, options: EndpointOptions & SigningOptions) => {
      const settings = settingsOf(context, options);
      if (settings.url === undefined) {
        throw wrongCommandLine('expected --address URL, or --address-from VARIABLE for a secret one');
      }
      const { api, output } = await openSession(context, options);
      const body = { name, ...settings, secret: secretOf(context, options), isAsymmetric: options.ed25519 };
      const added = await asOptions(api.post<EndpointWithSecret>('/endpoints', body), settings.url);
      printNewEndpoint(output, added, `${name} gets events from now on`);
    });

  paged(verb(noun, 'list', 'list the endpoints')).action(async (options: CommonOptions & PageOptions) => {
    const session = await openSession(context, options);
    const page = await readList<EndpointResource>(session, '/endpoints', {}, options);
    printList(session.output, page, columns, 'no endpoints yet: npm run notifier -- endpoint add NAME --address URL');
  });

  verb(noun, 'show <name>', 'show an endpoint, without its secrets').action(
    async (name: string, options: CommonOptions) => {
      const { api, output } = await openSession(context, options);
      const endpoint = await api.get<EndpointResource>(path`/endpoints/${name}`);
      const last = endpoint.failures && !output.isJson ? await lastAttemptTo(api, endpoint) : undefined;
      output.result(endpoint, () => printEndpoint(output, endpoint, last));
    },
  );

  withSettings(verb(noun, 'update <name>', 'change the given settings'))
    .option('--any-mailbox', 'events of all mailboxes again')
    .option('--any-direction', 'events of both directions again')
    .action(async (name: string, options: EndpointOptions) => {
      const settings = settingsOf(context, options);
      if (Object.values(settings).every((value) => value === undefined)) {
        throw wrongCommandLine('expected at least one setting to change, for example --type transfer.failed');
      }
      const { api, output } = await openSession(context, options);
      const request = { method: 'PATCH', path: path`/endpoints/${name}`, body: settings } as const;
      const endpoint = await asOptions(api.send<EndpointResource>(request), settings.url);
      output.done(endpoint, `${name} is changed; pending deliveries use it from their next attempt`);
    });

  const isBack = 'gets new events again; endpoint recover sends what was held';
  for (const [action, description, done] of [
    ['pause', 'hold its events', 'is paused: its events are held'],
    ['resume', 'send new events again; recover sends those held', isBack],
    ['enable', 'send new events again, as if it had never failed', isBack],
  ] as const) {
    verb(noun, `${action} <name>`, description).action(async (name: string, options: CommonOptions) => {
      const { api, output } = await openSession(context, options);
      const endpoint = await api.post<EndpointResource>(`${path`/endpoints/${name}`}/${action}`);
      output.done(endpoint, `${name} ${done}`);
    });
  }

  verb(noun, 'disable <name>', 'hold its events until it is enabled')
    .option('--because <reason>', 'why, for other operators')
    .action(async (name: string, options: CommonOptions & { readonly because?: string }) => {
      const { api, output } = await openSession(context, options);
      const body = { because: options.because };
      const endpoint = await api.post<EndpointResource>(path`/endpoints/${name}/disable`, body);
      output.done(endpoint, `${name} is disabled: its events are held`);
    });

  confirmable(verb(noun, 'rotate <name>', 'replace the signing secret'))
    .addOption(
      new Option('--overlap <duration>', 'time in which requests carry both signatures; 0 ends the old secret at once')
        .argParser(duration)
        .default(duration('24h'), '24h'),
    )
    .addOption(secretFrom())
    .action(async (name: string, options: RotateOptions) => {
      const secret = secretOf(context, options);
      const overlapSeconds = options.overlap / 1000;
      const end = overlapSeconds === 0 ? 'at once' : `in ${durationText(options.overlap)}`;
      const question = `Replace the secret of ${name}? The old one ends ${end}, and its receiver needs the new one by then.`;
      await confirmed(context, options, question);
      const { api, output } = await openSession(context, options);
      const body = { overlapSeconds, secret };
      const rotated = await api.post<EndpointWithSecret>(path`/endpoints/${name}/rotate`, body);
      printNewEndpoint(output, rotated, `${name} has a new secret; the old one ends ${end}`);
    });

  verb(noun, 'test <name>', 'send a test event, and wait for the answer').action(
    async (name: string, options: CommonOptions) => testEndpoint(await openSession(context, options), name),
  );

  previewCommand(noun, context);

  confirmable(verb(noun, 'remove <name>', 'send no more events to an endpoint, and delete its secret')).action(
    async (name: string, options: CommonOptions & { readonly yes?: boolean }) => {
      const question = `Remove the endpoint ${name}? Its secret is deleted, and its pending deliveries are cancelled.`;
      await confirmed(context, options, question);
      const { api, output } = await openSession(context, options);
      await api.send({ method: 'DELETE', path: path`/endpoints/${name}` });
      output.done({ name, isRemoved: true }, `${name} is removed`);
    },
  );

  replayCommands(noun, context);
}

const secretOf = (context: CliContext, { secretFrom }: SigningOptions): string | undefined =>
  secretFrom === undefined ? undefined : fromEnvironment(context, '--secret-from', secretFrom);

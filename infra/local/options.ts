import { Command, InvalidArgumentError, Option } from 'commander';
import { usualDataFolder } from '#infra/config/usual-names.ts';
import { type AwsEndpoints, areAllElsewhere, awsEndpointsOf } from '#infra/local/services/aws-endpoints.ts';

export interface Options {
  /** Configuration file; without it the demo runs. */
  readonly config?: string;
  /** Folder of database and queues; in memory without it. */
  readonly data?: string | undefined;
  readonly notifyExisting: boolean;
  readonly json: boolean;
  /** Prints each event, request, delivery and message in lines of its own. */
  readonly verbose: boolean;
  /** Lets webhooks reach this machine and private networks. */
  readonly allowPrivateWebhooks: boolean;
  readonly awsEndpoints: AwsEndpoints;
}

const help = `
Without options, npm start runs a demo with a simulated Cryptshare Server, whose transfers change within minutes. Database,
topics and queues are embedded. Nothing leaves this machine, and nothing is kept.

With --config, it polls the server of that file and keeps database and queues in the data folder. A restart announces nothing
twice and finishes interrupted work. The file declares server, schedule, watches, readers, webhooks and proxy. The settings
for AWS (stack, alarmEmail, vpc) are checked but have no effect. Mails to readers are sent by the server in notify.smtp;
without that setting, their headlines are printed.
With --aws-endpoint, another implementation of AWS, such as moto or LocalStack, replaces the embedded services and keeps
their data. The data folder then holds only the key and the address of the operator API.
Webhooks reach only the public internet, by https:; --allow-private-webhooks lets them reach this machine, too.

It prints one line for each change, with the webhooks that took it, and problems when they begin and end. On a terminal, the
addresses and what waits for a retry stay below. --verbose prints each event, delivery and message in lines of its own.

Credentials come from the environment:
  CRYPTSHARE_CLIENT_ID   client id of this notifier: 50 to 4000 letters and digits; npm run notifier -- client-id new makes one
  SMTP_PASSWORD          password of the user in notify.smtp.url

Proxies come from the environment, too, and are never used for this machine:
  HTTPS_PROXY, NO_PROXY  proxy to the Cryptshare Server, and hosts reached without it
  WEBHOOK_PROXY          proxy for webhooks with its password, instead of the file's setting proxy

A client id that an administrator has registered verifies the mailboxes by itself. Otherwise, verify each by a mailed code
while this runs: npm run notifier -- watch verify MAILBOX (with --data FOLDER if the folder is not data)

Ctrl-C (SIGINT), SIGTERM and SIGHUP stop the notifier within 8 s. It begins nothing new and prints what it waits for. After 5 s
it gives up unfinished work, which the next start finishes. The last line names the deliveries that are still open. A second signal ends it at once, without a loss either.

Exit codes, through npm as well:
  0                stopped by one of these signals, or because npm has ended
  1                an error while running, a mail server that does not answer at the start, or a data folder that is damaged,
                   full or in use; stderr gives the reason
  2                wrong options or configuration: nothing was started
  129, 130, 143    ended at once by a second signal: SIGHUP, SIGINT, SIGTERM
  141              stopped because the reader of its output has gone
On a full disk the notifier drops lines, says so on stderr, and goes on.

Examples:
  npm start
  npm start -- --verbose
  npm start --silent -- --json | jq 'select(.kind == "event")'
  npm start -- --config notifier.config.json
  npm start -- --config notifier.config.json --data /var/lib/transfer-notifier
`;

/**
 * Parses the command line; prints help and mistakes itself.
 * @param environment shows the options that npm has kept to itself
 * @throws CommanderError after help (exit code 0), or for a wrong command line
 */
export function parseOptions(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Options {
  const command = new Command('npm start --')
    .description('Watches the transfers of a Cryptshare Server and announces every change of state.')
    .option('--config <file>', 'poll the server that this configuration file names')
    .addOption(
      new Option(
        '--data <folder>',
        'keep database and queues here, for this user alone (default with --config: data)',
      ).argParser(folder),
    )
    .option('--notify-existing', 'announce transfers that exist already when a mailbox is first polled')
    .option('--allow-private-webhooks', 'let webhooks reach this machine and private networks, by http: as well')
    .addOption(
      new Option(
        '--aws-endpoint <url>',
        'use another implementation of AWS, such as moto or LocalStack, for DynamoDB, SNS and SQS',
      )
        .env('NOTIFIER_AWS_ENDPOINT')
        .argParser(parseAwsEndpoints)
        .default({}, 'embedded services'),
    )
    .addOption(new Option('--verbose', 'print each event, delivery and message in lines of its own').conflicts('json'))
    .option('--json', 'print one JSON object a line, for scripts')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', help)
    .exitOverride();
  const meant = meantFor(command.options, args, environment);
  if (meant) command.error(`error: npm took ${meant.kept} for itself; put -- before the options: ${meant.line}`);
  command.parse(args, { from: 'user' });
  const { awsEndpoint: awsEndpoints, ...given } = command.opts<Partial<Options> & { awsEndpoint: AwsEndpoints }>();
  const options = {
    notifyExisting: false,
    json: false,
    verbose: false,
    allowPrivateWebhooks: false,
    ...given,
    awsEndpoints,
  };
  if (options.config === undefined) {
    if (options.data) command.error("error: option '--data <folder>' needs '--config <file>': the demo keeps nothing");
    return options;
  }
  if (Object.keys(awsEndpoints).length > 0 && !areAllElsewhere(awsEndpoints)) {
    command.error("error: option '--aws-endpoint' needs one address for all services with '--config <file>'");
  }
  return { data: usualDataFolder, ...options };
}

/**
 * Finds options given without a preceding `--`. npm moves them to the environment, except `--json`, which it knows.
 * Values that it does not recognise stay among the arguments.
 */
function meantFor(options: readonly Option[], args: readonly string[], environment: NodeJS.ProcessEnv) {
  const values = [...args];
  const kept = options.flatMap((option) => {
    const value = environment[`npm_config_${option.name().replaceAll('-', '_')}`];
    if (value === undefined || option.name() === 'json') return [];
    if (!option.required) return [`--${option.name()}`];
    return [`--${option.name()} ${value === 'true' ? (values.shift() ?? '…') : value}`];
  });
  if (kept.length === 0) return undefined;
  return {
    kept: kept.map((option) => option.split(' ')[0]).join(' and '),
    line: `npm start -- ${[...kept, ...values].join(' ')}`,
  };
}

/** Refuses an empty name, which comes from an unset variable of a script. */
function folder(name: string): string {
  if (name !== '') return name;
  throw new InvalidArgumentError('Expected a folder.');
}

function parseAwsEndpoints(text: string): AwsEndpoints {
  const found = awsEndpointsOf(text);
  if (found) return found;
  throw new InvalidArgumentError(
    'Expected an address such as http://127.0.0.1:5000, or one of a service, such as dynamodb=http://127.0.0.1:8000.',
  );
}

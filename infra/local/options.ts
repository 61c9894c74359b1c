import { Command, InvalidArgumentError, Option } from 'commander';
import { usualDataFolder } from '#infra/config/usual-names.ts';
import { type AwsEndpoints, areAllElsewhere, awsEndpointsOf } from '#infra/local/services/aws-endpoints.ts';

export interface Options {
  /** Configuration file; without it the demo runs. */
  readonly config?: string;
  readonly data?: string;
  readonly notifyExisting: boolean;
  readonly json: boolean;
  /** Lets webhooks reach this machine and private networks. */
  readonly allowPrivateWebhooks: boolean;
  readonly awsEndpoints: AwsEndpoints;
}

const help = `
Without options, a demo: a simulated Cryptshare Server whose transfers live their lives within minutes. Database, topics
and queues are embedded; nothing leaves this machine, nothing is kept.

With --config, the server named in the file is polled, and database and queues are kept in the data folder: after a
restart nothing is announced twice, and whatever was interrupted is made up for. The file declares server, schedule,
watches, webhooks and proxy; what is for AWS (stack, notify, alarmEmail, vpc) is checked but has no effect here: no e-mail is sent,
events and notices are printed.
--aws-endpoint has another implementation of AWS, such as moto or LocalStack, stand in for the embedded services; it keeps
what is announced and delivered, and the data folder then keeps no more than the key and the address of the operator API.
Webhooks only reach the public internet, over https; --allow-private-webhooks lets them reach this machine, too.

Credentials come from the environment:
  CRYPTSHARE_CLIENT_ID   client id of this notifier: 50 to 4000 letters and digits; npm run notifier -- client-id new makes one

So do proxies; this machine is never reached through one:
  HTTPS_PROXY, NO_PROXY  proxy to the Cryptshare Server, and what is reached without
  WEBHOOK_PROXY          proxy for webhooks with its password, in place of the file's setting proxy

A client id that an administrator has registered verifies the mailboxes by itself. Otherwise, verify each by a code in a mail
while this runs: npm run notifier -- watch verify MAILBOX (with --data FOLDER where that is not data)

Ctrl-C (SIGINT), SIGTERM and SIGHUP stop it in good order: it begins nothing new, says what it waits for, gives up after 5 s
what has not ended, which the next start makes up for, and has ended after 8 s. A second signal ends it at once, with
nothing lost either.

Exit codes, through npm as well:
  0                stopped by one of these signals, or because npm has ended
  1                something broke while running, or the data folder is damaged, full or in use; stderr says what
  2                wrong options or configuration: nothing was started
  129, 130, 143    ended at once by a second signal: SIGHUP, SIGINT, SIGTERM
  141              stopped because whatever read its output has gone
Output that a full disk does not take is left out, stderr says so, and the notifier goes on.

Examples:
  npm start
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
    .option('--notify-existing', 'announce what is there already when a mailbox is first polled')
    .option('--allow-private-webhooks', 'let webhooks reach this machine and private networks, also by http')
    .addOption(
      new Option(
        '--aws-endpoint <url>',
        'use another implementation of AWS, such as moto or LocalStack, for DynamoDB, SNS and SQS',
      )
        .env('NOTIFIER_AWS_ENDPOINT')
        .argParser(parseAwsEndpoints)
        .default({}, 'embedded services'),
    )
    .option('--json', 'print one JSON object a line instead of text for people')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', help)
    .exitOverride();
  const meant = meantFor(args, environment);
  if (meant)
    command.error(`error: npm has kept ${meant.kept} to itself; with -- before them options get here: ${meant.line}`);
  const {
    config,
    data,
    notifyExisting = false,
    json = false,
    allowPrivateWebhooks = false,
    awsEndpoint: awsEndpoints,
  } = command.parse(args, { from: 'user' }).opts<Partial<Options> & { readonly awsEndpoint: AwsEndpoints }>();
  const common = { notifyExisting, json, allowPrivateWebhooks, awsEndpoints };
  if (config !== undefined) {
    const isSome = Object.keys(awsEndpoints).length > 0;
    if (isSome && !areAllElsewhere(awsEndpoints)) {
      command.error("error: option '--aws-endpoint' needs one address for all services with '--config <file>'");
    }
    return { config, data: data ?? usualDataFolder, ...common };
  }
  if (data) command.error("error: option '--data <folder>' needs '--config <file>': the demo keeps nothing");
  return common;
}

/** Options of `npm start` that npm does not know; true if they have a value. */
const ownOptions = {
  config: true,
  data: true,
  'aws-endpoint': true,
  'notify-existing': false,
  'allow-private-webhooks': false,
} as const;

/**
 * Finds options given without a preceding `--`. npm moves them to the environment; values that it does not recognise
 * stay among the arguments.
 */
function meantFor(args: readonly string[], environment: NodeJS.ProcessEnv) {
  const values = [...args];
  const kept = Object.entries(ownOptions).flatMap(([name, hasValue]) => {
    const value = environment[`npm_config_${name.replaceAll('-', '_')}`];
    if (value === undefined) return [];
    if (!hasValue) return [`--${name}`];
    return [`--${name} ${value === 'true' ? (values.shift() ?? '…') : value}`];
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

import { Command, CommanderError } from 'commander';

/** What the command line asks for. */
export interface Options {
  /** Configuration file; without it the demo runs. */
  readonly config?: string;
  /** Folder that keeps database and queues. */
  readonly data?: string;
  readonly notifyExisting: boolean;
  readonly json: boolean;
  /** Let webhooks reach this machine and private networks. */
  readonly allowPrivateWebhooks: boolean;
}

/** Thrown when nothing is to be started: help was asked for (0) or the command line is wrong (2). */
export class NothingToStart extends Error {
  override readonly name = 'NothingToStart';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('nothing to start');
    this.exitCode = exitCode;
  }
}

const help = `
Without options, a demo: a simulated Cryptshare Server whose transfers live their lives within minutes. Database, topics
and queues are embedded; nothing leaves this machine, nothing is kept.

With --config, the server named in the file is polled, and database and queues are kept in the data folder: after a
restart nothing is announced twice, and whatever was interrupted is made up for. The file declares server, schedule,
watches and webhooks; sections for AWS (notify, alarms) are checked but have no effect here: events and notices are printed.
Webhooks only reach the public internet, over https; --allow-private-webhooks lets them reach this machine, too.

Credentials come from the environment:
  CRYPTSHARE_CLIENT_ID   client id of this notifier: 50 to 4000 letters and digits

A client id that an administrator has registered verifies the mailboxes by itself. Otherwise, verify each by a code in a mail
while this runs: npm run notifier -- watch verify MAILBOX --data FOLDER

Exit codes: 0 stopped with Ctrl-C, 1 something broke while running, or the data folder is damaged, full or in use, 2 wrong options
or configuration (nothing started).

Examples:
  npm start
  npm start --silent -- --json | jq 'select(.kind == "event")'
  npm start -- --config notifier.config.json
  npm start -- --config notifier.config.json --data /var/lib/transfer-notifier
`;

/**
 * Reads the command line; prints help and mistakes itself.
 *
 * @throws NothingToStart
 */
export function parseOptions(args: readonly string[]): Options {
  const command = new Command('npm start --')
    .description('Watches the transfers of a Cryptshare Server and announces every change of state.')
    .option('--config <file>', 'poll the server that this configuration file names')
    .option('--data <folder>', 'keep database and queues here, for this user alone (default with --config: data)')
    .option('--notify-existing', 'announce what is there already when a mailbox is first polled')
    .option('--allow-private-webhooks', 'let webhooks reach this machine and private networks, also by http')
    .option('--json', 'print one JSON object a line instead of text for people')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', help)
    .exitOverride();
  try {
    const {
      config,
      data,
      notifyExisting = false,
      json = false,
      allowPrivateWebhooks = false,
    } = command.parse(args, { from: 'user' }).opts<Partial<Options>>();
    if (config !== undefined) return { config, data: data ?? 'data', notifyExisting, json, allowPrivateWebhooks };
    if (data) command.error("error: option '--data <folder>' needs '--config <file>': the demo keeps nothing");
    return { notifyExisting, json, allowPrivateWebhooks };
  } catch (error) {
    if (error instanceof CommanderError) throw new NothingToStart(error.exitCode === 0 ? 0 : 2);
    throw error;
  }
}

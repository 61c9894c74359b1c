import type { Command } from 'commander';
import { eventTypes } from '#functions/events/catalogue.ts';
import { wholeNumber } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type TriggerOptions, trigger } from './trigger.ts';

const help = `
Types:
${eventTypes.map((type) => `  ${type}`).join('\n')}

The events are made up, and go to one receiver alone: no notifier is needed, and none hears of them. Their ids begin with
evt_0000test, and each request has the header transfer-notifier-test: trigger. The secret is in the variable
WEBHOOK_SECRET; without it, a new one is used and printed.

Examples:
  npm run notifier -- trigger transfer.failed --to http://localhost:8080/webhooks
  npm run notifier -- trigger transfer.active --to http://localhost:8080/webhooks --times 300 --out-of-order --twice
  npm run notifier -- trigger transfer.failed --session
  npm run notifier -- trigger transfer.state_changed --to http://localhost:8080/webhooks --state Quarantined

Exit codes: 0 the receiver took all, 1 it did not, 2 wrong command line.
`;

/** Registers `trigger`, which sends made-up events to the receiver of a developer. */
export function triggerCommand(program: Command, context: CliContext): void {
  program
    .command('trigger <type>')
    .description('send made-up events to a receiver, signed as webhooks are: needs no notifier')
    .option('--to <url>', 'post them here, for example to http://localhost:8080/webhooks')
    .option('--session [url]', 'hand them to a listen that runs, which forwards them (default: the first one here)')
    .option('--tracking-id <id>', 'of the transfer (default: TEST- and letters by --seed)')
    .option('--mailbox <mailbox>', 'of the watch (default: alice@example.com)')
    .option('--state <state>', 'of the transfer, where the type leaves it open')
    .option('--times <number>', 'number of events; those of a transfer have sequences from 1', wholeNumber(1, 1000), 1)
    .option('--out-of-order', 'send them in an order that --seed decides')
    .option('--twice', 'send each of them twice at once')
    .option(
      '--seed <number>',
      'the same seed gives the same ids and order (default: a new one)',
      wholeNumber(0, 2 ** 31),
    )
    .option('--i-own-this', 'the receiver is yours, though it is not on this machine')
    .option('--json', 'print JSON for scripts')
    .addHelpText('after', help)
    .action((type: string, options: TriggerOptions) => trigger(context, type, options));
}

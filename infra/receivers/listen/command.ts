import type { Command } from 'commander';
import { verb } from '#infra/cli/api/session.ts';
import { direction, several, timeAt } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type ListenOptions, listen } from './listen.ts';

const examples = `
Examples:
  npm run notifier -- listen --forward-to http://localhost:3000/hooks
  npm run notifier -- listen --forward-to http://localhost:3000/hooks --type transfer.failed,watch.*
  npm run notifier -- listen --forward-to http://localhost:3000/hooks --from 1h
  WEBHOOK_SECRET=whsec_… npm run notifier -- listen --forward-to http://localhost:3000/hooks

It reads events from the operator API and changes nothing there. An event that the receiver does not answer is sent
again until it does; any answer but 2xx is told, and the event sent four times more. Ctrl-C ends it.
`;

/** Registers `listen`, which forwards events to the receiver of a developer. */
export function listenCommand(program: Command, context: CliContext): void {
  verb(program, 'listen', 'forward events to a receiver on this machine, signed as webhooks are')
    .requiredOption('--forward-to <url>', 'post them here, for example to http://localhost:3000/hooks')
    .option('--from <time>', 'begin with the events since this time (UTC), or of the last 2h, 3d', timeAt(context.now))
    .option('--type <types>', 'only of these types, for example transfer.failed,watch.*; may be repeated', several)
    .option('--mailbox <mailbox>', 'only about this mailbox')
    .option('--direction <direction>', 'only about this direction: sent or received', direction)
    .option('--print-json', 'print each event as JSON before its line')
    .addHelpText('after', examples)
    .action((options: ListenOptions) => listen(context, options));
}

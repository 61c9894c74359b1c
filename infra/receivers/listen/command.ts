import type { Command } from 'commander';
import { verb } from '#infra/cli/api/session.ts';
import { direction, severalTypes, timeAt, wholeNumber } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type ListenOptions, listen } from './listen.ts';
import { mostDays, usualTwin } from './twin-source.ts';

const examples = `
Examples:
  npm run notifier -- listen --forward-to http://localhost:8080/webhooks
  npm run notifier -- listen --forward-to http://localhost:8080/webhooks --type transfer.failed,watch.*
  npm run notifier -- listen --forward-to http://localhost:8080/webhooks --from 1h
  npm run notifier -- listen --forward-to http://localhost:8080/webhooks --twin --seed 7 --speed 100000
  WEBHOOK_SECRET=whsec_… npm run notifier -- listen --forward-to http://localhost:8080/webhooks

It reads events from the operator API and changes nothing there. An event that the receiver does not answer is sent
again until it does; any answer but 2xx is told, and the event sent four times more. Ctrl-C ends it.

With --twin, or where this folder has neither a local run nor notifier.config.json, the events are those of a simulated
mailbox, made by the notifier's own engine. The same seed gives the same bytes and ids. It ends with the twin's days.

Each line has the time (with --twin that of the twin), the end of the request, type and transfer of the event, and its
mailbox: "from" as the sender, "to" as a recipient. An event that was forwarded before, in this session, has "again".

Exit codes: 0 ended by Ctrl-C or a closed pipe, or with the twin's days and all events taken; 1 not all were taken, or the
operator API has failed; 2 wrong command line; 3 not found; 4 operator API unreachable or no credentials; 130 ended at
once by a second Ctrl-C.
`;

/** Registers `listen`, which forwards events to the receiver of a developer. */
export function listenCommand(program: Command, context: CliContext): void {
  verb(program, 'listen', 'forward events to a receiver on this machine, signed as webhooks are')
    .requiredOption('--forward-to <url>', 'post them here, for example to http://localhost:8080/webhooks')
    .option('--from <time>', 'begin with the events since this time (UTC), or of the last 2h, 3d', timeAt(context.now))
    .option('--type <types>', 'only of these types, for example transfer.failed,watch.*; may be repeated', severalTypes)
    .option('--mailbox <mailbox>', 'only about this mailbox')
    .option('--direction <direction>', 'only about this direction: sent or received', direction)
    .option('--print-json', 'print each event as JSON before its line')
    .option('--twin', 'forward the events of a simulated mailbox')
    .option('--seed <number>', `of the twin (default: ${usualTwin.seed})`, wholeNumber(0, 2 ** 31))
    .option(
      '--speed <number>',
      `seconds of the twin's time in one of yours (default: ${usualTwin.speed})`,
      wholeNumber(1, 10_000_000),
    )
    .option(
      '--days <number>',
      `of the twin's time (default: ${usualTwin.days}, or all of a history)`,
      wholeNumber(1, mostDays),
    )
    .option('--history <file>', 'have the twin replay this history instead of one by its seed')
    .addHelpText('after', examples)
    .action((options: ListenOptions) => listen(context, options));
}

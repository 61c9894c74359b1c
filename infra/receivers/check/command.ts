import type { Command } from 'commander';
import { outputOf } from '#infra/cli/api/session.ts';
import { type ExitCode, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import type { CheckOptions } from './run-check.ts';

const help = `
Sends some 70 requests to a receiver, good ones and forged ones, and tells which duties of docs/receiving-webhooks.md it
breaks. All events are made up: their ids begin with evt_0000test, their tracking ids with CHECK-, and each request has the
header transfer-notifier-test: check. The secret comes from the variable WEBHOOK_SECRET or from a hidden question.

Exit codes: 0 no duty is broken, 1 one is, 2 wrong command line, or --processed tells no number.

Examples:
  npm run notifier -- check http://localhost:8080/webhooks
  npm run notifier -- check http://localhost:8080/webhooks --processed http://localhost:8080/count
  npm run notifier -- check https://hooks.example.com/webhooks --i-own-this --junit receiver.xml
`;

export function checkCommand(program: Command, context: CliContext, outcome: { exitCode: ExitCode }): void {
  program
    .command('check <url>')
    .description('check a receiver of webhooks: needs no notifier')
    .option('--processed <url-or-command>', 'tells the number of processed events: a number, or JSON {"count": n}')
    .option('--i-own-this', 'the receiver is yours, though it is not on this machine')
    .option('--junit <file>', 'write the findings as JUnit XML, too')
    .option('--json', 'print JSON for scripts')
    .addHelpText('after', help)
    .action(async (url: string, options: CheckOptions) => {
      // Imported late, so that other commands start quicker.
      const { runCheck } = await import('./run-check.ts');
      if (!(await runCheck(context, outputOf(context, options), url, options))) outcome.exitCode = exitCodes.refused;
    });
}

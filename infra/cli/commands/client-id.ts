import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { outputOf } from '#infra/cli/api/session.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Characters. Servers require 50 to 4000; 64 hold 380 random bits and can still be copied by hand. */
const length = 64;

const examples = `
Examples:
  npm run notifier -- client-id new
  export CRYPTSHARE_CLIENT_ID=$(npm run --silent notifier -- client-id new --json | jq -r .clientId)
`;

export function clientIdCommand(program: Command, context: CliContext): void {
  program
    .command('client-id')
    .description('the password by which the Cryptshare Server knows the notifier')
    .addHelpText('after', examples)
    .command('new')
    .description('make a client id; needs neither server nor notifier')
    .option('--json', 'print JSON for scripts')
    .action((options: { readonly json?: boolean }) => {
      const output = outputOf(context, options);
      const clientId = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
      output.result({ clientId }, () => {
        output.line(clientId);
        for (const line of nextSteps) output.warning(line);
      });
    });
}

const nextSteps = [
  '1. Keep it as you keep a password; the notifier takes it from the environment: export CRYPTSHARE_CLIENT_ID=…',
  '2. Have the administrator of the Cryptshare Server register it (Add-on Products > REST API): it then verifies every mailbox by itself.',
  '3. Without that, verify each mailbox once by a code in a mail, while the notifier runs: npm run notifier -- watch verify MAILBOX',
];

import type { Command } from 'commander';
import { type ExitCode, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { usualConfigFile } from '#infra/config/usual-names.ts';
import type { FillSecretOptions } from './fill-secret.ts';

const help = `
The output FillSecret of a deployment shows this command with both names. The command asks for each field that the
configuration file needs, echoes no answer, and keeps the other fields of the secret. Then it invokes the declare function,
which reports what is ready and what still waits.

An environment variable with a field's name answers in place of the operator; an empty one acts like Enter:
  CRYPTSHARE_CLIENT_ID         client id that is registered on the server
  for example OPS_SLACK_URL    variable named by urlFrom, secretFrom or headersFrom of a webhook

For an empty answer, the command makes a signing secret and prints it this once; the answer new replaces an existing one.
The command finds AWS credentials and region as the AWS CLI does: AWS_PROFILE, AWS_REGION and so on.

Exit codes: 0 everything is ready, 1 something failed or still waits, 2 wrong command line or configuration (nothing done),
4 AWS unreachable or no credentials.

Examples:
  npm run notifier -- secret fill --secret NotifierSecret… --declare TransferNotifier-…
`;

export function secretCommands(program: Command, context: CliContext, outcome: { exitCode: ExitCode }): void {
  program
    .command('secret')
    .description('the credentials of a deployment')
    .addHelpText('after', help)
    .command('fill')
    .description('fill the secret of a deployment with what its configuration needs')
    .requiredOption('--secret <name>', 'secret of the deployment, its output SecretName')
    .requiredOption(
      '--declare <function>',
      'function that declares watches and webhooks, as the output FillSecret names it',
    )
    .option('--config <file>', 'configuration file that was deployed', usualConfigFile)
    .option('--json', 'print JSON for scripts')
    .addHelpText('after', help)
    .action(async (options: FillSecretOptions) => {
      // Imported late, so that other commands start quicker.
      const { fillSecret } = await import('./fill-secret.ts');
      if (!(await fillSecret(context, options))) outcome.exitCode = exitCodes.refused;
    });
}

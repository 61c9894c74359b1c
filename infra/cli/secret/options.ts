import { Command, CommanderError } from 'commander';
import { usualConfigFile } from '#infra/config/usual-names.ts';

/** Options of `fill-secret`; `config` is a file. */
export interface FillSecretOptions {
  /** Name or ARN of the secret. */
  readonly secret: string;
  /** Name or ARN of the declare function. */
  readonly declare: string;
  readonly config: string;
}

/** Thrown when nothing is to be done: after help (0), or for a wrong command line (2). */
export class HelpRequested extends Error {
  override readonly name = 'HelpRequested';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('nothing to fill');
    this.exitCode = exitCode;
  }
}

const help = `
The output FillSecret of a deployment shows this command with both names. The command asks for each field that the
configuration file needs, echoes no answer, and keeps the other fields of the secret. Then it invokes the declare function,
which reports what is ready and what still waits.

An environment variable with a field's name answers in place of the operator; an empty one acts like Enter:
  CRYPTSHARE_CLIENT_ID         client id that is registered on the server
  for example OPS_SLACK_URL    variable named by urlFrom, secretFrom or headersFrom of a webhook

For an empty answer, the command makes a signing secret and prints it this once; the answer new replaces an existing one.
The command finds AWS credentials and region as the AWS CLI does: AWS_PROFILE, AWS_REGION and so on.

Exit codes: 0 everything is ready, 1 something failed or still waits, 2 wrong options or configuration (nothing done).
`;

/** Reads the command line; prints help and mistakes itself. @throws HelpRequested */
export function parseFillSecretOptions(args: readonly string[]): FillSecretOptions {
  const command = new Command('npm run fill-secret --')
    .description('Fills the secret of a deployment with what its configuration needs.')
    .requiredOption('--secret <name>', 'secret of the deployment, its output SecretName')
    .requiredOption(
      '--declare <function>',
      'function that declares watches and webhooks, as the output FillSecret names it',
    )
    .option('--config <file>', 'configuration file that was deployed', usualConfigFile)
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', help)
    .exitOverride();
  try {
    return command.parse(args, { from: 'user' }).opts<FillSecretOptions>();
  } catch (error) {
    if (error instanceof CommanderError) throw new HelpRequested(error.exitCode === 0 ? 0 : 2);
    throw error;
  }
}

import { Command, CommanderError } from 'commander';
import { CliError, type ExitCode, exitCodes } from './cli-error.ts';
import { deliveryCommands } from './delivery.ts';
import { doctorCommand } from './doctor.ts';
import { endpointCommands } from './endpoint.ts';
import { eventCommands } from './event.ts';
import { plain } from './output.ts';
import { isLeft } from './prompts.ts';
import { statusCommand } from './status.ts';
import type { Surroundings } from './surroundings.ts';
import { watchCommands } from './watch.ts';

const help = `
Every command finds the operator API by --url URL, by --data FOLDER of a local run, or by --stack NAME of a deployment, with the
AWS credentials that the AWS CLI would use; NOTIFIER_URL may hold an address. An address of a local run needs the token of that run
in NOTIFIER_TOKEN; --data finds address and token by itself. npm run notifier -- NOUN --help shows examples.

Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 nothing like that there, 4 operator API not reached or no
credentials.
`;

/**
 * Runs one command; prints results, help and mistakes.
 *
 * @returns the exit code
 */
export async function runCli(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr } = surroundings;
  const program = new Command('npm run notifier --')
    .description('Operates Transfer Notifier: watches, endpoints, deliveries and events.')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .addHelpText('after', help)
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 120,
      getErrHelpWidth: () => stderr.columns ?? 120,
    })
    .exitOverride();
  watchCommands(program, surroundings);
  endpointCommands(program, surroundings);
  deliveryCommands(program, surroundings);
  eventCommands(program, surroundings);
  statusCommand(program, surroundings);
  const outcome: { exitCode: ExitCode } = { exitCode: exitCodes.done };
  doctorCommand(program, surroundings, outcome);
  try {
    await program.parseAsync(args, { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    return ended(error as Error, (text) => stderr.write(`${text}\n`));
  }
}

function ended(error: Error, say: (text: string) => void): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongCommandLine;
  if (error instanceof CliError) {
    say(plain(error.message));
    return error.exitCode;
  }
  if (isLeft(error)) say('stopped');
  else say(`The command stopped: ${error.stack}`);
  return exitCodes.refused;
}

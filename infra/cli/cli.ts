import { Command, CommanderError } from 'commander';
import { clientIdCommand } from '#infra/cli/commands/client-id.ts';
import { deliveryCommands } from '#infra/cli/commands/delivery.ts';
import { endpointCommands } from '#infra/cli/commands/endpoint/endpoint.ts';
import { eventCommands } from '#infra/cli/commands/event.ts';
import { explainCommand } from '#infra/cli/commands/explain.ts';
import { noticeCommands } from '#infra/cli/commands/notice.ts';
import { statusCommand } from '#infra/cli/commands/status.ts';
import { transferCommands } from '#infra/cli/commands/transfer.ts';
import { watchCommands } from '#infra/cli/commands/watch.ts';
import { doctorCommand } from '#infra/cli/doctor/command.ts';
import { secretCommands } from '#infra/cli/secret/command.ts';
import { CliError, type ExitCode, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { isLeft } from '#infra/cli/terminal/prompts.ts';
import { consoleCommand } from '#infra/console/command.ts';
import { checkCommand } from '#infra/receivers/check/command.ts';
import { listenCommand } from '#infra/receivers/listen/command.ts';
import { triggerCommand } from '#infra/receivers/trigger/command.ts';
import { backupCommands } from '#infra/service/backup-commands.ts';
import { serviceCommands } from '#infra/service/service-command.ts';
import { simulatorCommand } from '#infra/simulator/standalone/command.ts';
import { printableLines } from '#infra/terminal/printable.ts';

const help = `
Every command finds the operator API by one of these:
  --url URL      address that npm start prints; the variable NOTIFIER_URL may hold it, NOTIFIER_TOKEN holds the run's token
  --data FOLDER  local run that keeps its data there; finds address and token by itself
  --stack NAME   deployment on AWS, with the credentials that the AWS CLI would use
Without any, a command uses the local run that keeps its data in the folder data here, if one is running. Otherwise it uses the
stack that notifier.config.json deploys.

npm run notifier -- NOUN --help shows examples.

Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 not found, 4 operator API unreachable or no credentials.
`;

/** Runs one command; prints results, help and mistakes. @returns the exit code */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const program = new Command('npm run notifier --')
    .description('Operates Transfer Notifier: watches, transfers, endpoints, deliveries and events.')
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
  const outcome: { exitCode: ExitCode } = { exitCode: exitCodes.done };
  clientIdCommand(program, context);
  watchCommands(program, context);
  transferCommands(program, context);
  explainCommand(program, context, outcome);
  endpointCommands(program, context);
  deliveryCommands(program, context);
  eventCommands(program, context);
  listenCommand(program, context);
  triggerCommand(program, context);
  noticeCommands(program, context);
  statusCommand(program, context);
  serviceCommands(program, context);
  backupCommands(program, context);
  doctorCommand(program, context, outcome);
  consoleCommand(program, context);
  secretCommands(program, context, outcome);
  checkCommand(program, context, outcome);
  simulatorCommand(program, context);
  try {
    await program.parseAsync(args, { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    return ended(error as Error, (text) => stderr.write(`${printableLines(text)}\n`));
  }
}

function ended(error: Error, say: (text: string) => void): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongCommandLine;
  if (error instanceof CliError) {
    say(error.message);
    return error.exitCode;
  }
  if (isLeft(error)) say('stopped');
  else say(`The command stopped: ${error.stack}`);
  return exitCodes.refused;
}

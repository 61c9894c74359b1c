import type { Command } from 'commander';
import { proxySettingsIn } from '#functions/http/proxy.ts';
import { refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { Output } from '#infra/cli/terminal/output.ts';
import { usualConfigFile, usualDataFolder, usualStack } from '#infra/config/usual-names.ts';
import { ApiClient } from './client.ts';
import { findTarget, type TargetOptions, targetWords } from './target.ts';

export interface CommonOptions extends TargetOptions {
  readonly json?: boolean;
}

export interface Session {
  readonly api: ApiClient;
  readonly output: Output;
  readonly context: CliContext;
  /** Completes a command to type next, for the same target. */
  readonly hint: (command: string) => string;
}

/** Adds a verb to a noun, with the options of every command. */
export function verb(noun: Command, usage: string, description: string): Command {
  return noun
    .command(usage)
    .description(description)
    .option('--url <url>', 'operator API at this address, as npm start prints it')
    .option(
      '--data <folder>',
      `operator API of the local run that keeps its data there (default: ${usualDataFolder}, while such a run is there)`,
    )
    .option(
      '--stack <name>',
      `operator API of this stack on AWS (default: the one that ${usualConfigFile} names, or ${usualStack})`,
    )
    .option('--json', 'print JSON for scripts');
}

/** Adds `--yes`, which skips the question of {@link confirmed}. */
export const confirmable = (command: Command): Command => command.option('--yes', 'do not ask');

/** Finds the operator API; throws CliError when there is none. */
export async function openSession(context: CliContext, options: CommonOptions): Promise<Session> {
  const { environment } = context;
  return {
    api: new ApiClient(await findTarget(options, environment), proxySettingsIn(environment)),
    output: outputOf(context, options),
    context,
    hint: (command) => `npm run notifier -- ${[command, ...targetWords(options)].join(' ')}`,
  };
}

export const outputOf = ({ stdout, stderr }: CliContext, { json = false }: CommonOptions): Output =>
  new Output(stdout, stderr, json);

/** Asks before something that cannot be undone. @throws CliError when the operator says no, or without a terminal */
export async function confirmed(
  { prompts }: CliContext,
  { yes = false }: { readonly yes?: boolean },
  question: string,
): Promise<void> {
  if (yes) return;
  if (!prompts) {
    throw wrongCommandLine(`${question} There is no terminal to ask on: add --yes to do it without asking`);
  }
  if (!(await prompts.confirm(question))) throw refused('nothing was done');
}

/** Reads a secret from the environment: an argument would show in the list of processes. @throws CliError */
export function fromEnvironment({ environment }: CliContext, option: string, variable: string): string {
  const value = environment[variable];
  if (value) return value;
  throw wrongCommandLine(
    `${option} names the environment variable ${variable}, which is ${value === '' ? 'empty' : 'not set'}: export it first`,
  );
}

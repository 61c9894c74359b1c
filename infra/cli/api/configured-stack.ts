import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CliError, unreachable } from '#infra/cli/terminal/cli-error.ts';
import { usualConfigFile, usualStack } from '#infra/config/usual-names.ts';

/** Stack of this folder's configuration file, or the usual one if the file is missing or names none. */
export const configuredStack = (): string => namedStack() ?? usualStack;

/** @throws CliError for an unreadable file, otherwise a command could reach another stack than is meant */
export function namedStack(): string | undefined {
  const file = resolve(usualConfigFile);
  let stack: unknown;
  try {
    ({ stack } = JSON.parse(readFileSync(file, 'utf8')) ?? {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unclear(file, (error as Error).message);
  }
  if (stack === undefined || typeof stack === 'string') return stack;
  throw unclear(file, `stack is ${JSON.stringify(stack)}, expected a text`);
}

const unclear = (file: string, why: string): CliError =>
  unreachable(`${file} does not tell which stack is meant (${why}): correct it, or add --stack`);

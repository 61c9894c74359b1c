import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { usualConfigFile, usualStack } from '../usual-names.ts';
import { CliError, exitCodes } from './cli-error.ts';

/**
 * The stack that the configuration file of this folder deploys; the usual one where there is no file or it names none.
 *
 * @throws CliError when the file does not tell: no command is to go to another stack than is meant
 */
export function configuredStack(): string {
  const file = resolve(usualConfigFile);
  let stack: unknown;
  try {
    ({ stack = usualStack } = JSON.parse(readFileSync(file, 'utf8')) ?? {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return usualStack;
    throw unclear(file, (error as Error).message);
  }
  if (typeof stack === 'string') return stack;
  throw unclear(file, `stack is ${JSON.stringify(stack)}, expected a text`);
}

const unclear = (file: string, why: string): CliError =>
  new CliError(
    exitCodes.unreachable,
    `${file} does not tell which stack is meant (${why}): correct it, or add --stack`,
  );

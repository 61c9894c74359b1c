import type { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { CliError } from '#infra/cli/terminal/cli-error.ts';

export interface Check {
  readonly name: string;
  readonly outcome: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly remedy?: string | undefined;
}

export function ok(name: string, message: string): Check {
  return { name, outcome: 'ok', message };
}

export function warn(name: string, message: string, remedy: string): Check {
  return { name, outcome: 'warn', message, remedy };
}

export function fail(name: string, message: string, remedy?: string): Check {
  return { name, outcome: 'fail', message, remedy };
}

export const failed = (name: string, { message, remedy }: CryptshareFailure): Check => fail(name, message, remedy);

/** Drops the checks of conditions that are not met. */
export const met = (checks: readonly (Check | false)[]): Check[] => checks.filter((check) => check !== false);

/** Makes checks; one failed check instead if the operator API does not answer. */
export async function orFailed(name: string, look: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [fail(name, error.message)];
  }
}

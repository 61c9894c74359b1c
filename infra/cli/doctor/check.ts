import type { CryptshareFailure } from '#functions/cryptshare/failure.ts';

/** What came of looking at one thing. */
export interface Check {
  /** What was looked at. */
  readonly name: string;
  readonly outcome: 'ok' | 'warn' | 'fail';
  /** What was found. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export const ok = (name: string, message: string): Check => ({ name, outcome: 'ok', message });
export const warn = (name: string, message: string, remedy: string): Check => ({
  name,
  outcome: 'warn',
  message,
  remedy,
});
export const fail = (name: string, message: string, remedy?: string): Check => ({
  name,
  outcome: 'fail',
  message,
  ...(remedy !== undefined && { remedy }),
});

export const failed = (name: string, { message, remedy }: CryptshareFailure): Check => fail(name, message, remedy);

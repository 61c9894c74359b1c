import type { CryptshareFailure } from '#functions/cryptshare/failure.ts';

export interface Check {
  readonly name: string;
  readonly outcome: 'ok' | 'warn' | 'fail';
  readonly message: string;
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

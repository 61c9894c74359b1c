import { believable, hasBeen } from '#functions/clock/instants.ts';
import type { FailureCause } from './failure.ts';

/** How a mailbox was verified: by the client id alone, or by a code that its owner read in a mail. */
export type VerificationMethod = 'client_id' | 'email';

/** What is known of the verification of a mailbox; its token is encrypted. All times are ISO 8601. */
export interface Verification {
  readonly mailbox: string;
  readonly rev: number;
  readonly method: VerificationMethod;
  /** Undefined while no token was ever obtained. */
  readonly encrypted?: string;
  /** By the server's clock. */
  readonly obtainedAt?: string;
  /** By the server's clock; undefined when the server does not say. */
  readonly validUntil?: string | undefined;
  /** The server has rejected the token: no request carries it any more. */
  readonly isRejected?: boolean;
  /** A process may be obtaining a token until then. */
  readonly busyUntil?: string;
  /** Attempts to obtain a token that failed, or gave one that was rejected at once, in a row. */
  readonly failures?: number;
  /** No attempt before then, unless what the last one failed for was mended after `triedAt`. */
  readonly retryAt?: string;
  readonly triedAt?: string;
  readonly cause?: FailureCause;
}

const day = 86_400_000;

/** Greatest time before its end at which a token is renewed, and the share of its life that this is at most. */
const longestMargin = day;
const marginShare = 1 / 3;

/** Time before the end of a verification by e-mail at which operators are told. */
const warningTime = 7 * day;

/** Milliseconds to wait after a failed attempt to obtain a token; each further one doubles it. */
const firstPause = 60_000;
const longestPause = 3_600_000;

/** Causes for which a watch fails because its mailbox is not verified. */
export const verificationCauses: ReadonlySet<string> = new Set([
  'not_verified',
  'verification_ended',
  'verification_refused',
  'token_invalid',
] satisfies FailureCause[]);

/** Spellings of the methods differ between documents: `CLIENT_ID`, `clientId`, `EMAIL`, `email`. */
export function methodsIn(names: readonly unknown[]): ReadonlySet<VerificationMethod> {
  const plain = names.map((name) =>
    String(name)
      .toLowerCase()
      .replaceAll(/[^a-z]/g, ''),
  );
  return new Set((['client_id', 'email'] as const).filter((method) => plain.includes(method.replace('_', ''))));
}

/** Unix time in milliseconds at which a token becomes due to be renewed; undefined when its end is not known. */
export function renewalTime({ obtainedAt, validUntil }: Verification): number | undefined {
  if (validUntil === undefined) return undefined;
  const end = Date.parse(validUntil);
  const life = obtainedAt === undefined ? 0 : Math.max(0, end - Date.parse(obtainedAt));
  return end - Math.min(marginShare * life, longestMargin);
}

/** Whether the token has ended, as far as is known. */
export const hasEnded = ({ validUntil }: Verification, now: number): boolean =>
  validUntil !== undefined && Date.parse(validUntil) <= now;

/** Whether operators should be told that a verification ends soon which only a person can renew. */
export const endsSoon = ({ method, validUntil }: Verification, now: number): boolean =>
  method === 'email' && validUntil !== undefined && Date.parse(validUntil) - warningTime <= now;

/** Milliseconds that a process may take to obtain a token before another one may try; a request takes 15 s at most. */
export const longestRenewal = 20_000;

/** Whether a process is renewing the token at this moment; `now` is Unix time in milliseconds. */
export const isBusy = (verification: Verification | undefined, now: number): boolean =>
  (believable(Date.parse(verification?.busyUntil ?? ''), now, longestRenewal) ?? 0) > now;

/** Longest wish of a server to be left alone that is heeded, in milliseconds. */
export const longestWish = day;

/**
 * Whether no attempt to obtain a token may be made yet. What a clock that was ahead has put off may be made; attempts that
 * failed by `forgivenAt`, a Unix time in milliseconds, do not count.
 */
export function isPaused({ retryAt, triedAt }: Verification, forgivenAt: number, now: number): boolean {
  const until = believable(Date.parse(retryAt ?? ''), now, longestWish) ?? 0;
  const tried = triedAt === undefined ? now : Date.parse(triedAt);
  return until > now && hasBeen(tried, now) && (triedAt === undefined || tried > forgivenAt);
}

/** Milliseconds to leave the server alone after a number of failed attempts in a row. */
export const pauseAfter = (failures: number): number => Math.min(firstPause * 2 ** (failures - 1), longestPause);

import { believable, hasBeen } from '../instants.ts';
import type { FailureCause } from '../transfers/failure.ts';

/** How a mailbox was verified: by the client id alone, or by a code that its owner read in a mail. */
export type VerificationMethod = 'client_id' | 'email';

/** What is known of the verification of a mailbox; its token is sealed. All times are ISO 8601. */
export interface Verification {
  readonly mailbox: string;
  /** Counts its changes. */
  readonly rev: number;
  readonly method: VerificationMethod;
  /** Undefined while no token was ever obtained. */
  readonly sealed?: string;
  readonly obtainedAt?: string;
  /** Undefined when the server does not say. */
  readonly validUntil?: string;
  /** Somebody obtains a token until then. */
  readonly busyUntil?: string;
  /** Attempts to obtain a token that failed, or gave one that was rejected at once, in a row. */
  readonly failures?: number;
  /** No attempt before then. */
  readonly retryAt?: string;
  /** When the last attempt failed. */
  readonly triedAt?: string;
  /** Why the last attempt failed. */
  readonly cause?: FailureCause;
}

const day = 86_400_000;

/** Greatest time before its end at which a token is renewed, and the share of its life that this is at most. */
const longestMargin = day;
const marginShare = 0.1;

/** Time before the end of a verification by e-mail at which operators are told. */
const warningTime = 7 * day;

/** Milliseconds to wait after a failed attempt to obtain a token; each further one doubles it. */
const firstPause = 60_000;
const longestPause = 6 * 3_600_000;

/** Spellings of the methods differ between documents: `CLIENT_ID`, `clientId`, `EMAIL`, `email`. */
export function methodsIn(names: readonly unknown[]): ReadonlySet<VerificationMethod> {
  const known = { clientid: 'client_id', email: 'email' } as const;
  const plain = names.map((name) =>
    String(name)
      .replaceAll(/[^a-z]/gi, '')
      .toLowerCase(),
  );
  return new Set(plain.flatMap((name) => (name in known ? [known[name as keyof typeof known]] : [])));
}

/** Unix time in milliseconds from which on a token should be renewed; undefined when its end is not known. */
export function renewalTime({ obtainedAt, validUntil }: Verification): number | undefined {
  if (validUntil === undefined) return undefined;
  const end = Date.parse(validUntil);
  const life = obtainedAt === undefined ? 0 : Math.max(0, end - Date.parse(obtainedAt));
  return end - Math.min(marginShare * life, longestMargin);
}

/** Whether the token has ended, as far as anybody knows. */
export const hasEnded = ({ validUntil }: Verification, now: number): boolean =>
  validUntil !== undefined && Date.parse(validUntil) <= now;

/** Whether operators should be told that a verification ends soon and that nobody but a person can renew it. */
export const endsSoon = ({ method, validUntil }: Verification, now: number): boolean =>
  method === 'email' && validUntil !== undefined && Date.parse(validUntil) - warningTime <= now;

/** Milliseconds that a process may take to obtain a token before another one may try. */
export const longestRenewal = 60_000;

/** Whether a process obtains a token just now. */
export function isBusy({ busyUntil }: Verification, now: number): boolean {
  const until = busyUntil === undefined ? undefined : believable(Date.parse(busyUntil), now, longestRenewal);
  return until !== undefined && until > now;
}

/** Longest wish of a server to be left alone that is heeded, in milliseconds. */
export const longestWish = day;

/** Whether no attempt to obtain a token may be made yet; what a clock that was ahead has put off may be. */
export function isPutOff({ retryAt, triedAt }: Verification, now: number): boolean {
  const until = retryAt === undefined ? undefined : believable(Date.parse(retryAt), now, longestWish);
  return until !== undefined && until > now && (triedAt === undefined || hasBeen(Date.parse(triedAt), now));
}

/** Milliseconds to leave the server alone after so many failed attempts in a row. */
export const pauseAfter = (failures: number): number => Math.min(firstPause * 2 ** (failures - 1), longestPause);

import { hasBeen, plausibleUntil } from '#functions/clock/instants.ts';
import { dayMs } from '#functions/clock/retention.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { type FailureCause, isFailureCause } from './failure.ts';

/** Method that verified a mailbox: the client id alone, or a code that its owner read in a mail. */
export const verificationMethods = ['client_id', 'email'] as const;

export type VerificationMethod = (typeof verificationMethods)[number];

/** State of the verification of a mailbox, with the token encrypted. All times are ISO 8601. */
export const readVerification = r.rowOf({
  rev: r.number,
  method: r.oneOf(verificationMethods),
  /** Undefined before the first token. */
  encrypted: r.optional(r.text),
  /** By the server's clock. */
  obtainedAt: r.optional(r.text),
  /** By the server's clock; undefined when the server does not say. */
  validUntil: r.optional(r.text),
  /** True when the server has rejected the token: no request carries it any more. */
  isRejected: r.optional(r.flag),
  /** End of the lease of the process that is obtaining a token. */
  busyUntil: r.optional(r.text),
  /** Attempts in a row that failed to obtain a token, or obtained one that was rejected at once. */
  failures: r.optional(r.number),
  /** Time of the next attempt; earlier only if the cause of the last failure was mended after `triedAt`. */
  retryAt: r.optional(r.text),
  triedAt: r.optional(r.text),
  cause: r.optional(r.that(isFailureCause, 'a cause')),
});

export interface Verification extends ReturnType<typeof readVerification> {
  readonly mailbox: string;
}

/** Longest time before its end at which a token is renewed, and the largest share of its life for it. */
const longestMargin = dayMs;
const marginShare = 1 / 3;

/** Time before the end of a verification by e-mail at which operators are warned: only its owner gets a code. */
const warningTime = 7 * dayMs;

/** Milliseconds to wait after a failed attempt, doubled for each further one: the server limits requests for tokens. */
const firstPauseMs = 60_000;
const longestPauseMs = 3_600_000;

/** Causes that mean that the mailbox of a watch is not verified. */
const notVerified: FailureCause[] = ['not_verified', 'verification_ended', 'verification_refused', 'token_invalid'];
export const verificationCauses: ReadonlySet<string> = new Set(notVerified);

/** Parses names of methods: documents have `CLIENT_ID` and `EMAIL`, or `clientId` and `email`. */
export function methodsIn(names: readonly unknown[]): ReadonlySet<VerificationMethod> {
  const plain = names.map((name) => `${name}`.toLowerCase().replaceAll(/[^a-z]/g, ''));
  return new Set(verificationMethods.filter((method) => plain.includes(method.replace('_', ''))));
}

/** Unix time in milliseconds at which a token is due for renewal; undefined when its end is unknown. */
export function renewalTime({ obtainedAt, validUntil }: Verification): number | undefined {
  if (validUntil === undefined) return undefined;
  const end = Date.parse(validUntil);
  const life = obtainedAt === undefined ? 0 : Math.max(0, end - Date.parse(obtainedAt));
  return end - Math.min(marginShare * life, longestMargin);
}

/** True when a token is due for renewal. Only a person renews a token obtained by a code; it serves until rejected. */
export const isDue = (verification: Verification, now: number): boolean =>
  verification.method !== 'email' && (renewalTime(verification) ?? Infinity) <= now;

export const hasEnded = ({ validUntil = '' }: Verification, now: number): boolean => Date.parse(validUntil) <= now;

/** True when operators should learn that a verification ends soon that only a person can renew. */
export const endsSoon = ({ method, validUntil }: Verification, now: number): boolean =>
  method === 'email' && validUntil !== undefined && Date.parse(validUntil) - warningTime <= now;

/** Milliseconds after which another process may try to obtain the token; a request takes 15 s at most. */
export const longestRenewalMs = 20_000;

/** True while a process is renewing the token; `now` is Unix time in milliseconds. */
export const isBusy = (verification: Verification | undefined, now: number): boolean =>
  (plausibleUntil(Date.parse(verification?.busyUntil ?? ''), now, longestRenewalMs) ?? 0) > now;

/** Longest `Retry-After` that counts, in milliseconds. */
const longestWishMs = dayMs;

/** True when no token may be requested yet. Failures by `forgivenAt` (Unix ms) and of a clock ahead do not count. */
export function isPaused({ retryAt, triedAt }: Verification, forgivenAt: number, now: number): boolean {
  const until = plausibleUntil(Date.parse(retryAt ?? ''), now, longestWishMs) ?? 0;
  const tried = triedAt === undefined ? now : Date.parse(triedAt);
  return until > now && hasBeen(tried, now) && (triedAt === undefined || tried > forgivenAt);
}

/** Milliseconds to wait after this many failed attempts in a row; `wishMs` is the last `Retry-After`. */
export const pauseAfter = (failures: number, wishMs = 0): number =>
  Math.max(Math.min(wishMs, longestWishMs), Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs));

/**
 * Verification of mailboxes at the server (facts on the REST API, section 4). No call is retried: a second request for
 * a code sends a second mail, and servers limit these calls. All functions throw CryptshareFailure.
 */

import type { Deadline } from '#functions/clock/instants.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import type { ServerCalls } from './api-calls.ts';
import { longSince } from './api-version.ts';
import { type Answer, CryptshareFailure, detailOf, errorCodeOf, isNotVerified } from './failure.ts';
import { methodsIn } from './verification.ts';

export type IssuedToken = Readonly<Awaited<ReturnType<typeof obtainToken>>>;

/** Mailed code: ten letters and digits. */
const codePattern = /^[A-Za-z0-9]{10}$/;

/** Reads the methods that the server offers for a mailbox, and checks a token if there is one. */
export async function askForOffer(calls: ServerCalls, mailbox: string, token: string | undefined, deadline: Deadline) {
  const call = { path: pathOf(mailbox), mailbox, minimumMinor: longSince };
  const answer = await calls.send({ ...call, token }, deadline);
  // Some servers answer an invalid token with an error, others with `verified: false`.
  const isRejected = token !== undefined && isNotVerified(answer);
  const { verified, verificationMethods } = dataOf(calls, isRejected ? await calls.send(call, deadline) : answer);
  const methods = methodsIn(Array.isArray(verificationMethods) ? verificationMethods : []);
  return { isVerified: !isRejected && verified === true, methods };
}

/** Has the server mail a code to the mailbox, which may void earlier ones. */
export async function requestCode(calls: ServerCalls, mailbox: string, deadline: Deadline): Promise<void> {
  const path = `${pathOf(mailbox)}/code/email`;
  const answer = await calls.send({ path, mailbox, minimumMinor: longSince, body: {} }, deadline);
  if (answer.status >= 300) throw refusal(calls, answer);
  // The server's own answer is empty or JSON; a page comes from a proxy, and no code has been mailed.
  if (answer.body.trim().startsWith('<')) throw new CryptshareFailure('malformed_answer', 'a page');
}

/** Obtains a token, and its end if the server says it, by a mailed code. A registered client id needs no code. */
export async function obtainToken(calls: ServerCalls, mailbox: string, code: string | undefined, deadline: Deadline) {
  if (code !== undefined && !codePattern.test(code)) throw new CryptshareFailure('code_rejected', 'malformed');
  const path = `${pathOf(mailbox)}/token`;
  const body = code === undefined ? {} : { verificationCode: code };
  const answer = await calls.send({ path, mailbox, minimumMinor: longSince, body }, deadline);
  if (code !== undefined && isNotVerified(answer)) throw new CryptshareFailure('code_rejected', detailOf(answer));
  const { token, validUntil } = dataOf(calls, answer);
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new CryptshareFailure('malformed_answer', 'no token');
  return { token, validUntil: timeOf(validUntil) };
}

function dataOf(calls: ServerCalls, answer: Answer): Record<string, unknown> {
  if (answer.status !== 200) throw refusal(calls, answer);
  const { data } = (jsonOf(answer.body) ?? {}) as { data?: unknown };
  if (typeof data !== 'object' || data === null) throw new CryptshareFailure('malformed_answer', 'no data');
  return data as Record<string, unknown>;
}

function refusal(calls: ServerCalls, answer: Answer): CryptshareFailure {
  const code = errorCodeOf(answer.body);
  // Without a code, 400/1002 (missing parameter) means that the client id is not registered.
  if (answer.status === 400 && code === 1002) return new CryptshareFailure('not_verified', detailOf(answer));
  const mayBeOwn = code !== undefined || answer.body.trim() === '';
  if (isNotVerified(answer) || (answer.status === 403 && code !== 3001 && mayBeOwn))
    return new CryptshareFailure('verification_refused', detailOf(answer));
  return calls.failed(answer);
}

const pathOf = (mailbox: string): string => `/users/${encodeURIComponent(mailbox)}/verification`;

/** ISO 8601 in UTC, whatever the server's offset; undefined for text that is no time. */
function timeOf(value: unknown): string | undefined {
  const time = typeof value === 'string' ? Date.parse(value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')) : Number.NaN;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

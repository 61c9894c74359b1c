import { codeOf, tlsProblemOf } from '#functions/http/tls-problem.ts';
import { cut, printable } from '#functions/notices/foreign-text.ts';
import type { MailAnswer } from '#functions/webhooks/http/mail.ts';

/** Characters of an answer that are kept for operators. */
const keptCharacters = 1024;

/** Replies that want a login, or refuse it, whatever the command (RFC 4954, 6). */
const loginReplies = new Set([530, 534, 535, 538]);

/** Error of nodemailer. It puts its own code over that of Node, which it keeps as `originalCode`. */
interface SmtpError {
  readonly code?: string;
  readonly originalCode?: string;
  readonly message?: string;
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
  /** Set for each timeout of nodemailer. */
  readonly timeoutType?: string;
}

/** Removes secrets from a foreign text. */
export type Hide = (text: string) => string;

/** Describes a reply of the server, for example `250 2.0.0 queued as 4F1`. */
export function replyOf(response: string, hide: Hide): Pick<MailAnswer, 'status' | 'response'> {
  const status = Number(/^\d{3}/.exec(response)?.[0]);
  return { ...(status && { status }), response: cut(printable(hide(response)), keptCharacters) };
}

/** Classifies an error of sending or connecting. @example `{ cause: 'mail_refused', status: 552, response: '552 …' }` */
export function answerOf(error: unknown, hide: Hide): MailAnswer {
  const { code, originalCode, message, command, response, responseCode = 0, timeoutType } = error as SmtpError;
  const said = response ? replyOf(response, hide) : {};
  if (timeoutType !== undefined || code === 'EABORT') return { cause: 'timeout' };
  // A later try may succeed: greylisting, a limit, or a server that is about to stop (RFC 5321, 4.2.1).
  if (responseCode >= 400 && responseCode < 500) return { cause: 'throttled', ...said };
  if (command === 'STARTTLS' && response) return { cause: 'untrusted_certificate', code: 'STARTTLS_REFUSED', ...said };
  if (code === 'EAUTH' || loginReplies.has(responseCode)) return { cause: 'mail_login_refused', ...said };
  if (responseCode >= 500 || code === 'EENVELOPE' || code === 'EMESSAGE') return { cause: 'mail_refused', ...said };
  if (code === 'EPROTOCOL') return { cause: 'unreachable', code };
  const exact = codeOf({ code: originalCode ?? code, message });
  if (exact === 'ETLS') return { cause: 'untrusted_certificate', code: 'EPROTO' };
  if (exact !== undefined && tlsProblemOf(exact)) return { cause: 'untrusted_certificate', code: exact };
  // Nodemailer has words of its own for a connection that the server has ended.
  return { cause: 'unreachable', code: exact === undefined || exact === 'ECONNECTION' ? 'ECONNRESET' : exact };
}

/** Letters of a password that are searched for: a server may echo a part of it. */
const searchedLetters = 4;

const hidden = '(hidden)';

/** Hides a password, also in base64 as the commands of a login carry it. */
export function hiding(password: string | undefined): Hide {
  if (!password) return (text) => text;
  const start = Buffer.from([...password].slice(0, searchedLetters).join(''));
  const isEcho = (word: string) =>
    [0, 1, 2, 3].some((shift) => Buffer.from(word.slice(shift), 'base64').includes(start));
  return (text) =>
    text.replaceAll(password, hidden).replaceAll(/[\w+/-]{4,}={0,2}/g, (word) => (isEcho(word) ? hidden : word));
}

import type { IncomingHttpHeaders } from 'node:http';
import type { HttpError } from '#functions/http/http-error.ts';
import { retryAfterOf } from '#functions/http/retry-after.ts';
import { tlsProblemOf } from '#functions/http/tls-problem.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import answers from './answers.json' with { type: 'json' };
import causes from './failures.json' with { type: 'json' };

/** A server's answer, redirects included: the client follows none. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Decoded as UTF-8, without a byte order mark. */
  readonly body: string;
}

interface FailureWords {
  readonly says: string;
  readonly remedy: string;
  /** True when a retry soon can help. */
  readonly retry?: boolean;
}

export type FailureCause = keyof typeof causes;

export const isFailureCause = (value: unknown): value is FailureCause =>
  typeof value === 'string' && Object.hasOwn(causes, value);

/** True for a cause that a wrong clock here may explain. */
export const mayClockExplain = (cause: string): boolean => isFailureCause(cause) && 'isDated' in causes[cause];

/** A request to a Cryptshare Server that brought no result. Carries no header, body or mailbox. */
export class CryptshareFailure extends Error {
  override readonly name = 'CryptshareFailure';
  readonly kind: FailureCause;
  /** Answer or error received, such as `HTTP 401, code 3002`. It names no time, because it is read later. */
  readonly detail: string | undefined;
  readonly remedy: string;
  readonly retryable: boolean;
  /** Milliseconds of the server's `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  /** @param words more exact than those of the kind */
  constructor(kind: FailureCause, detail?: string, retryAfterMs?: number, words: Partial<FailureWords> = {}) {
    const { says, remedy, retry }: FailureWords = { ...causes[kind], ...words };
    super(detail ? `${says} (${detail})` : says);
    this.kind = kind;
    this.detail = detail;
    this.remedy = remedy;
    this.retryable = retry === true;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Causes by the answers that mean them: by status, and by the server's error code or `a page`. The first match counts. */
const meanings = Object.entries(answers).map(([kind, form]) => [kind as FailureCause, new RegExp(form)] as const);

/**
 * Interprets an answer other than 200. Sources: the error table of the vendor's REST API 1.8 document; its prose pages
 * for 401 and 403. Only the server itself can reject a token, a client id or a request. A page without its error code
 * comes from a proxy or filter. An answer without a body may be either's.
 */
export function failureOf({ status, headers, body }: Answer, now: Date): CryptshareFailure {
  const detail = detailOf({ status, body });
  const isPage = errorCodeOf(body) === undefined && body.trim() !== '';
  const [kind] = meanings.find(([, form]) => form.test(isPage ? `${detail}, a page` : detail))!;
  return new CryptshareFailure(kind, detail, retryAfterOf(headers['retry-after'], now, headers.date));
}

/** True when the server's own error says that a token is invalid. */
export const isNotVerified = ({ status, body }: Answer): boolean =>
  (status === 401 || status === 403) && errorCodeOf(body) === 3002;

/** Interprets the error of a request, by Node's own code for network, TLS and HTTP. */
export function failureOfError(error: unknown): CryptshareFailure {
  if (error instanceof CryptshareFailure) return error;
  const { failure = 'network', message = '', code = 'the connection broke' } = error as Partial<HttpError>;
  if (failure === 'proxy') return new CryptshareFailure('proxy_failed', message);
  if (failure !== 'network') return new CryptshareFailure('timeout');
  const tls = tlsProblemOf(code);
  if (tls) {
    const words = { says: `the server’s ${tls.says}`, remedy: tls.remedy };
    return new CryptshareFailure(tls.isCertificate ? 'certificate_untrusted' : 'unreachable', code, undefined, words);
  }
  return new CryptshareFailure(code.startsWith('HPE_') ? 'malformed_answer' : 'unreachable', code);
}

/** Summary of an answer for people: its status, and the server's error code if it has one. */
export function detailOf({ status, body }: Pick<Answer, 'status' | 'body'>): string {
  const code = errorCodeOf(body);
  return code === undefined ? `HTTP ${status}` : `HTTP ${status}, code ${code}`;
}

/** The server's error code, if the body is its error object and not a proxy's page. */
export function errorCodeOf(body: string): number | undefined {
  const { errorCode } = (jsonOf(body) ?? {}) as { errorCode?: unknown };
  return typeof errorCode === 'number' ? errorCode : undefined;
}

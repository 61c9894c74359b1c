import type { IncomingHttpHeaders } from 'node:http';
import type { HttpError } from '#functions/http/http-error.ts';
import { retryAfterOf } from '#functions/http/retry-after.ts';
import { tlsProblemOf } from '#functions/http/tls-problem.ts';
import { jsonOf } from '#functions/parsing/json.ts';

/** A server's answer, redirects included: the client follows none. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Decoded as UTF-8, without a byte order mark. */
  readonly body: string;
}

const verify = 'verify it by e-mail: npm run notifier -- watch verify MAILBOX';

interface FailureWords {
  readonly says: string;
  readonly remedy: string;
  /** True when a retry soon can help. */
  readonly retry?: true;
}

/** Each cause of failure with its words and its remedy. */
export const causes = {
  token_invalid: {
    says: 'the server does not accept the verification of this mailbox any more',
    remedy: `an administrator may have reset it; ${verify}`,
  },
  not_verified: {
    says: 'this mailbox is not verified, and the client id may not verify it by itself',
    remedy: `have an administrator register the client id (Add-on Products > REST API), or ${verify}`,
  },
  verification_ended: { says: 'the verification of this mailbox has ended', remedy: verify },
  verification_refused: {
    says: 'the server refuses to verify this mailbox',
    remedy: 'ask the administrator whether verification is switched on for the REST API and for this client id',
  },
  code_rejected: {
    says: 'the server does not accept this verification code',
    remedy: 'enter the code of the latest mail, 10 letters and digits; each code works once, and a newer one voids it',
  },
  client_id_rejected: {
    says: 'the server does not accept the client id',
    remedy:
      'set CRYPTSHARE_CLIENT_ID to a client id, 50 to 4000 letters and digits; npm run notifier -- client-id new makes one',
  },
  not_licensed: {
    says: 'the server has no licence for the REST API',
    remedy: 'ask the administrator to license the REST API (Add-on Products > REST API)',
  },
  forbidden: {
    says: 'the server forbids this listing',
    remedy: 'ask the administrator which policy refuses this client id or mailbox',
  },
  version_unsupported: {
    says: 'the server does not offer REST API 1.12',
    remedy:
      'update the Cryptshare Server to a release with REST API 1.12 or a later 1.x; until then it can only be watched for sent transfers',
  },
  major_version_gone: {
    says: 'the server does not offer REST API 1 any more',
    remedy: 'update the notifier to a release that knows the newer version',
  },
  endpoint_missing: {
    says: 'the server has no REST API at this address',
    remedy: 'check server.url; the REST API must be reachable below /api, in version 1.12 or a later 1.x',
  },
  throttled: {
    says: 'the server asks to slow down',
    remedy: 'poll less often (schedule.every) or with fewer pages at once (server.maxConcurrentPages)',
    retry: true,
  },
  server_fault: {
    says: 'the server failed to answer',
    remedy: 'nothing to do if it passes; otherwise look at the server’s own log',
    retry: true,
  },
  request_rejected: {
    says: 'the server rejected the request',
    remedy:
      'check that the mailbox is spelt as on the server, else remove its watch and add it anew; if it is, report this, the notifier sends only documented requests',
  },
  redirected: {
    says: 'the server redirects elsewhere, and credentials are not carried there',
    remedy: 'set server.url to the address it redirects to, if that is the Cryptshare Server',
  },
  malformed_answer: {
    says: 'the answer is not the requested JSON',
    remedy: 'check that server.url leads to the Cryptshare Server itself and not to a login or error page of a proxy',
    retry: true,
  },
  answer_too_large: {
    says: 'the server’s answer is larger than the notifier takes',
    remedy:
      'check that server.url leads to the Cryptshare Server itself; if it does, update it to a release with REST API 1.12 or a later 1.x, which sends only the requested fields',
    retry: true,
  },
  listing_too_large: {
    says: 'the listing needs more memory than there is for it',
    remedy:
      'other watches are not affected; have transfers deleted that the mailbox no longer needs, or spread the watches over more shards (schedule.shards)',
  },
  timeout: {
    says: 'the server did not answer in time',
    remedy: 'nothing to do if it passes; otherwise check the network between here and the server',
    retry: true,
  },
  out_of_time: {
    says: 'the poll ran out of time before the listing was complete',
    remedy:
      'spread the watches over more shards (schedule.shards) or read more pages at once (server.maxConcurrentPages)',
  },
  certificate_untrusted: {
    says: 'the server’s certificate is not trusted',
    remedy: 'set server.caFile to the certificate (PEM) of the authority that issued it',
  },
  proxy_failed: {
    says: 'the proxy on the way to the server does not lead there',
    remedy:
      'check HTTPS_PROXY, with http://USER:PASSWORD@HOST:PORT where it answers 407; have the proxy allow the server, or name the server in NO_PROXY if it is reached without',
    retry: true,
  },
  unreachable: {
    says: 'the server cannot be reached',
    remedy: 'check server.url, DNS and the network between here and the server',
    retry: true,
  },
} satisfies Record<string, FailureWords>;

export type FailureCause = keyof typeof causes;

export const isFailureCause = (value: unknown): value is FailureCause =>
  typeof value === 'string' && Object.hasOwn(causes, value);

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

/**
 * Interprets an answer other than 200. Sources: the error table of the vendor's REST API 1.8 document; its prose pages
 * for 401 and 403. Only the server itself can reject a token, a client id or a request. A page without its error code
 * comes from a proxy or filter. An answer without a body may be either's.
 */
export function failureOf({ status, headers, body }: Answer, now: Date): CryptshareFailure {
  const code = errorCodeOf(body);
  const detail = detailOf({ status, body });
  const retryAfterMs = retryAfterOf(headers['retry-after'], now, headers.date);
  const fail = (kind: FailureCause) => new CryptshareFailure(kind, detail, retryAfterMs);
  if (status === 404 && (code === 2004 || code === 2003)) return fail('version_unsupported');
  if (status === 404) return fail('endpoint_missing');
  if (status === 429) return fail('throttled');
  if (status >= 500) return fail('server_fault');
  if (status >= 300 && status < 400) return fail('redirected');
  if (status < 300 || (code === undefined && body.trim() !== '')) return fail('malformed_answer');
  if (status === 401 || (status === 403 && code === 3002)) return fail('token_invalid');
  if (status === 403 && code === 3001) return fail('not_licensed');
  if (status === 403) return fail('forbidden');
  if (status === 400 && (code === 1002 || code === 1004)) return fail('client_id_rejected');
  return fail('request_rejected');
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

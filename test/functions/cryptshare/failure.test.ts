import { describe, expect, it, test } from 'vitest';
import {
  CryptshareFailure,
  errorCodeOf,
  type FailureCause,
  failureOf,
  failureOfError,
} from '#functions/cryptshare/failure.ts';
import { HttpError } from '#functions/http/http-error.ts';

const now = new Date('2026-11-24T12:00:00Z');
const errorBody = (errorCode: number) => JSON.stringify({ errorCode, errorMessage: 'Some text.' });
const answered = (status: number, body = '', headers: Record<string, string> = {}) =>
  failureOf({ status, headers, body }, now);

const whetherRetryable: Record<FailureCause, boolean> = {
  token_invalid: false,
  client_id_rejected: false,
  not_licensed: false,
  forbidden: false,
  version_unsupported: false,
  major_version_gone: false,
  not_verified: false,
  verification_ended: false,
  verification_refused: false,
  code_rejected: false,
  endpoint_missing: false,
  throttled: true,
  server_fault: true,
  request_rejected: false,
  redirected: false,
  malformed_answer: true,
  answer_too_large: true,
  listing_too_large: false,
  timeout: true,
  out_of_time: false,
  certificate_untrusted: false,
  proxy_failed: true,
  unreachable: true,
};
const causes = Object.keys(whetherRetryable) as FailureCause[];

describe('the error table of the REST API 1.8 document', () => {
  test.each<[status: number, code: number, kind: FailureCause]>([
    [400, 1002, 'client_id_rejected'],
    [400, 1004, 'client_id_rejected'],
    [400, 1005, 'request_rejected'],
    [404, 1005, 'endpoint_missing'],
    [404, 1006, 'endpoint_missing'],
    [404, 2003, 'version_unsupported'],
    [404, 2004, 'version_unsupported'],
    [409, 2001, 'request_rejected'],
    [403, 2005, 'forbidden'],
    [410, 2006, 'request_rejected'],
    [429, 2007, 'throttled'],
    [403, 3001, 'not_licensed'],
    [401, 3002, 'token_invalid'],
    [403, 3002, 'token_invalid'],
    [401, 3003, 'token_invalid'],
    [403, 3004, 'forbidden'],
    [403, 3010, 'forbidden'],
    [403, 3011, 'forbidden'],
    [500, 5000, 'server_fault'],
    [501, 5001, 'server_fault'],
    [501, 5002, 'server_fault'],
  ])('%i with code %i means %s', (status, code, kind) => {
    const failure = answered(status, errorBody(code));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toContain(`HTTP ${status}, code ${code}`);
  });
});

describe('an answer without the error object', () => {
  const pages = ['<html><h1>Gateway</h1></html>', 'null', '[]', '"3001"', '{"errorCode":"3001"}', '{"error":{}}', '{'];

  test.each<{ status: number; page: FailureCause; empty: FailureCause }>([
    { status: 204, page: 'malformed_answer', empty: 'malformed_answer' },
    { status: 301, page: 'redirected', empty: 'redirected' },
    { status: 302, page: 'redirected', empty: 'redirected' },
    { status: 307, page: 'redirected', empty: 'redirected' },
    { status: 400, page: 'malformed_answer', empty: 'request_rejected' },
    { status: 401, page: 'malformed_answer', empty: 'token_invalid' },
    { status: 403, page: 'malformed_answer', empty: 'forbidden' },
    { status: 404, page: 'endpoint_missing', empty: 'endpoint_missing' },
    { status: 406, page: 'malformed_answer', empty: 'request_rejected' },
    { status: 407, page: 'malformed_answer', empty: 'request_rejected' },
    { status: 413, page: 'malformed_answer', empty: 'request_rejected' },
    { status: 429, page: 'throttled', empty: 'throttled' },
    { status: 500, page: 'server_fault', empty: 'server_fault' },
    { status: 502, page: 'server_fault', empty: 'server_fault' },
    { status: 503, page: 'server_fault', empty: 'server_fault' },
    { status: 504, page: 'server_fault', empty: 'server_fault' },
  ])('of status $status rejects no token, client id or request if it is a page: $page', ({ status, page, empty }) => {
    for (const body of [...pages, '']) {
      const failure = answered(status, body);
      expect([body, failure.kind]).toEqual([body, body === '' ? empty : page]);
      expect(failure.message).toContain(`(HTTP ${status})`);
    }
  });
});

test.each([
  { body: errorBody(3002), code: 3002 },
  { body: '{"errorCode":"3002"}', code: undefined },
  { body: '{"data":{"errorCode":3002}}', code: undefined },
  { body: 'null', code: undefined },
  { body: '', code: undefined },
])('the error code of $body is $code', ({ body, code }) => {
  expect(errorCodeOf(body)).toBe(code);
});

test.each([
  { header: '120', ms: 120_000 },
  { header: 'Tue, 24 Nov 2026 12:00:30 GMT', ms: 30_000 },
  { header: 'soon', ms: undefined },
  { header: undefined, ms: undefined },
])('a failure with Retry-After: $header asks to wait $ms ms', ({ header, ms }) => {
  const headers: Record<string, string> = header === undefined ? {} : { 'retry-after': header };
  expect(answered(429, '', headers).retryAfterMs).toBe(ms);
  expect(answered(503, '', headers).retryAfterMs).toBe(ms);
});

describe('an error on the way', () => {
  const withCode = (code: string) => new HttpError('network', Object.assign(new Error('some text'), { code }));
  test.each<{ what: string; error: unknown; kind: FailureCause; says?: string }>([
    { what: 'a timeout', error: new HttpError('timeout'), kind: 'timeout' },
    {
      what: 'a proxy that refuses',
      error: new HttpError('proxy', 'proxy.test:3128: HTTP 407'),
      kind: 'proxy_failed',
      says: 'proxy.test:3128: HTTP 407',
    },
    { what: 'another protocol', error: withCode('HPE_INVALID_CONSTANT'), kind: 'malformed_answer', says: 'HPE_' },
    { what: 'a broken connection', error: new HttpError('network'), kind: 'unreachable' },
    ...['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'EHOSTUNREACH', 'EAI_AGAIN', 'EPIPE'].map((code) => ({
      what: code,
      error: withCode(code),
      kind: 'unreachable' as const,
      says: code,
    })),
    ...[
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'CERT_UNTRUSTED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ].map((code) => ({ what: code, error: withCode(code), kind: 'certificate_untrusted' as const, says: code })),
  ])('such as $what means $kind', ({ error, kind, says = '' }) => {
    const failure = failureOfError(error);
    expect(failure.kind).toBe(kind);
    expect(failure.message).toContain(says);
    expect(failure.message).not.toContain('some text');
  });
});

describe('every failure', () => {
  test.each(causes)('of kind %s says what is wrong, what to do, and whether asking again can help', (kind) => {
    const failure = new CryptshareFailure(kind);
    expect(failure).toBeInstanceOf(Error);
    expect(failure.message).toMatch(/^\S.{10,}\S$/);
    expect(failure.remedy).toMatch(/^\S.{10,}\S$/);
    expect(failure.retryable).toBe(whetherRetryable[kind]);
  });

  it('has words and a remedy of its own', () => {
    const failures = causes.map((kind) => new CryptshareFailure(kind));
    expect(new Set(failures.map(({ message }) => message)).size).toBe(causes.length);
    expect(new Set(failures.map(({ remedy }) => remedy)).size).toBe(causes.length);
  });

  it('repeats nothing of what the server sent but status and code', () => {
    const secrets = ['example-client-id', 'example-token', 'alice@example.com'];
    const body = JSON.stringify({ errorCode: 3002, errorMessage: secrets.join(' ') });
    for (const status of [200, 302, 400, 401, 403, 404, 409, 429, 500]) {
      for (const text of [body, secrets.join('<br>')]) {
        const failure = answered(status, text, { location: secrets.join('/'), 'retry-after': secrets[0]! });
        const told = JSON.stringify([failure, failure.message, failure.stack]);
        for (const secret of secrets) expect(told).not.toContain(secret);
      }
    }
  });
});

import type { Fault } from '#infra/simulator/faults.ts';

const html = { 'content-type': 'text/html; charset=utf-8' };
const json = { 'content-type': 'application/json; charset=utf-8' };

/** Known answers of servers, proxies and sign-in portals. */
export const faultAnswers = {
  /** 429/2007; `retryAfter` is the value of the header, in seconds or as an HTTP date. */
  tooManyRequests: (retryAfter?: string) => ({
    kind: 'response',
    status: 429,
    headers: retryAfter === undefined ? json : { ...json, 'retry-after': retryAfter },
    body: '{"errorCode":2007,"errorMessage":"Too many requests."}',
  }),
  serverError: {
    kind: 'response',
    status: 500,
    headers: json,
    body: '{"errorCode":5000,"errorMessage":"Unhandled server error."}',
  },
  badGateway: { kind: 'response', status: 502, headers: html, body: '<html><h1>502 Bad Gateway</h1></html>' },
  emptyUnauthorized: { kind: 'response', status: 401 },
  /** HTML page with status 200 where data should be. */
  signInPage: { kind: 'response', status: 200, headers: html, body: '<html><h1>Please sign in</h1></html>' },
  redirect: (location: string) => ({ kind: 'response', status: 302, headers: { location } }),
} as const satisfies Record<string, Fault['answer'] | ((value: string) => Fault['answer'])>;

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';

/** Why a request is turned away. */
interface Refusal {
  readonly status: 400 | 401 | 403;
  /** One sentence: what was expected. */
  readonly detail: string;
  readonly headers?: http.OutgoingHttpHeaders;
}

/** Looks at the credentials of a request; undefined lets it in. */
export type Admission = (request: http.IncomingMessage) => Refusal | undefined;

/** Host names that lead to this machine alone. A name under localhost is none: what it leads to is up to the resolver. */
const loopbackHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/** A new secret of 128 random bits, as hexadecimal digits. */
export const newSecret = (): string => randomBytes(16).toString('hex');

/** Lets in requests to AWS that are signed with this access key. */
export function withAccessKey(accessKeyId: string): Admission {
  const headers = { 'x-amzn-errortype': 'UnrecognizedClientException' };
  return ({ headers: { authorization = '' } }) => {
    const [, given = ''] = /^AWS4-[A-Z0-9-]+ +Credential=([^/,\s]+)\//.exec(authorization) ?? [];
    if (isSame(given, accessKeyId)) return undefined;
    return { status: 403, detail: 'expected a signature with the access key of this run', headers };
  };
}

/** Lets in requests that carry this bearer token (RFC 6750). */
export function withToken(token: string): Admission {
  const headers = { 'www-authenticate': 'Bearer' };
  return ({ headers: { authorization = '' } }) => {
    const [, given = ''] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    if (isSame(given, token)) return undefined;
    return {
      status: 401,
      detail: 'expected the header Authorization: Bearer TOKEN, with the token of this run',
      headers,
    };
  };
}

/**
 * Puts the guard before every listener that a server has for requests by now. It turns away whatever a page in a browser
 * could have sent, by an address or by a name that was made to lead here, and what lacks the credentials.
 *
 * @param admission looks at credentials; without it none are asked for
 */
export function guardServer(server: http.Server | https.Server, admission: Admission = () => undefined): void {
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    const refusal = pageRefusal(request) ?? admission(request);
    if (refusal) refuse(response, refusal);
    else for (const listener of listeners) listener.call(server, request, response);
  });
}

/**
 * Has a server listen on a free port of the loopback interface.
 *
 * @returns its address
 */
export async function listenOnLoopback(server: http.Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function pageRefusal({ url = '', headers, headersDistinct }: http.IncomingMessage): Refusal | undefined {
  // The target may name a host as well, which would count instead of the header (RFC 9112, 3.2.2).
  if (!url.startsWith('/')) return { status: 400, detail: 'expected a path as the target of the request' };
  const [host = '', ...further] = headersDistinct.host ?? [];
  if (further.length > 0 || !loopbackHost.test(host)) {
    return { status: 403, detail: 'expected this machine in the header Host, such as 127.0.0.1' };
  }
  // A browser says `none` of an address that a person typed.
  const { 'sec-fetch-site': initiator = 'none', upgrade = '' } = headers;
  if (headers.origin !== undefined || initiator !== 'none') {
    return { status: 403, detail: 'expected no header Origin and no Sec-Fetch-Site: this is not for web pages' };
  }
  if (/websocket/i.test(upgrade)) return { status: 403, detail: 'expected no upgrade to WebSocket' };
  return undefined;
}

function refuse(response: http.ServerResponse, { status, detail, headers = {} }: Refusal): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ type: 'about:blank', title: http.STATUS_CODES[status], status, detail }));
}

/** Compares in constant time, whatever the lengths. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/*
 * Guards the HTTP servers of a local run and of the console, which listen on the loopback interface only, except for
 * metrics where the configuration says so. They refuse requests from foreign web pages, including those by DNS
 * rebinding, and requests without the run's credentials.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';

/** Answer to a request that the guard refuses. */
interface Refusal {
  readonly status: 400 | 401 | 403;
  readonly detail: string;
  readonly headers?: http.OutgoingHttpHeaders;
}

/** Checks the credentials of a request; undefined accepts it. */
export type Admission = (request: http.IncomingMessage) => Refusal | undefined;

/** Web pages whose requests a server takes: none, or only those that it has served itself. */
export type Pages = 'none' | 'own';

/** Host names that always mean this machine. Names under localhost do not, as the resolver decides where they lead. */
const loopbackHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/** Makes a secret of 128 random bits, as hexadecimal digits. */
export const newSecret = (): string => randomBytes(16).toString('hex');

/** Accepts requests to AWS that name this access key in their signature. */
export const withAccessKey = (accessKeyId: string): Admission =>
  withCredential(/^AWS4-[A-Z0-9-]+ +Credential=([^/,\s]+)\//, accessKeyId, {
    status: 403,
    detail: 'expected a signature with the access key of this run',
    headers: { 'x-amzn-errortype': 'UnrecognizedClientException' },
  });

/** Accepts requests that carry this bearer token (RFC 6750). */
export const withToken = (token: string): Admission =>
  withCredential(/^Bearer +(\S+)$/i, token, {
    status: 401,
    detail: 'expected the header Authorization: Bearer TOKEN, with the token of this run',
    headers: { 'www-authenticate': 'Bearer' },
  });

function withCredential(place: RegExp, expected: string, refusal: Refusal): Admission {
  return ({ headers: { authorization = '' } }) =>
    isSameSecret(place.exec(authorization)?.[1] ?? '', expected) ? undefined : refusal;
}

/** Compares in constant time, also where the lengths differ. */
export const isSameSecret = (given: string, expected: string): boolean =>
  timingSafeEqual(digestOf(given), digestOf(expected));

/** Requires no credentials here. */
export const withAny: Admission = () => undefined;

/**
 * Puts the guard before every `request` listener that the server has so far; listeners added later are not guarded.
 *
 * @param admission checks credentials
 */
export function guardServer(
  server: http.Server | https.Server,
  admission: Admission = withAny,
  pages: Pages = 'none',
): void {
  guardRequests(server, (request) => pageRefusal(request, pages) ?? admission(request));
}

function guardRequests(server: http.Server | https.Server, refusalOf: Admission): void {
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    const refusal = refusalOf(request);
    if (refusal) refuse(response, refusal);
    else for (const listener of listeners) listener.call(server, request, response);
  });
}

/** Port 0 stands for a free one. */
const anyPort = { host: '127.0.0.1', port: 0 };

/** Has a server listen on a free port of the loopback interface, and returns its origin. */
export const listenOnLoopback = (server: http.Server): Promise<string> => listen(server, anyPort);

async function listen(server: http.Server, { host, port }: typeof anyPort): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const { port: used } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${used}`;
}

/** Serves guarded requests on the loopback interface; `close` cuts off those in flight. */
export async function serveOnLoopback(
  server: http.Server,
  admission: Admission,
  address = anyPort,
  pages: Pages = 'none',
) {
  guardServer(server, admission, pages);
  return served(server, address);
}

/**
 * Serves requests without credentials at an address that other machines reach, under any name of this one. It refuses
 * requests that name a web page. `close` cuts off those in flight.
 */
export async function serveOnNetwork(server: http.Server, address: typeof anyPort) {
  guardRequests(server, (request) => initiatorRefusal(request, 'none'));
  return served(server, address);
}

async function served(server: http.Server, address: typeof anyPort) {
  return {
    url: await listen(server, address),
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pageRefusal(request: http.IncomingMessage, pages: Pages): Refusal | undefined {
  const { url = '', headersDistinct } = request;
  // A host in the request target would override the header (RFC 9112, 3.2.2).
  if (!url.startsWith('/')) return { status: 400, detail: 'expected a path as the target of the request' };
  const [host = '', ...further] = headersDistinct.host ?? [];
  if (further.length > 0 || !loopbackHost.test(host)) {
    return { status: 403, detail: 'expected this machine in the header Host, such as 127.0.0.1' };
  }
  return initiatorRefusal(request, pages);
}

/** Refuses a request that a web page has initiated, as far as its headers tell. */
function initiatorRefusal({ headers }: http.IncomingMessage, pages: Pages): Refusal | undefined {
  // Browsers send `none` for an address that a person typed.
  const { 'sec-fetch-site': initiator = 'none', upgrade = '' } = headers;
  const own = pages === 'own' ? `http://${headers.host}` : undefined;
  if ((headers.origin ?? own) !== own || !(initiator === 'none' || (own && initiator === 'same-origin'))) {
    return { status: 403, detail: refusedPages[pages] };
  }
  if (/websocket/i.test(upgrade)) return { status: 403, detail: 'expected no upgrade to WebSocket' };
  return undefined;
}

const refusedPages: Readonly<Record<Pages, string>> = {
  none: 'expected no header Origin and no Sec-Fetch-Site: this is not for web pages',
  own: 'expected a page of this address, or an address that was typed: this is not for other web pages',
};

function refuse(response: http.ServerResponse, { status, detail, headers = {} }: Refusal): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ type: 'about:blank', title: http.STATUS_CODES[status], status, detail }));
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

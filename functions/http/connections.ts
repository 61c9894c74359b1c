import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Cancellation } from './cancellation.ts';
import { HttpError, type HttpFailure } from './http-error.ts';
import { bareHost } from './networks.ts';
import { openTunnel } from './proxy.ts';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query. @default those of the URL */
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Milliseconds until the answer must be complete. */
  readonly timeoutMs: number;
  /** Milliseconds of these for connecting, including proxy and TLS. */
  readonly connectTimeoutMs?: number | undefined;
  /** Bytes of the answer's body that are read; a longer body is cut off. */
  readonly maxBytes: number;
  /** True when a request may be repeated after a kept connection proves dead; other requests need a new connection. */
  readonly isRepeatable: boolean;
  readonly proxy?: URL | undefined;
  /** Requests of the same pool and proxy share connections. @default the origin of the URL */
  readonly pool?: string;
  /** Resolves the host name instead of the system. */
  readonly lookup?: LookupFunction;
  /** Gives the request up, as if the network had failed. */
  readonly cancellation?: Cancellation | undefined;
}

export type Flaw = 'encoded' | 'too_large' | 'cut_off' | 'late';

/** An answer. Status and headers are valid once they are there; a later failure concerns the body alone. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly flaw: Flaw | undefined;
}

/** Milliseconds that an idle connection is kept: servers such as Apache's and Node's close it after 5 s. */
const keptForMs = 4000;

/** Largest head of an answer in bytes: Node's own limit. */
const maxHeaderBytes = 16_384;

const agentOptions = { keepAlive: true, timeout: keptForMs, maxFreeSockets: 32 } as const;

/**
 * Milliseconds for each of several addresses of a host. A lost first packet is sent again after 1 s and after 3 s, so
 * it may be lost twice. Node's own 250 ms gives up a host on the other side of the world.
 */
const addressTimeoutMs = 4000;

interface Route extends https.RequestOptions {
  readonly pool: string;
  readonly proxy: URL | undefined;
  readonly connectTimeoutMs: number;
}

/** Connections to any number of hosts, kept open for a few seconds between requests. */
export class Connections {
  private readonly plain: http.Agent;
  private readonly encrypted: http.Agent;
  /** Times by `performance.now()`. A socket's own timer is late where the process is frozen, as on Lambda. */
  private readonly idleSince = new WeakMap<Duplex, number>();

  /** @param ca certificates in PEM to trust instead of the public ones */
  constructor(ca?: string | readonly string[]) {
    this.plain = this.prepared(new http.Agent(agentOptions));
    this.encrypted = this.prepared(new https.Agent({ ...agentOptions, ca: ca && [ca].flat() }));
  }

  /** Follows no redirect, keeps no cookie, decompresses nothing. Throws HttpError without an answer. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { url, proxy, isRepeatable } = request;
    const agent = url.protocol === 'https:' ? this.encrypted : this.plain;
    const pool = `${request.pool ?? url.origin} ${proxy ? proxy.href : ''}`;
    this.dropIdle(agent, pool, isRepeatable ? keptForMs : 0);
    const deadline = performance.now() + request.timeoutMs;
    try {
      return await exchange(request, agent, pool, request.timeoutMs);
    } catch (error) {
      if (!(error instanceof DeadConnectionError)) throw error;
      // Other idle connections of this pool are probably stale too.
      this.dropIdle(agent, pool, 0);
      if (error.failure !== 'network' || request.cancellation?.isCancelled) throw error;
      return await exchange(request, agent, pool, deadline - performance.now());
    }
  }

  close(): void {
    this.plain.destroy();
    this.encrypted.destroy();
  }

  private dropIdle(agent: http.Agent, pool: string, idleFor: number): void {
    const now = performance.now();
    for (const socket of agent.freeSockets[pool] ?? [])
      if (now - (this.idleSince.get(socket) ?? 0) >= idleFor) socket.destroy();
  }

  private prepared(agent: http.Agent): http.Agent {
    agent.getName = (options) => (options as Route).pool;
    const keepSocketAlive = agent.keepSocketAlive.bind(agent);
    agent.keepSocketAlive = (socket) => {
      this.idleSince.set(socket, performance.now());
      return keepSocketAlive(socket);
    };
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => {
      const { proxy, host, port, connectTimeoutMs } = options as Route;
      if (!proxy) return connect(options, callback);
      const isTls = agent instanceof https.Agent;
      const ofTls = options as tls.ConnectionOptions;
      openTunnel(proxy, host!, Number(port), connectTimeoutMs)
        .then((socket) => callback!(null, isTls ? tls.connect({ ...ofTls, socket }) : socket))
        .catch((error) => callback!(error, undefined!));
      return undefined;
    };
    return agent;
  }
}

/** Thrown when a kept connection was closed, or stayed silent until the timeout. */
class DeadConnectionError extends HttpError {}

function exchange(request: HttpRequest, agent: http.Agent, pool: string, timeoutMs: number): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const { method, url, body, maxBytes, proxy, lookup, cancellation } = request;
  const isTls = url.protocol === 'https:';
  const connectTimeoutMs = Math.min(timeoutMs, request.connectTimeoutMs ?? timeoutMs);
  const options = {
    ...{ method, agent, pool, proxy, connectTimeoutMs, path: request.path ?? url.pathname + url.search },
    // Node parses a URL anew for each request, and headers one by one unless they come as a flat array.
    ...{ protocol: url.protocol, host: bareHost(url), port: url.port || (isTls ? 443 : 80), headers: rowOf(request) },
    ...(lookup && { lookup }),
    maxHeaderSize: maxHeaderBytes,
    autoSelectFamilyAttemptTimeout: Math.max(10, Math.min(addressTimeoutMs, Math.ceil(connectTimeoutMs / 2))),
  };
  const outgoing = (isTls ? https : http).request(options as Route);
  let head: http.IncomingMessage | undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  let bytesBefore = 0;
  let isSettled = false;
  let connectTimer: NodeJS.Timeout | undefined;
  const settle = (failure: HttpFailure, cause?: Error) => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(timer);
    clearTimeout(connectTimer);
    if (head) {
      const { statusCode: status = 0, headers } = head;
      const arrived = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      return resolve({ status, headers, body: arrived, flaw: flawOf(head, bytes > maxBytes, failure) });
    }
    const isDead = outgoing.reusedSocket && (outgoing.socket?.bytesRead ?? bytesBefore) === bytesBefore;
    const Failure = isDead ? DeadConnectionError : HttpError;
    reject(cause instanceof HttpError ? cause : new Failure(failure, cause));
  };
  const giveUp = (failure: HttpFailure) => {
    settle(failure);
    outgoing.destroy();
  };
  const timer = setTimeout(giveUp, timeoutMs, 'timeout');
  const boundConnecting = () => {
    if (connectTimeoutMs < timeoutMs && !isSettled)
      connectTimer = setTimeout(giveUp, connectTimeoutMs, 'connect_timeout');
  };
  if (proxy) boundConnecting();
  if (cancellation) cancellation.onCancel = () => giveUp('network');
  outgoing.on('socket', (socket) => {
    bytesBefore = socket.bytesRead;
    const isConnected = outgoing.reusedSocket || !(isTls || socket.connecting);
    if (isConnected) return clearTimeout(connectTimer);
    if (!connectTimer) boundConnecting();
    socket.once(isTls ? 'secureConnect' : 'connect', () => clearTimeout(connectTimer));
  });
  outgoing.on('response', (response) => {
    // No upgrade was requested. Where the answer names a protocol, Node closes the connection itself; other interim
    // answers never arrive here.
    if (response.statusCode === 101) return giveUp('network');
    head = response;
    const end = () => settle('network');
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else giveUp('network');
    });
    for (const event of ['end', 'error', 'close']) response.on(event, end);
  });
  // After a response, its own events tell how it ends. A parser's error may come before its last bytes are read.
  outgoing.on('error', (error) => head ?? settle('network', error));
  outgoing.on('close', () => head ?? settle('network'));
  outgoing.end(body);
  return promise;
}

function rowOf({ method, url, headers, body }: HttpRequest): string[] {
  // A signed request has the host among its headers.
  const row = 'host' in headers ? [] : ['Host', url.host];
  for (const name in headers) row.push(name, headers[name]!);
  row.push('accept-encoding', 'identity');
  const mayHaveBody = body !== undefined || /^P/.test(method);
  if (mayHaveBody && !('content-length' in headers)) row.push('content-length', String(Buffer.byteLength(body ?? '')));
  return row;
}

/** Content encoding of an answer, though none was requested, as far as it is a word. */
export const encodingOf = ({ headers }: Pick<HttpAnswer, 'headers'>): string | undefined =>
  /^(?!identity$)[\w-]{1,20}/i.exec(headers['content-encoding'] ?? '')?.[0];

function flawOf(answer: http.IncomingMessage, isTooLarge: boolean, failure: HttpFailure): Flaw | undefined {
  if (encodingOf(answer) !== undefined) return 'encoded';
  if (isTooLarge) return 'too_large';
  if (answer.complete) return undefined;
  return failure === 'timeout' ? 'late' : 'cut_off';
}

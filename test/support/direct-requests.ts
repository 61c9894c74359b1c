import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

/** Channel on which Node publishes each server that is to listen. */
const listenChannel = 'tracing:net.server.listen:asyncStart';

/** Collects the servers that begin to listen while a task runs. */
export async function serversOf<Result>(task: () => Promise<Result>): Promise<[Result, ReadonlySet<Server>]> {
  const servers = new Set<Server>();
  const add = (message: unknown) => servers.add((message as { server: Server }).server);
  subscribe(listenChannel, add);
  try {
    return [await task(), servers];
  } finally {
    unsubscribe(listenChannel, add);
  }
}

type Handler = DynamoDBClient['config']['requestHandler'];
type HttpRequest = Parameters<Handler['handle']>[0];

/** The server that listens at a URL; undefined when none of them does. */
export const listeningAt = (servers: ReadonlySet<Server>, url: string): Server | undefined =>
  [...servers].find((server) => String((server.address() as AddressInfo | null)?.port) === new URL(url).port);

/**
 * Hands the requests of a client to a server of this process, guard included, without a connection: a test of the
 * database takes a quarter less time. Requests to another port, or to the server once it is closed, go over HTTP.
 */
export function directRequests(server: Server, settings: DynamoDBClientConfig): Handler {
  const { requestHandler } = new DynamoDBClient(settings).config;
  const { port } = server.address() as AddressInfo;
  const overHttp = requestHandler.handle.bind(requestHandler);
  return Object.assign(requestHandler, {
    handle: ((request, options: { readonly abortSignal?: unknown } = {}) =>
      request.port === port && server.listening
        ? exchange(server, request, options.abortSignal as AbortSignal | undefined)
        : overHttp(request, options)) as Handler['handle'],
  });
}

/** Emits a request as Node does, in a later turn of the event loop, as is the answer. */
function exchange(
  server: Server,
  request: HttpRequest,
  signal: AbortSignal | undefined,
): ReturnType<Handler['handle']> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Handler['handle']>>>();
  const abort = () => reject(Object.assign(new Error('Request aborted'), { name: 'AbortError' }));
  if (signal?.aborted) {
    abort();
    return promise;
  }
  signal?.addEventListener('abort', abort, { once: true });
  const headers: Record<string, string> = {};
  const response = {
    statusCode: 200,
    setHeader(name: string, value: unknown) {
      headers[name.toLowerCase()] = String(value);
    },
    writeHead(status: number, more: object = {}) {
      response.statusCode = status;
      for (const [name, value] of Object.entries(more)) response.setHeader(name, value);
    },
    end(text: string) {
      const { statusCode } = response;
      const answer = { statusCode, headers, body: Buffer.from(text) };
      setImmediate(() => {
        signal?.removeEventListener('abort', abort);
        resolve({ response: answer as never });
      });
    },
  };
  const arriving = Object.assign(new EventEmitter(), {
    method: request.method,
    url: request.path,
    headers: lowerCase(request.headers),
    headersDistinct: { host: [request.headers.host] },
  });
  setImmediate(() => {
    server.emit('request', arriving as unknown as IncomingMessage, response as unknown as ServerResponse);
    arriving.emit('data', bytesOf(request.body ?? ''));
    arriving.emit('end');
  });
  return promise;
}

/** The SDK warns where its bytes are asked whether they are a text. */
const bytesOf = (body: string | Uint8Array): Buffer =>
  body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : Buffer.from(body);

const lowerCase = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

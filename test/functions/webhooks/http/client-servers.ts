import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { generate } from 'selfsigned';
import { vi } from 'vitest';
import {
  PostError,
  type WebhookClient,
  type WebhookClientOptions,
  webhookClient,
} from '#functions/webhooks/http/webhook-client.ts';

const closing: (() => void)[] = [];

/** Ends everything that a test has started. */
export function closeAll(): void {
  vi.restoreAllMocks();
  for (const close of closing.splice(0)) close();
}

/** A client that takes every name for this machine. */
export function clientOf(options: Partial<WebhookClientOptions> = {}): WebhookClient {
  const client = webhookClient({ resolve: async () => ['127.0.0.1'], allowPrivate: true, ...options });
  closing.push(() => client.close());
  return client;
}

/** Has a server listen on a free port of this machine. */
export async function listen(server: net.Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A port on which no server listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An HTTP server and what it has seen. */
export async function receiver(answer: http.RequestListener = (_, response) => response.end()) {
  const seen = { connections: 0, requests: [] as http.IncomingMessage[], bodies: [] as string[] };
  const server = http.createServer((request, response) => {
    seen.requests.push(request);
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.bodies.push(body);
      answer(request, response);
    });
  });
  server.on('connection', () => {
    seen.connections += 1;
  });
  const port = await listen(server);
  return { ...seen, seen, port, url: `http://receiver.example.com:${port}/hook?a=b` };
}

/** A server that answers each request of a connection with bytes, told which connection and which request on it. */
export async function answering(
  answer: (connection: number, request: number, socket: net.Socket) => string | undefined,
) {
  const seen = { connections: 0, requests: [] as string[] };
  const server = net.createServer((socket) => {
    seen.connections += 1;
    const connection = seen.connections;
    let request = 0;
    socket.on('data', (data) => {
      request += 1;
      seen.requests.push(data.toString('latin1'));
      const bytes = answer(connection, request, socket);
      if (bytes !== undefined) socket.write(bytes, 'latin1');
    });
  });
  const port = await listen(server);
  return { port, url: `http://receiver.example.com:${port}/`, seen };
}

/** An answer of two bytes, after which a connection is kept. */
export const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}';

/** A server that answers each connection's first bytes with these, and no more. */
export async function speaking(answer: (socket: net.Socket) => void): Promise<string> {
  const server = net.createServer((socket) => void socket.once('data', () => answer(socket)));
  return `http://receiver.example.com:${await listen(server)}/hook`;
}

/** Why a request brought no answer. */
export const failureOf = async (posting: Promise<unknown>): Promise<string> => {
  const error = await posting.then(
    () => 'it was answered',
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PostError)) throw error;
  return error.failure;
};

/**
 * Plays the internet: whatever is dialled by TLS ends at a port of this machine.
 *
 * @returns the addresses that connections were allowed to go to
 */
export function internet(port: number): string[] {
  const dialled: string[] = [];
  const { connect } = tls;
  vi.spyOn(tls, 'connect').mockImplementation(((options: tls.ConnectionOptions) => {
    if (options.lookup) {
      options.lookup(options.host!, { all: true }, (_, addresses) => {
        for (const { address } of addresses as { address: string }[]) dialled.push(address);
      });
    }
    return connect({ ...options, host: '127.0.0.1', port });
  }) as typeof tls.connect);
  return dialled;
}

/** An HTTPS server for a name, with the certificate to trust. */
export async function tlsReceiver(name: string) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  });
  const seen = { connections: 0, names: [] as unknown[], hosts: [] as (string | undefined)[] };
  const server = https.createServer({ key, cert }, (request, response) => {
    seen.names.push((request.socket as tls.TLSSocket).servername);
    seen.hosts.push(request.headers.host);
    response.end('hello');
  });
  server.on('secureConnection', () => {
    seen.connections += 1;
  });
  return { port: await listen(server), cert, seen, server };
}

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PostError, WebhookClient, type WebhookClientOptions } from '../../../functions/webhooks/post.ts';

const closing: (() => void)[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0)) close();
});

/** A client that takes every name for this machine. */
function clientOf(options: Partial<WebhookClientOptions> = {}): WebhookClient {
  const client = new WebhookClient({ resolve: async () => ['127.0.0.1'], allowPrivate: true, ...options });
  closing.push(() => client.close());
  return client;
}

/** Has a server listen on a free port of this machine. */
async function listen(server: net.Server, host = '127.0.0.1'): Promise<number> {
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

/** An HTTP server and what it has seen. */
async function receiver(answer: http.RequestListener = (_, response) => response.end()) {
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

/** A server that answers each connection's first bytes with these, and no more. */
async function speaking(answer: (socket: net.Socket) => void): Promise<string> {
  const server = net.createServer((socket) => void socket.once('data', () => answer(socket)));
  return `http://receiver.example.com:${await listen(server)}/hook`;
}

const failureOf = async (posting: Promise<unknown>): Promise<string> => {
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
function internet(port: number): string[] {
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

async function tlsReceiver(name: string) {
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

describe('a request', () => {
  test('brings body and headers as they are given, and the answer as it is', async () => {
    const { url, seen, port } = await receiver((_, response) => {
      response.writeHead(202, { 'x-answer': 'yes' }).end('taken: ü');
    });
    const answer = await clientOf().post(url, { 'content-type': 'application/json', 'webhook-id': 'e1' }, '{"a":"ü"}');
    expect(answer).toMatchObject({ status: 202, headers: { 'x-answer': 'yes' }, body: 'taken: ü' });
    const [request] = seen.requests;
    expect(request).toMatchObject({ method: 'POST', url: '/hook?a=b' });
    expect(request?.headers).toEqual({
      host: `receiver.example.com:${port}`,
      connection: 'keep-alive',
      'content-type': 'application/json',
      'content-length': '10',
      'accept-encoding': 'identity',
      'webhook-id': 'e1',
    });
    expect(seen.bodies).toEqual(['{"a":"ü"}']);
  });

  test.each([200, 204, 400, 404, 410, 429, 500, 503])('is answered by status %i', async (status) => {
    const { url } = await receiver((_, response) => response.writeHead(status, { 'retry-after': '7' }).end());
    expect(await clientOf().post(url, {}, '')).toMatchObject({ status, headers: { 'retry-after': '7' } });
  });

  test.each([301, 302, 303, 307, 308])('does not follow a redirect by %i', async (status) => {
    const other = await receiver();
    for (const location of [`http://127.0.0.1:${other.port}/`, `http://other.example.com:${other.port}/`, '/again']) {
      const { url, seen } = await receiver((_, response) => response.writeHead(status, { location }).end());
      expect(await clientOf().post(url, {}, 'secret')).toMatchObject({ status, headers: { location } });
      expect(seen.requests).toHaveLength(1);
    }
    expect(other.seen.requests).toEqual([]);
    expect(other.seen.connections).toBe(0);
  });

  test('takes no proxy from the environment', async () => {
    const proxy = await receiver();
    const { url, seen } = await receiver();
    const script = `
      import { WebhookClient } from ${JSON.stringify(new URL('../../../functions/webhooks/post.ts', import.meta.url))};
      const client = new WebhookClient({ resolve: async () => ['127.0.0.1'], allowPrivate: true });
      await client.post(${JSON.stringify(url)}, {}, '');
      client.close();`;
    const address = `http://127.0.0.1:${proxy.port}`;
    const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: address, http_proxy: address, ALL_PROXY: address };
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { env });
    expect([seen.requests.length, proxy.seen.connections]).toEqual([1, 0]);
  });

  test('ignores interim answers', async () => {
    const url = await speaking((socket) =>
      socket.end('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
    );
    expect(await clientOf().post(url, {}, '')).toMatchObject({ status: 200 });
  });
});

describe('the body of an answer', () => {
  test('is kept up to its first KB', async () => {
    const { url, seen } = await receiver((_, response) => response.end(`${'a'.repeat(1023)}üb`));
    const client = clientOf();
    expect(await client.post(url, {}, '')).toMatchObject({ body: 'a'.repeat(1023) });
    await client.post(url, {}, '');
    expect(seen.connections).toBe(1);
  });

  test('has blanks for control characters', async () => {
    const { url } = await receiver((_, response) => response.end('a\0b\x1b[31mc\r\nd\x9be'));
    expect(await clientOf().post(url, {}, '')).toMatchObject({ body: 'a b [31mc  d e' });
  });

  test('need not be text', async () => {
    const { url } = await receiver((_, response) => response.end(Buffer.from([0x61, 0xff, 0x62])));
    expect(await clientOf().post(url, {}, '')).toMatchObject({ body: 'a\ufffdb' });
  });

  test('is read up to 16 KB, then the connection ends', async () => {
    const ended = Promise.withResolvers<number>();
    const { url, seen } = await receiver((_, response) => {
      let sent = 0;
      const fill = () => {
        while (response.write('b'.repeat(1024))) sent += 1024;
      };
      response.on('drain', fill).on('close', () => ended.resolve(sent));
      fill();
    });
    const client = clientOf();
    expect(await client.post(url, {}, '')).toMatchObject({ status: 200, body: 'b'.repeat(1024) });
    await ended.promise;
    expect(await client.post(url, {}, '')).toMatchObject({ status: 200 });
    expect(seen.connections).toBe(2);
  });

  test('is not decompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const { url } = await receiver((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    const { body } = await clientOf().post(url, {}, '');
    expect(body.length).toBeLessThanOrEqual(1024);
    expect(body).toMatch(/^ \ufffd/);
  });
});

describe('no answer', () => {
  test.each([
    ['an answer that does not come', () => undefined],
    ['a body that drips', (socket: net.Socket) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n')],
    ['headers that drip', (socket: net.Socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: ')],
    ['interim answers without end', (socket: net.Socket) => drip(socket, '', 'HTTP/1.1 102 Processing\r\n\r\n')],
  ])('timeout: %s', async (_, answer) => {
    expect(await failureOf(clientOf({ timeout: 300 }).post(await speaking(answer), {}, ''))).toBe('timeout');
  });

  test('connect_timeout: a name server that does not answer', async () => {
    const client = clientOf({ connectTimeout: 30, resolve: () => new Promise(() => undefined) });
    expect(await failureOf(client.post('http://receiver.example.com/', {}, ''))).toBe('connect_timeout');
  });

  test('connect_timeout: TLS that is not spoken', async () => {
    const port = await listen(net.createServer());
    const posting = clientOf({ connectTimeout: 50 }).post(`https://receiver.example.com:${port}/`, {}, '');
    expect(await failureOf(posting)).toBe('connect_timeout');
  });

  test('connect_timeout: name server and TLS together', async () => {
    const port = await listen(net.createServer());
    const resolve = async () => {
      await new Promise((wake) => setTimeout(wake, 400));
      return ['127.0.0.1'];
    };
    const start = performance.now();
    const posting = clientOf({ connectTimeout: 600, resolve }).post(`https://receiver.example.com:${port}/`, {}, '');
    expect(await failureOf(posting)).toBe('connect_timeout');
    expect(performance.now() - start).toBeLessThan(950);
  });

  test('unresolvable: no address, or an error of the look-up', async () => {
    const url = 'http://receiver.example.com/';
    expect(await failureOf(clientOf({ resolve: async () => [] }).post(url, {}, ''))).toBe('unresolvable');
    const failing = async () => {
      throw Object.assign(new Error('queryA ESERVFAIL receiver.example.com'), { code: 'ESERVFAIL' });
    };
    const posting = clientOf({ resolve: failing }).post(url, {}, '');
    await expect(posting).rejects.toMatchObject({ failure: 'unresolvable', code: 'ESERVFAIL' });
  });

  test('refused: nobody listens', async () => {
    const server = net.createServer();
    const port = await listen(server);
    server.close();
    expect(await failureOf(clientOf().post(`http://receiver.example.com:${port}/`, {}, ''))).toBe('refused');
  });

  test.each([
    ['a connection that ends', ''],
    ['headers that break off', 'HTTP/1.1 200 OK\r\nx: '],
    ['a body that breaks off', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ])('broken: %s', async (_, answer) => {
    expect(await failureOf(clientOf().post(await speaking((socket) => socket.end(answer)), {}, ''))).toBe('broken');
  });

  test.each([
    ['another one', 'connection: upgrade\r\nupgrade: websocket\r\n'],
    ['none', ''],
  ])('broken: a switch of protocols to %s', async (_, fields) => {
    const url = await speaking((socket) => void socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`));
    expect(await failureOf(clientOf({ timeout: 5000 }).post(url, {}, ''))).toBe('broken');
  });

  test('headers_too_large: more than 16 KB of them', async () => {
    const fields = (bytes: number) => `HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: ${'a'.repeat(bytes)}\r\n\r\n`;
    const posting = async (bytes: number) =>
      clientOf().post(await speaking((socket) => socket.end(fields(bytes))), {}, '');
    expect(await posting(16_000)).toMatchObject({ status: 200 });
    expect(await failureOf(posting(17_000))).toBe('headers_too_large');
  });

  test.each([
    'http://127.0.0.1/',
    'https://127.1/',
    'https://[::ffff:7f00:1]/',
    'https://me@example.com/',
    'https://printer.local/',
    'not a URL',
  ])('forbidden_target: %s', async (url) => {
    const resolve = vi.fn(async () => ['93.184.216.34']);
    expect(await failureOf(clientOf({ allowPrivate: false, resolve }).post(url, {}, ''))).toBe('forbidden_target');
    expect(resolve).not.toHaveBeenCalled();
  });

  test('says neither URL nor address', async () => {
    const refusing = net.createServer();
    const port = await listen(refusing);
    refusing.close();
    const failing = async () => Promise.reject(new Error('queryA ESERVFAIL receiver.example.com'));
    const postings = [
      clientOf().post(`http://receiver.example.com:${port}/token`, {}, ''),
      clientOf({ allowPrivate: false }).post('https://127.0.0.1/token', {}, ''),
      clientOf({ allowPrivate: false }).post('https://receiver.example.com/token', {}, ''),
      clientOf({ resolve: failing }).post('http://receiver.example.com/token', {}, ''),
      clientOf().post('http://', {}, ''),
    ];
    for (const settled of await Promise.allSettled(postings)) {
      const error = settled.status === 'rejected' ? settled.reason : undefined;
      expect(error).toBeInstanceOf(PostError);
      const told = JSON.stringify(
        error,
        Object.getOwnPropertyNames(error).filter((name) => name !== 'stack'),
      );
      expect(`${told} ${error.cause}`).not.toMatch(/receiver|token|127\.0|http/);
    }
  });
});

/** Sends a beginning, then a little more every few milliseconds. */
function drip(socket: net.Socket, beginning: string, drop = 'a'): void {
  socket.write(beginning);
  const timer = setInterval(() => socket.write(drop), 10);
  socket.on('close', () => clearInterval(timer));
}

describe('kept connections', () => {
  test('serve one request after the other', async () => {
    const { url, seen } = await receiver();
    const client = clientOf();
    for (let i = 0; i < 5; i++) await client.post(url, {}, `${i}`);
    expect(seen.bodies).toEqual(['0', '1', '2', '3', '4']);
    expect(seen.connections).toBe(1);
  });

  test('are not shared with another name at the same address', async () => {
    const { port, seen } = await receiver();
    const client = clientOf();
    for (const name of ['a', 'b', 'a', 'b']) await client.post(`http://${name}.example.com:${port}/`, {}, '');
    expect(seen.connections).toBe(2);
  });

  test('are not used once the name has other addresses', async () => {
    const { url, seen } = await receiver();
    const answers = [['127.0.0.1'], ['127.0.0.1', '::1'], ['::1', '127.0.0.1']];
    const client = clientOf({ resolve: async () => answers.shift()! });
    for (let i = 0; i < 3; i++) await client.post(url, {}, '');
    expect(seen.connections).toBe(2);
  });

  test('that the receiver closed are replaced once, by a new one', async () => {
    let requests = 0;
    const server = net.createServer((socket) => {
      let isFirst = true;
      socket.on('data', () => {
        requests += 1;
        if (isFirst) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        else socket.resetAndDestroy();
        isFirst = false;
      });
    });
    const url = `http://receiver.example.com:${await listen(server)}/`;
    const client = clientOf();
    expect(await client.post(url, {}, '')).toMatchObject({ status: 200 });
    expect(await client.post(url, {}, '')).toMatchObject({ status: 200 });
    expect(requests).toBe(3);
  });

  test('are all replaced where one was closed', async () => {
    let connections = 0;
    const server = net.createServer((socket) => {
      connections += 1;
      let isFirst = true;
      socket.on('data', () => {
        if (!isFirst) return void socket.resetAndDestroy();
        isFirst = false;
        // Not before all have connected, so that each has a connection of its own.
        setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'), connections < 4 ? 100 : 0);
      });
    });
    const url = `http://receiver.example.com:${await listen(server)}/`;
    const client = clientOf();
    await Promise.all([1, 2, 3].map(() => client.post(url, {}, '')));
    expect(connections).toBe(3);
    expect(await client.post(url, {}, '')).toMatchObject({ status: 200 });
    expect(connections).toBe(4);
  });

  test('are not replaced without end, nor for a new connection that breaks', async () => {
    let connections = 0;
    let requests = 0;
    const server = net.createServer((socket) => {
      connections += 1;
      const isFirst = connections === 1;
      socket.on('data', () => {
        requests += 1;
        if (isFirst && requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        else socket.resetAndDestroy();
      });
    });
    const url = `http://receiver.example.com:${await listen(server)}/`;
    const client = clientOf();
    await client.post(url, {}, '');
    expect(await failureOf(client.post(url, {}, ''))).toBe('broken');
    expect([connections, requests]).toEqual([2, 3]);
  });

  test('that break in the middle of an answer are not replaced', async () => {
    let requests = 0;
    const server = net.createServer((socket) => {
      socket.on('data', () => {
        requests += 1;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        else socket.write('HTTP/1.1 20', () => setTimeout(() => socket.resetAndDestroy(), 20));
      });
    });
    const url = `http://receiver.example.com:${await listen(server)}/`;
    const client = clientOf();
    await client.post(url, {}, '');
    expect(await failureOf(client.post(url, {}, ''))).toBe('broken');
    expect(requests).toBe(2);
  });

  test('that are stale take no request in flight with them', async () => {
    const slow: (() => void)[] = [];
    let requests = 0;
    const server = net.createServer((socket) => {
      let isFirst = true;
      socket.on('data', (data) => {
        requests += 1;
        const answer = () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        if (data.includes('/slow')) slow.push(answer);
        else if (isFirst) answer();
        else socket.resetAndDestroy();
        isFirst = false;
      });
    });
    const url = `http://receiver.example.com:${await listen(server)}`;
    const client = clientOf();
    const inFlight = client.post(`${url}/slow`, {}, '');
    await vi.waitFor(() => expect(slow).toHaveLength(1));
    await client.post(`${url}/a`, {}, '');
    expect(await client.post(`${url}/b`, {}, '')).toMatchObject({ status: 200 });
    slow[0]!();
    expect(await inFlight).toMatchObject({ status: 200 });
    expect(requests).toBe(4);
  });
});

describe('TLS', () => {
  const name = 'hooks.example.com';

  test('is for the name, whatever the address', async () => {
    const { port, cert, seen } = await tlsReceiver(name);
    const client = clientOf({ ca: cert });
    for (let i = 0; i < 2; i++) {
      expect(await client.post(`https://${name}:${port}/`, {}, '')).toMatchObject({ status: 200, body: 'hello' });
    }
    expect(seen).toEqual({ connections: 1, names: [name, name], hosts: Array(2).fill(`${name}:${port}`) });
  });

  test('is refused for a certificate that nobody vouches for', async () => {
    const { port, seen } = await tlsReceiver(name);
    expect(await failureOf(clientOf().post(`https://${name}:${port}/`, {}, ''))).toBe('tls');
    expect(seen.names).toEqual([]);
  });

  test('is refused for another name than the certificate has', async () => {
    const { port, cert, seen } = await tlsReceiver(name);
    expect(await failureOf(clientOf({ ca: cert }).post(`https://other.example.com:${port}/`, {}, ''))).toBe('tls');
    expect(seen.names).toEqual([]);
  });

  test('is not to be had of a server without', async () => {
    const { port } = await receiver();
    expect(await failureOf(clientOf().post(`https://${name}:${port}/`, {}, ''))).toBe('tls');
  });

  test('replaces a connection that the receiver closed', async () => {
    const { port, cert, seen, server } = await tlsReceiver(name);
    server.prependListener('request', ({ socket }) => {
      if (seen.hosts.length === 1 && seen.connections === 1) socket.destroy();
    });
    const client = clientOf({ ca: cert });
    await client.post(`https://${name}:${port}/`, {}, '');
    expect(await client.post(`https://${name}:${port}/`, {}, '')).toMatchObject({ status: 200 });
    expect(seen.connections).toBe(2);
  });

  test('reaches only addresses that were vetted for this very request', async () => {
    const { port, cert, seen } = await tlsReceiver(name);
    const dialled = internet(port);
    const answers = [['93.184.216.34'], ['93.184.216.34'], ['169.254.169.254'], ['1.1.1.1', '10.0.0.1'], ['1.1.1.1']];
    const resolve = vi.fn(async () => answers.shift()!);
    const client = clientOf({ ca: cert, allowPrivate: false, resolve });
    const post = () => client.post(`https://${name}/`, {}, '');
    await post();
    await post();
    expect([seen.connections, dialled]).toEqual([1, ['93.184.216.34']]);
    expect(await failureOf(post())).toBe('forbidden_target');
    expect(await failureOf(post())).toBe('forbidden_target');
    expect([seen.names.length, seen.connections, dialled]).toEqual([2, 1, ['93.184.216.34']]);
    await post();
    expect([seen.names.length, seen.connections, dialled]).toEqual([3, 2, ['93.184.216.34', '1.1.1.1']]);
    expect(resolve).toHaveBeenCalledTimes(5);
  });

  test('does not ask for the name again between check and connection', async () => {
    const { port, cert } = await tlsReceiver(name);
    const dialled = internet(port);
    let asked = 0;
    const resolve = async () => [asked++ === 0 ? '93.184.216.34' : '127.0.0.1'];
    await clientOf({ ca: cert, allowPrivate: false, resolve }).post(`https://${name}:8443/`, {}, '');
    expect([asked, dialled]).toEqual([1, ['93.184.216.34']]);
  });
});

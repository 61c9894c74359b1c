import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { PostError } from '#functions/webhooks/http/webhook-client.ts';
import { clientOf, closeAll, closedPort, failureOf, listen, receiver, speaking } from './client-servers.ts';

afterEach(closeAll);

describe('post', () => {
  test('sends body and headers as they are given, and returns the answer as it is', async () => {
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

  test.each([200, 204, 400, 404, 410, 429, 500, 503])('returns the status %i', async (status) => {
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
      import { webhookClient } from ${JSON.stringify(new URL('../../../../functions/webhooks/http/webhook-client.ts', import.meta.url))};
      const client = webhookClient({ resolve: async () => ['127.0.0.1'], allowPrivate: true });
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

describe('post of a request whose answer has a body', () => {
  test('keeps the first KB', async () => {
    const { url, seen } = await receiver((_, response) => response.end(`${'a'.repeat(1023)}üb`));
    const client = clientOf();
    expect(await client.post(url, {}, '')).toMatchObject({ body: 'a'.repeat(1023) });
    await client.post(url, {}, '');
    expect(seen.connections).toBe(1);
  });

  test('replaces control characters by blanks', async () => {
    const { url } = await receiver((_, response) => response.end('a\0b\x1b[31mc\r\nd\x9be'));
    expect(await clientOf().post(url, {}, '')).toMatchObject({ body: 'a b [31mc  d e' });
  });

  test('accepts bytes that are no text', async () => {
    const { url } = await receiver((_, response) => response.end(Buffer.from([0x61, 0xff, 0x62])));
    expect(await clientOf().post(url, {}, '')).toMatchObject({ body: 'a\ufffdb' });
  });

  test('reads 16 KB, and then ends the connection', async () => {
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
    // Sockets on the way buffer some.
    expect(await ended.promise).toBeLessThan(20_000_000);
    expect(await client.post(url, {}, '')).toMatchObject({ status: 200 });
    expect(seen.connections).toBe(2);
  });

  test('decompresses nothing', async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const { url } = await receiver((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    const answer = await clientOf().post(url, {}, '');
    expect(answer).toMatchObject({ status: 200, body: '(content-encoding gzip, though none was requested)' });
  });
});

describe('post without an answer', () => {
  test.each([
    ['an answer that does not come', () => undefined],
    ['a body that drips', (socket: net.Socket) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n')],
    ['headers that drip', (socket: net.Socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: ')],
    ['interim answers without end', (socket: net.Socket) => drip(socket, '', 'HTTP/1.1 102 Processing\r\n\r\n')],
  ])('throws timeout for %s', async (_, answer) => {
    expect(await failureOf(clientOf({ timeoutMs: 300 }).post(await speaking(answer), {}, ''))).toBe('timeout');
  });

  test('waits 15 s for an answer unless it is told otherwise, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const { url } = await receiver(() => arrive());
    let failure = 'none yet';
    void failureOf(clientOf().post(url, {}, '')).then((found) => {
      failure = found;
    });
    await arrived;
    vi.advanceTimersByTime(14_000);
    await new Promise(setImmediate);
    expect(failure).toBe('none yet');
    vi.advanceTimersByTime(1000);
    await new Promise(setImmediate);
    expect(failure).toBe('timeout');
  });

  test('throws connect_timeout for a name server that does not answer', async () => {
    const client = clientOf({ connectTimeoutMs: 30, resolve: () => new Promise(() => undefined) });
    expect(await failureOf(client.post('http://receiver.example.com/', {}, ''))).toBe('connect_timeout');
  });

  test('throws connect_timeout for a server that does not speak TLS', async () => {
    const port = await listen(net.createServer());
    const posting = clientOf({ connectTimeoutMs: 50 }).post(`https://receiver.example.com:${port}/`, {}, '');
    expect(await failureOf(posting)).toBe('connect_timeout');
  });

  test('throws connect_timeout once name server and TLS together take too long', async () => {
    const server = net.createServer();
    const port = await listen(server);
    const connected = once(server, 'connection');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const resolve = async () => {
      await new Promise((wake) => setTimeout(wake, 400));
      return ['127.0.0.1'];
    };
    let failure: string | undefined;
    const posting = clientOf({ connectTimeoutMs: 600, resolve }).post(`https://receiver.example.com:${port}/`, {}, '');
    const failed = failureOf(posting).then((found) => {
      failure = found;
    });
    await vi.advanceTimersByTimeAsync(400);
    await connected;
    await vi.advanceTimersByTimeAsync(199);
    expect(failure).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2);
    await failed;
    expect(failure).toBe('connect_timeout');
  });

  test('throws unresolvable for no address, or an error of the look-up', async () => {
    const url = 'http://receiver.example.com/';
    expect(await failureOf(clientOf({ resolve: async () => [] }).post(url, {}, ''))).toBe('unresolvable');
    const failing = async () => {
      throw Object.assign(new Error('queryA ESERVFAIL receiver.example.com'), { code: 'ESERVFAIL' });
    };
    const posting = clientOf({ resolve: failing }).post(url, {}, '');
    await expect(posting).rejects.toMatchObject({ failure: 'unresolvable', code: 'ESERVFAIL' });
  });

  test('throws refused where no server listens', async () => {
    const url = `http://receiver.example.com:${await closedPort()}/`;
    expect(await failureOf(clientOf().post(url, {}, ''))).toBe('refused');
  });

  test.each([
    ['a connection that ends', ''],
    ['headers that break off', 'HTTP/1.1 200 OK\r\nx: '],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ])('throws broken for %s', async (_, answer) => {
    expect(await failureOf(clientOf().post(await speaking((socket) => socket.end(answer)), {}, ''))).toBe('broken');
  });

  test.each([
    ['another one', 'connection: upgrade\r\nupgrade: websocket\r\n'],
    ['none', ''],
  ])('throws broken for a switch of protocols to %s', async (_, fields) => {
    const url = await speaking((socket) => void socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`));
    expect(await failureOf(clientOf({ timeoutMs: 5000 }).post(url, {}, ''))).toBe('broken');
  });

  test('throws headers_too_large for more than 16 KB of them', async () => {
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
  ])('throws forbidden_target for %s', async (url) => {
    const resolve = vi.fn(async () => ['93.184.216.34']);
    expect(await failureOf(clientOf({ allowPrivate: false, resolve }).post(url, {}, ''))).toBe('forbidden_target');
    expect(resolve).not.toHaveBeenCalled();
  });

  test('tells neither URL nor address in an error', async () => {
    const port = await closedPort();
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

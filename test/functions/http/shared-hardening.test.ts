import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connectionTo } from '#functions/cryptshare/connection.ts';
import { failureOfError } from '#functions/cryptshare/failure.ts';
import { answering, clientOf, closeAll, ok } from '#test/functions/webhooks/http/client-servers.ts';

afterEach(closeAll);

interface Got {
  readonly status: number;
  readonly body: string;
}

/** Makes a request of either client to a port of this machine; rejects with what the client throws. */
type Client = (port: number, timeout?: number) => () => Promise<Got>;

const direct = { proxy: undefined, except: undefined };

const clients: Record<string, Client> = {
  'the client for webhooks': (port, timeout = 5000) => {
    const client = clientOf({ timeoutMs: timeout });
    return () => client.post(`http://receiver.example.com:${port}/`, {}, '{}');
  },
  'the connection to the Cryptshare Server': (port, timeout = 5000) => {
    const connection = connectionTo(`http://127.0.0.1:${port}`, undefined, direct);
    onTestFinished(() => connection.close());
    return () => connection.send({ path: '/', headers: {} }, timeout, 1_000_000);
  },
};

/** Answers none of the first requests before all of them are there, so that each has a connection of its own. */
function onceAllAsk(all: number): (socket: net.Socket) => undefined {
  const asking: net.Socket[] = [];
  return (socket) => {
    asking.push(socket);
    if (asking.length === all) for (const one of asking) one.write(ok);
  };
}

describe.each(Object.entries(clients))('%s', (_, clientTo) => {
  test('does not use a connection again that was idle for more than four seconds', async () => {
    const { port, seen } = await answering(() => ok);
    const send = clientTo(port);
    await send();
    const { now } = performance;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => Reflect.apply(now, performance, []) + 3900);
    await send();
    expect(seen.connections).toBe(1);
    clock.mockImplementation(() => Reflect.apply(now, performance, []) + 2 * 3900 + 200);
    await send();
    expect(seen.connections).toBe(2);
  });

  test('keeps no idle connection open for longer than that either', async () => {
    const { port, seen } = await answering(() => ok);
    const sockets: net.Socket[] = [];
    const { connect } = net.Socket.prototype;
    vi.spyOn(net.Socket.prototype, 'connect').mockImplementation(function (this: net.Socket, ...given: unknown[]) {
      sockets.push(this);
      return Reflect.apply(connect, this, given);
    });
    await clientTo(port)();
    await vi.waitFor(() => expect(sockets.at(-1)?.timeout).toBe(4000));
    expect(seen.connections).toBe(1);
  });

  test('replaces all idle connections to a host once one of them turns out to be dead, and asks again at once', async () => {
    const answerTogether = onceAllAsk(3);
    const { port, seen } = await answering((connection, request, socket) => {
      if (request > 1 && connection <= 3) return void socket.resetAndDestroy();
      return connection <= 3 ? answerTogether(socket) : ok;
    });
    const send = clientTo(port);
    await Promise.all([send(), send(), send()]);
    expect(await send()).toMatchObject({ status: 200 });
    expect([seen.connections, seen.requests.length]).toEqual([4, 5]);
  });

  test('replaces all idle connections to a host once one of them has brought nothing until the time was up', async () => {
    const answerTogether = onceAllAsk(2);
    const { port, seen } = await answering((connection, request, socket) => {
      if (request > 1 && connection <= 2) return undefined;
      return connection <= 2 ? answerTogether(socket) : ok;
    });
    const send = clientTo(port, 1000);
    await Promise.all([send(), send()]);
    await expect(send()).rejects.toThrow();
    expect(await send()).toMatchObject({ status: 200 });
    expect(seen.connections).toBe(3);
  });

  test('asks for no encoding of the answer', async () => {
    const { port, seen } = await answering(() => ok);
    await clientTo(port)();
    expect(seen.requests[0]).toMatch(/\r\naccept-encoding: identity\r\n/i);
  });

  test.each([
    ['a body that its length does not tell of', `${ok}{}`],
    ['another answer, though only one was requested', `${ok}HTTP/1.1 500 No\r\n\r\n`],
    ['bytes of another protocol', `${ok}\0\0\x04\0\0`],
  ])('takes an answer for what it is, whatever comes after it: %s', async (_what, bytes) => {
    const { port } = await answering(() => bytes);
    expect(await clientTo(port)()).toMatchObject({ status: 200, body: '{}' });
  });

  test.each([
    ['204, though it has a body', 'HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}', 204],
    ['304, though it has a body', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n{}', 304],
    ['429, though its body breaks off', 'HTTP/1.1 429 Slow\r\ncontent-length: 9\r\n\r\n{}', 429],
    ['503, though its chunks are none', 'HTTP/1.1 503 Later\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n', 503],
    ['500, though its body is compressed', 'HTTP/1.1 500 No\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b', 500],
  ])('counts the status: %s', async (_what, bytes, status) => {
    const { port } = await answering((_connection, _request, socket) => void socket.end(bytes, 'latin1'));
    expect((await clientTo(port)()).status).toBe(status);
  });

  test('gives each of several addresses time for a first packet that is lost', async () => {
    const { port } = await answering(() => ok);
    const asked: unknown[] = [];
    const { connect } = net.Socket.prototype;
    vi.spyOn(net.Socket.prototype, 'connect').mockImplementation(function (this: net.Socket, ...given: unknown[]) {
      asked.push((given.flat()[0] as net.TcpNetConnectOpts).autoSelectFamilyAttemptTimeout);
      return Reflect.apply(connect, this, given);
    });
    await clientTo(port)();
    // Half of what is left for connecting. A lost packet is sent again after one second, and has time to be answered.
    expect(asked).toHaveLength(1);
    expect(asked[0]).toBeGreaterThan(2000);
    expect(asked[0]).toBeLessThanOrEqual(2500);
  });
});

describe('WebhookClient.post', () => {
  test.each([
    ['the body breaks off', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
    ['the last chunk is missing', 'HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n'],
    ['the body is compressed', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b'],
  ])('takes 2xx for success though %s', async (_, bytes) => {
    const { port, seen } = await answering((_connection, _request, socket) => void socket.end(bytes, 'latin1'));
    const { status } = await clients['the client for webhooks']!(port)();
    expect([Math.floor(status / 100), seen.requests.length]).toEqual([2, 1]);
  });

  test('takes 2xx for success though the connection is reset after the head', async () => {
    const { port } = await answering((_connection, _request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n', () =>
        setTimeout(() => socket.resetAndDestroy(), 20),
      );
      return undefined;
    });
    expect(await clients['the client for webhooks']!(port)()).toMatchObject({ status: 200 });
  });
});

describe('Connection.send', () => {
  const open = (port: number, timeout?: number) => clients['the connection to the Cryptshare Server']!(port, timeout);

  test.each([
    [
      'breaks off',
      'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"data":',
      'server_fault',
      'HTTP 200, cut off after 8',
    ],
    [
      'of a 404 breaks off',
      'HTTP/1.1 404 No\r\ncontent-length: 50\r\n\r\n{',
      'server_fault',
      'HTTP 404, cut off after 1',
    ],
    [
      'is compressed',
      `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n${gzipSync('{"data":[]}').toString('latin1')}`,
      'malformed_answer',
      'HTTP 200, content-encoding gzip, though none was requested',
    ],
    ['is none of HTTP', 'SSH-2.0-OpenSSH_9.9\r\n', 'malformed_answer', 'HPE_INVALID_CONSTANT'],
  ])('fails where the body %s, and says what came', async (_, bytes, kind, says) => {
    const { port } = await answering((_connection, _request, socket) => void socket.end(bytes, 'latin1'));
    const error: unknown = await open(port)().catch((thrown: unknown) => thrown);
    expect(failureOfError(error)).toMatchObject({ kind, message: expect.stringContaining(says), retryable: true });
  });

  test('fails where the body does not come to its end in time, and says so', async () => {
    const { port } = await answering(() => 'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"data":');
    const error: unknown = await open(port, 300)().catch((thrown: unknown) => thrown);
    expect(failureOfError(error)).toMatchObject({ kind: 'timeout', message: expect.stringContaining('HTTP 200') });
  });

  test('reads an answer with a byte order mark before it', async () => {
    const { port } = await answering(() => 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\xef\xbb\xbf{}');
    expect(await open(port)()).toMatchObject({ status: 200, body: '{}' });
  });

  test('lets no cache on the way answer', async () => {
    const { port, seen } = await answering(() => ok);
    await open(port)();
    expect(seen.requests[0]).toMatch(/^GET .*\r\ncache-control: no-cache, no-store\r\n/is);
  });

  test('sends what must not happen twice on a new connection, and once', async () => {
    const { port, seen } = await answering((connection, _request, socket) =>
      connection === 1 ? ok : void socket.resetAndDestroy(),
    );
    const connection = connectionTo(`http://127.0.0.1:${port}`, undefined, direct);
    onTestFinished(() => connection.close());
    await connection.send({ path: '/', headers: {} }, 5000, 1000);
    await expect(connection.send({ path: '/', headers: {}, body: {} }, 5000, 1000)).rejects.toThrow();
    expect([seen.connections, seen.requests.length]).toEqual([2, 2]);
  });
});

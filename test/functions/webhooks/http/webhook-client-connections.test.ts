import { afterEach, describe, expect, test, vi } from 'vitest';
import { answering, clientOf, closeAll, failureOf, internet, ok, receiver, tlsReceiver } from './client-servers.ts';

afterEach(closeAll);

describe('post over kept connections', () => {
  test('sends one request after the other', async () => {
    const { url, seen } = await receiver();
    const client = clientOf();
    for (let i = 0; i < 5; i++) await client.post(url, {}, `${i}`);
    expect(seen.bodies).toEqual(['0', '1', '2', '3', '4']);
    expect(seen.connections).toBe(1);
  });

  test('shares none with another name at the same address', async () => {
    const { port, seen } = await receiver();
    const client = clientOf();
    for (const name of ['a', 'b', 'a', 'b']) await client.post(`http://${name}.example.com:${port}/`, {}, '');
    expect(seen.connections).toBe(2);
  });

  test('uses none once the name has other addresses', async () => {
    const { url, seen } = await receiver();
    const answers = [['127.0.0.1'], ['127.0.0.1', '::1'], ['::1', '127.0.0.1']];
    const client = clientOf({ resolve: async () => answers.shift()! });
    for (let i = 0; i < 3; i++) await client.post(url, {}, '');
    expect(seen.connections).toBe(2);
  });

  test('replaces a connection that the receiver closed once, by a new one', async () => {
    const { url, seen } = await answering((_, request, socket) => (request === 1 ? ok : void socket.resetAndDestroy()));
    const client = clientOf();
    for (let i = 0; i < 2; i++) expect(await client.post(url, {}, '')).toMatchObject({ status: 200 });
    expect([seen.connections, seen.requests.length]).toEqual([2, 3]);
  });

  test('does not replace a new connection that breaks', async () => {
    const { url, seen } = await answering((connection, request, socket) =>
      connection + request === 2 ? ok : void socket.resetAndDestroy(),
    );
    const client = clientOf();
    await client.post(url, {}, '');
    expect(await failureOf(client.post(url, {}, ''))).toBe('broken');
    expect([seen.connections, seen.requests.length]).toEqual([2, 3]);
  });

  test('does not replace a connection that breaks in the middle of an answer', async () => {
    const { url, seen } = await answering((_, request, socket) =>
      request === 1 ? ok : void socket.end('HTTP/1.1 20'),
    );
    const client = clientOf();
    await client.post(url, {}, '');
    expect(await failureOf(client.post(url, {}, ''))).toBe('broken');
    expect(seen.requests).toHaveLength(2);
  });

  test('ends no request in flight when it replaces a stale connection', async () => {
    const slow = Promise.withResolvers<() => void>();
    const { url, seen } = await answering((_, request, socket) => {
      if (seen.requests.at(-1)!.includes('/slow')) return slow.resolve(() => socket.write(ok)) as undefined;
      return request === 1 ? ok : void socket.resetAndDestroy();
    });
    const client = clientOf();
    const inFlight = client.post(`${url}slow`, {}, '');
    const answer = await slow.promise;
    await client.post(url, {}, '');
    expect(await client.post(url, {}, '')).toMatchObject({ status: 200 });
    answer();
    expect(await inFlight).toMatchObject({ status: 200 });
    expect(seen.requests).toHaveLength(4);
  });
});

describe('post over TLS', () => {
  const name = 'hooks.example.com';

  test('checks the name, whatever the address', async () => {
    const { port, cert, seen } = await tlsReceiver(name);
    const client = clientOf({ ca: cert });
    for (let i = 0; i < 2; i++) {
      expect(await client.post(`https://${name}:${port}/`, {}, '')).toMatchObject({ status: 200, body: 'hello' });
    }
    expect(seen).toEqual({ connections: 1, names: [name, name], hosts: Array(2).fill(`${name}:${port}`) });
  });

  test('refuses a certificate without a trusted issuer', async () => {
    const { port, seen } = await tlsReceiver(name);
    expect(await failureOf(clientOf().post(`https://${name}:${port}/`, {}, ''))).toBe('tls');
    expect(seen.names).toEqual([]);
  });

  test('refuses a certificate for another name', async () => {
    const { port, cert, seen } = await tlsReceiver(name);
    expect(await failureOf(clientOf({ ca: cert }).post(`https://other.example.com:${port}/`, {}, ''))).toBe('tls');
    expect(seen.names).toEqual([]);
  });

  test('fails for a server without TLS', async () => {
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

  test('reaches only addresses that were vetted for this very request (P21)', async () => {
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

import net from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { clientOf, closeAll, failureOf, internet, listen, receiver, tlsReceiver } from './client-servers.ts';

afterEach(closeAll);

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
    let asked = 0;
    const asking: net.Socket[] = [];
    const server = net.createServer((socket) => {
      connections += 1;
      let isFirst = true;
      socket.on('data', () => {
        if (!isFirst) return void socket.resetAndDestroy();
        isFirst = false;
        asked += 1;
        asking.push(socket);
        // Not before all have asked, so that each has a connection of its own.
        if (asked < 3) return;
        for (const one of asking.splice(0)) one.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
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
        else socket.end('HTTP/1.1 20');
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
    await expect.poll(() => slow.length).toBe(1);
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

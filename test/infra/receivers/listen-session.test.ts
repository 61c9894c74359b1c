import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { handOver, sessionPort } from '#infra/receivers/listen-session.ts';

const handed = { events: [], isTwice: false };

async function sessionThat(answers: RequestListener): Promise<string> {
  const server = createServer(answers).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('events that are handed to a session', () => {
  it('do not wait for ever for one that never answers', async () => {
    const url = await sessionThat(() => {});
    const waiting = handOver(url, handed, new AbortController().signal, 20);
    await expect(waiting).rejects.toMatchObject({
      exitCode: 4,
      message: `no answer of ${url} within 0.02 s: end that listen, and start another one`,
    });
  });

  it('do not wait after Ctrl-C', async () => {
    const stop = new AbortController();
    const url = await sessionThat(() => stop.abort());
    await expect(handOver(url, handed, stop.signal)).rejects.toMatchObject({ exitCode: 1, message: 'stopped' });
  });

  it('are refused by anything else at this address, with what was got and what to do', async () => {
    const url = await sessionThat((_, response) => response.writeHead(200).end('<html>'));
    await expect(handOver(url, handed, new AbortController().signal)).rejects.toThrow(
      `${url} answered 200, expected 202: is it a listen of this version?`,
    );
  });

  it('are refused while those before are not forwarded, with what to do', async () => {
    const detail = 'wait for the others';
    const url = await sessionThat((_, response) => response.writeHead(409).end(JSON.stringify({ detail })));
    await expect(handOver(url, handed, new AbortController().signal)).rejects.toThrow(`${url}: ${detail}`);
  });

  it('never follow a redirect to another machine', async () => {
    const url = await sessionThat((_, response) => response.writeHead(307, { location: 'http://192.0.2.1/' }).end());
    await expect(handOver(url, handed, new AbortController().signal)).rejects.toThrow('answered 307');
  });
});

describe('the port of a session', () => {
  it('is the same for one copy of the project, and mostly another for another copy', () => {
    const ports = Array.from({ length: 50 }, (_, index) => sessionPort(`/home/user-${index}/transfer-notifier`));
    for (const port of ports) expect([Math.min(port, 20_000), Math.max(port, 29_999)]).toEqual([20_000, 29_999]);
    expect(new Set(ports).size).toBeGreaterThan(45);
    expect(sessionPort('/home/user-1/transfer-notifier')).toBe(ports[1]);
  });
});

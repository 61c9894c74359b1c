import http from 'node:http';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Heartbeat } from '#infra/local/monitoring/heartbeat.ts';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';

let status = 200;
let isHanging = false;
let onRequest = () => {};
const requests: string[] = [];
const server = http.createServer(({ url: path = '' }, response) => {
  requests.push(path);
  if (!isHanging || path === '/other') response.writeHead(status).end();
  onRequest();
});
const url = await listenOnLoopback(server);
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let now = 0;
const warnings: string[] = [];
const calls: boolean[] = [];
let onCall = () => {};
beforeEach(() => {
  [now, status, isHanging] = [0, 200, false];
  for (const list of [requests, warnings, calls]) list.length = 0;
});

const heartbeatTo = (address: string) =>
  new Heartbeat(address, {
    proxies: { proxy: undefined, except: undefined },
    steady: () => now,
    warning: (text) => warnings.push(text),
    onCall(isTaken) {
      calls.push(isTaken);
      onCall();
    },
  });

/** Beats once, and resolves when that call has ended. */
function called(heartbeat: Heartbeat): Promise<void> {
  return new Promise((resolve) => {
    onCall = () => setImmediate(resolve);
    heartbeat.beat();
  });
}

describe('Heartbeat', () => {
  it('calls at most once a minute, however often a tick ends', async () => {
    const heartbeat = heartbeatTo(url);
    await called(heartbeat);
    for (now = 1000; now < 59_000; now += 1000) heartbeat.beat();
    await called(heartbeatTo(`${url}/other`));
    now = 60_000;
    await called(heartbeat);
    expect(requests).toEqual(['/', '/other', '/']);
    expect(warnings).toEqual([]);
  });

  it('tells a failure once, and its end', async () => {
    const heartbeat = heartbeatTo(url);
    for (const answered of [200, 500, 404, 302, 204, 200]) {
      status = answered;
      await called(heartbeat);
      now += 60_000;
    }
    expect(calls).toEqual([true, false, false, false, true, true]);
    expect(warnings).toEqual([
      'the heartbeat to heartbeat.url fails (HTTP 500): look at that service, which may raise an alarm; the notifier goes on, and calls it each minute',
      'the heartbeat to heartbeat.url succeeds again',
    ]);
  });

  it('names the reason why nothing answers', async () => {
    await called(heartbeatTo('http://127.0.0.1:1/'));
    expect(warnings).toEqual([expect.stringContaining('(ECONNREFUSED)')]);
  });

  it('makes no second call while one is in flight, and gives that one up when it is closed, without a word', async () => {
    const heartbeat = heartbeatTo(url);
    isHanging = true;
    const asked = new Promise<void>((resolve) => {
      onRequest = resolve;
    });
    heartbeat.beat();
    await asked;
    now = 60_000;
    heartbeat.beat();
    await called(heartbeatTo(`${url}/other`));
    heartbeat.close();
    now = 120_000;
    heartbeat.beat();
    await called(heartbeatTo(`${url}/other`));
    expect({ requests, warnings }).toEqual({ requests: ['/', '/other', '/other'], warnings: [] });
  });
});

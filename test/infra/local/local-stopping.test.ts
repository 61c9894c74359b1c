import { existsSync, openSync } from 'node:fs';
import http from 'node:http';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import type { Line, LocalRunOptions } from './local-run.ts';
import { LocalWorld, people } from './local-world.ts';

/** Milliseconds after which container runtimes kill. */
const killed = 10_000;

const world = await LocalWorld.start();
const { server } = world;

/** Webhooks by their id: how many requests came, and how many were answered. */
const webhooks = new Map<string, { came: number; answered: number }>();
let doesReceiverHang = false;
let onWebhook = () => {};
/** Called for each page; the server answers once it resolves. */
let onPage: () => void | Promise<void> = () => {};
server.pageListeners.add(() => onPage());

const receiver = http.createServer((request, response) => {
  const id = String(request.headers['webhook-id']);
  const { came, answered } = webhooks.get(id) ?? { came: 0, answered: 0 };
  webhooks.set(id, { came: came + 1, answered: answered + (doesReceiverHang ? 0 : 1) });
  if (!doesReceiverHang) response.writeHead(204).end();
  onWebhook();
});
const url = await listenOnLoopback(receiver);
beforeEach(() => () => {
  doesReceiverHang = false;
  onPage = () => {};
});
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});

const start = (options: LocalRunOptions = {}) =>
  world.startReal({ config: { webhooks: [{ name: 'crm', url }] }, args: ['--allow-private-webhooks'], ...options });

const says = (words: RegExp) => (line: Line) => line.kind === 'warning' && words.test(line.text!);

/** Resolves once a page is requested; the server leaves it open until the result is called. */
function hangingPage(): Promise<() => void> {
  return new Promise((asked) => {
    onPage = () =>
      new Promise((answer) => {
        asked(() => {
          onPage = () => {};
          answer();
        });
      });
  });
}

describe('stop of a local run', () => {
  it('gives up after 5 s what hangs, and the next run makes up for it, with each event once (P24)', async () => {
    const before = start();
    await before.line(({ outcome }) => outcome === 'baseline');
    doesReceiverHang = true;
    const hooked = new Promise<void>((resolve) => {
      onWebhook = resolve;
    });
    server.transfers.create(people);
    await hooked;
    const answerAgain = await hangingPage();
    server.transfers.create(people);
    const began = performance.now();
    before.kill('SIGTERM');
    expect(await before.exit()).toBe(0);
    expect(performance.now() - began).toBeLessThan(killed);
    const inFlight = '1 listing \\(sent by alice@example\\.com\\) and deliveries to crm';
    await before.line(says(new RegExp(`^stopping: waits for ${inFlight}, at most 8 s$`)));
    await before.line(says(new RegExp(`^stopping: gives up ${inFlight}`)));

    doesReceiverHang = false;
    answerAgain();
    const after = start();
    const delivered = () => after.lines.filter(({ kind, status }) => kind === 'delivery' && status === 'DELIVERED');
    await after.line(() => delivered().length >= 2);
    // A cut-off attempt does not count, and no delivery waited for the end of its lease.
    expect(delivered()).toMatchObject([{ attempt: 1 }, { attempt: 1 }]);
    expect([...webhooks.values()].map(({ answered }) => answered)).toEqual([1, 1]);
    expect([...webhooks.values()].map(({ came }) => came)).toEqual([2, 1]);
  });

  it('ends at once at a second signal, with exit code 128 plus its number', async () => {
    const run = start();
    const page = hangingPage();
    await page;
    run.kill('SIGHUP');
    await run.line(says(/^stopping: still waits for 1 listing/));
    run.kill('SIGTERM');
    expect(await run.exit()).toBe(143);
    expect(run.lines.some(says(/gives up/))).toBe(false);
    (await page)();
  });

  it('has exit code 0 while the run is starting, too', async () => {
    const run = start();
    await expect.poll(() => existsSync(world.path('data')), { interval: 1 }).toBe(true);
    run.kill('SIGINT');
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(run.stderr).toBe('');
  });
});

describe('Daemon', () => {
  it('goes on when a full disk does not take its output, and says so on stderr', async () => {
    const run = start({ stdout: openSync('/dev/full', 'w') });
    const { promise: polled, resolve } = Promise.withResolvers<void>();
    let pages = 0;
    onPage = () => {
      pages += 1;
      if (pages === 3) resolve();
    };
    await polled;
    run.kill('SIGTERM');
    expect(await run.exit()).toBe(0);
    expect(run.stderr).toBe(
      'the output cannot be written (ENOSPC): the notifier goes on, and leaves lines out until it can\n',
    );
  });

  it('stops with exit code 141 when the reader of its output has gone, and says so on stderr', async () => {
    const run = start();
    await run.line(({ outcome }) => outcome === 'baseline');
    run.leave();
    expect(await run.exit()).toBe(141);
    expect(run.stderr).toBe(
      'the output cannot be written any more (EPIPE): what read it has gone, and the notifier stops\n',
    );
  });
});

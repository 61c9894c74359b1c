import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { type Line, LocalRun, type LocalRunOptions } from './local-run.ts';

const clientId = 'exampleclientid'.repeat(4);
const alice = 'alice@example.com';
const people = { sender: alice, to: ['bob@example.com'] };

/** Milliseconds after which container runtimes kill. */
const killed = 10_000;

let server: CryptshareServer;
let receiver: http.Server;
let folder: string;
let running: LocalRun[] = [];
/** Webhooks by their id: how many have come, and how many were answered. */
const webhooks = new Map<string, { came: number; answered: number }>();
let doesReceiverHang = false;
let onWebhook = () => {};
/** Told of each page that is asked for; the server answers once it resolves. */
let onPage: () => void | Promise<void> = () => {};

beforeAll(async () => {
  server = await startCryptshareServer();
  server.verifications.registerClientId(clientId);
  server.onPage(() => onPage());
  receiver = http.createServer((request, response) => {
    const id = String(request.headers['webhook-id']);
    const { came, answered } = webhooks.get(id) ?? { came: 0, answered: 0 };
    webhooks.set(id, { came: came + 1, answered: answered + (doesReceiverHang ? 0 : 1) });
    if (!doesReceiverHang) response.writeHead(204).end();
    onWebhook();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-stopping-'));
  return async () => {
    doesReceiverHang = false;
    onPage = () => {};
    for (const run of running) run.kill('SIGKILL');
    await Promise.all(running.map((run) => run.exit()));
    running = [];
    rmSync(folder, { recursive: true });
  };
});
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
  return server.close();
});

function start(options: LocalRunOptions = {}): LocalRun {
  const file = join(folder, 'notifier.config.json');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const config = {
    server: { url: server.url },
    schedule: { every: '1s' },
    watches: [{ mailbox: alice }],
    webhooks: [{ name: 'crm', url }],
  };
  writeFileSync(file, JSON.stringify(config));
  const args = ['--json', '--allow-private-webhooks', '--config', file, '--data', join(folder, 'data')];
  const run = new LocalRun(args, { CRYPTSHARE_CLIENT_ID: clientId }, options);
  running.push(run);
  return run;
}

const says = (words: RegExp) => (line: Line) => line.kind === 'warning' && words.test(line.text!);

/** Resolves when the server is asked for a page, which it then never answers, and with how to have it answer again. */
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

describe('told to stop', () => {
  test('a run gives up what hangs within 8 s, and the next one makes up for it, with each event once (P24)', async () => {
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
    await before.line(
      says(/^stopping: waits for 1 listing \(sent by alice@example\.com\) and deliveries to crm, at most 8 s$/),
    );
    await before.line(says(/^stopping: gives up 1 listing \(sent by alice@example\.com\) and deliveries to crm/));

    doesReceiverHang = false;
    answerAgain();
    const after = start();
    const delivered = () => after.lines.filter(({ kind, status }) => kind === 'delivery' && status === 'DELIVERED');
    await after.line(() => delivered().length >= 2);
    // An attempt that was cut off is not counted, and nothing has waited for its lease to end.
    expect(delivered()).toMatchObject([{ attempt: 1 }, { attempt: 1 }]);
    expect([...webhooks.values()].map(({ answered }) => answered)).toEqual([1, 1]);
    expect([...webhooks.values()].map(({ came }) => came)).toEqual([2, 1]);
  });

  test('a second signal ends it at once, with 128 and the number of the signal as its exit code', async () => {
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

  test('a run that has only begun to start ends with exit code 0, too', async () => {
    const run = start();
    await expect.poll(() => existsSync(join(folder, 'data')), { interval: 1 }).toBe(true);
    run.kill('SIGINT');
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(run.stderr).toBe('');
  });
});

describe('output that cannot be written', () => {
  test('on a full disk leaves the notifier at work, with a word on stderr', async () => {
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

  test('because its reader has gone stops it, with an exit code of its own and a word on stderr', async () => {
    const run = start();
    await run.line(({ outcome }) => outcome === 'baseline');
    run.leave();
    expect(await run.exit()).toBe(141);
    expect(run.stderr).toBe(
      'the output cannot be written any more (EPIPE): what read it has gone, and the notifier stops\n',
    );
  });
});

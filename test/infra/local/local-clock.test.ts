import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { LocalRun } from './local-run.ts';

const hour = 3_600_000;
const year = 365 * 24 * hour;
const clientId = 'exampleclientid'.repeat(4);
const alice = 'alice@example.com';
const people = { sender: alice, to: ['bob@example.com'] };

/** Has the clock of a process begin with an offset, and set by the next of some steps at each SIGUSR2. */
const settableClock = `
const Real = Date;
const [first, ...steps] = process.env.CLOCK_STEPS.split(',').map(Number);
let offset = first;
process.on('SIGUSR2', () => { offset += steps.shift(); });
globalThis.Date = class Date extends Real {
  constructor(...parts) { if (parts.length) super(...parts); else super(Real.now() + offset); }
  static now() { return Real.now() + offset; }
};`;

test('polls and deliveries go on when the clock is set a year ahead, back again and further, and by a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'local-clock-'));
  const server = await startCryptshareServer();
  server.verifications.registerClientId(clientId);
  const received: string[] = [];
  const receiver = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push(JSON.parse(Buffer.concat(chunks).toString('utf8')).data.trackingId);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const config = join(folder, 'notifier.config.json');
  const webhooks = [{ name: 'crm', url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` }];
  writeFileSync(
    config,
    JSON.stringify({ server: { url: server.url }, schedule: { every: '1s' }, watches: [{ mailbox: alice }], webhooks }),
  );
  writeFileSync(join(folder, 'clock.mjs'), settableClock);
  const start = (...steps: number[]) =>
    new LocalRun(['--json', '--config', config, '--data', join(folder, 'data'), '--allow-private-webhooks'], {
      CRYPTSHARE_CLIENT_ID: clientId,
      NODE_OPTIONS: `--import=${join(folder, 'clock.mjs')}`,
      CLOCK_STEPS: steps.join(','),
    });
  let run = start(0, year, -year - hour);
  onTestFinished(async () => {
    run.kill('SIGKILL');
    await run.exit();
    receiver.closeAllConnections();
    receiver.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });
  /** Has a transfer come, and resolves once it is announced and delivered. */
  const announced = async () => {
    const { trackingId } = server.transfers.create(people);
    await run.line(({ kind, event }) => kind === 'event' && event!.data.trackingId === trackingId);
    await expect.poll(() => received).toContain(trackingId);
  };

  await run.line(({ kind }) => kind === 'poll');
  await announced();
  run.kill('SIGUSR2');
  await announced();
  run.kill('SIGUSR2');
  await announced();
  await run.line(({ kind, text }) => kind === 'warning' && text!.includes('has been set back'));
  run.kill('SIGTERM');
  expect(await run.exit()).toBe(0);
  run = start(-3 * hour);
  await announced();
  expect(run.stderr).toBe('');
});

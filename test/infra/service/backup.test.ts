import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { dirname } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import type { LocalRun } from '#test/infra/local/local-run.ts';
import { LocalWorld, people } from '#test/infra/local/local-world.ts';
import manifest from '../../../package.json' with { type: 'json' };

const world = await LocalWorld.start();
/** Of a run that several tests look at. */
const shared = await LocalWorld.start({ share: true });
const { server } = world;

/** Events that the receiver got, in order. */
let received: TransferEvent[] = [];
let status = 204;
/** True while requests stay without an answer. */
let isHolding = false;
let onEvent: () => unknown = () => {};
const receiver = http.createServer(async (request, response) => {
  received.push((await json(request)) as TransferEvent);
  if (!isHolding) response.writeHead(status).end();
  onEvent();
});
const url = await listenOnLoopback(receiver);
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});
beforeEach(() => {
  received = [];
  status = 204;
  onEvent = () => {};
});

const startIn = (folder: string, of = world) =>
  of.startReal({
    config: { webhooks: [{ name: 'crm', url, retryDelays: ['1s', '1s', '1s'] }] },
    args: ['--allow-private-webhooks', '--data', of.path(folder)],
  });
const backup = (file: string, folder: string, ...options: string[]) =>
  run(['backup', file, '--data', world.path(folder), ...options]);
const backupShared = (file: string, ...options: string[]) =>
  run(['backup', file, '--data', shared.path('data'), ...options]);
/** Restores into a folder that is there, since root would make none in one of its own. */
function restore(file: string, folder: string) {
  mkdirSync(world.path(folder), { recursive: true });
  return run(['restore', file, '--data', world.path(folder)]);
}
/** Backups taken one after the other while events are on their way. */
const rounds = Number(process.env.BACKUPS ?? 1);

const trackingIds = (events: readonly TransferEvent[]) => events.map(({ data }) => data.trackingId);

describe('backup and restore', () => {
  it('lose nothing that the backup has, and repeat at most what came after it, under the same ids', async () => {
    const before = startIn('data');
    await before.line(({ outcome }) => outcome === 'baseline');
    const old = Array.from({ length: 3 }, () => server.transfers.create(people).trackingId);
    await expect.poll(() => trackingIds(received).toSorted()).toEqual(old.toSorted());
    await expect.poll(() => before.lines.filter(({ kind }) => kind === 'delivery')).toHaveLength(3);
    // These wait for a retry while the backup is taken.
    status = 500;
    const waiting = Array.from({ length: 2 }, () => server.transfers.create(people).trackingId);
    await expect.poll(() => trackingIds(received)).toEqual(expect.arrayContaining(waiting));
    const file = world.path('notifier.backup');
    expect((await backup(file, 'data')).code).toBe(0);
    const upToBackup = received;
    received = [];
    status = 204;
    const later = Array.from({ length: 3 }, () => server.transfers.create(people).trackingId);
    await expect.poll(() => new Set(trackingIds(received))).toEqual(new Set([...waiting, ...later]));
    before.kill('SIGKILL');
    await before.exit();
    const ended = received;
    received = [];

    expect((await restore(file, 'elsewhere')).code).toBe(0);
    const after = startIn('elsewhere');
    await expect.poll(() => new Set(trackingIds(received))).toEqual(new Set([...waiting, ...later]));
    const fresh = server.transfers.create(people).trackingId;
    await expect.poll(() => trackingIds(received)).toContain(fresh);
    after.kill('SIGTERM');
    expect(await after.exit()).toBe(0);
    // What was delivered before the backup does not come again.
    expect(trackingIds(received).filter((id) => old.includes(id))).toEqual([]);
    const idOf = new Map([...upToBackup, ...ended].map(({ id, data }) => [data.trackingId, id]));
    for (const { id, data } of received) if (data.trackingId !== fresh) expect(id).toBe(idOf.get(data.trackingId));
  });

  it('lose no event that was on its way when the backup was taken', async () => {
    const created: string[] = [];
    let run = startIn('data0');
    await run.line(({ outcome }) => outcome === 'baseline');
    for (let round = 0; round < rounds; round += 1) {
      const { length } = received;
      const flowing = new Promise<void>((resolve) => {
        onEvent = () => received.length > length + 4 && resolve();
      });
      for (let count = 0; count < 80; count += 1) created.push(server.transfers.create(people).trackingId);
      await flowing;
      // From now on, no delivery is recorded as done before the backup: each must come again after it.
      isHolding = true;
      const delivered = new Set(trackingIds(received));
      const file = world.path(`${round}.backup`);
      expect((await backup(file, `data${round}`)).code).toBe(0);
      run.kill('SIGKILL');
      await run.exit();
      isHolding = false;
      const since = received.length;
      expect((await restore(file, `data${round + 1}`)).code).toBe(0);
      run = startIn(`data${round + 1}`);
      const missing = () => {
        const again = new Set(trackingIds(received.slice(since)));
        return created.filter((id) => !delivered.has(id) && !again.has(id));
      };
      await expect.poll(missing, { timeout: 60_000 }).toEqual([]);
    }
    const ids = Map.groupBy(received, ({ data }) => data.trackingId);
    expect([...ids.values()].filter((events) => new Set(events.map(({ id }) => id)).size > 1)).toEqual([]);
  });
});

describe('backup', () => {
  it('is refused by a run that keeps no data, with the reason', async () => {
    const demo = world.start(['--json']);
    const { 'Operator API': api } = (await demo.line(({ kind }) => kind === 'ready')) as unknown as Record<
      string,
      string
    >;
    const folder = dirname(/token in (.*)$/.exec(api!)![1]!);
    const ran = await run(['backup', world.path('demo.backup'), '--data', folder]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('this run keeps no data here') });
    expect(existsSync(world.path('demo.backup'))).toBe(false);
  });

  it.each<[string, number, (response: http.ServerResponse) => void, RegExp]>([
    [
      'that breaks off',
      1,
      (response) =>
        response.writeHead(200).write('{"kind":"transfer-notifier-backup","format":1}\n', () => response.destroy()),
      /^the backup is not written \(the notifier stopped in the middle\): take it again\n$/,
    ],
    ['that ends too early', 1, (response) => response.writeHead(200).end('{"kind":'), /stopped in the middle/],
    ['of an older version', 1, (response) => response.writeHead(404).end(), /is too old to make a backup: upgrade it/],
    ['with another token', 4, (response) => response.writeHead(401).end(), /refuses access \(HTTP 401\)/],
  ])('keeps the older file for an answer %s', async (_, code, answer, message) => {
    const other = http.createServer((_request, response) => answer(response));
    const address = await listenOnLoopback(other);
    mkdirSync(world.path('data'));
    writeFileSync(world.path('data', 'operator.json'), JSON.stringify({ url: address, token: 'a' }));
    const file = world.path('notifier.backup');
    writeFileSync(file, 'an older one');
    const ran = await backup(file, 'data');
    other.closeAllConnections();
    other.close();
    expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
    expect(readFileSync(file, 'utf8')).toBe('an older one');
    expect(readdirSync(world.folder).toSorted()).toEqual(['data', 'notifier.backup']);
  });
});

describe('backup of a run', () => {
  let notifier: LocalRun;
  beforeAll(async () => {
    notifier = startIn('data', shared);
    await notifier.line(({ outcome }) => outcome === 'baseline');
  });

  it('writes a file for its owner alone, tells of it as JSON, and takes the place of an older one', async () => {
    const file = shared.path('notifier.backup');
    writeFileSync(file, 'an older one', { mode: 0o644 });
    const { code, stdout, stderr } = await backupShared(file, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const told = JSON.parse(stdout);
    expect(told).toEqual({
      takenAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      version: manifest.version,
      rows: expect.any(Number),
      bytes: statSync(file).size,
    });
    expect(told.rows).toBeGreaterThan(3);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(shared.folder).filter((name) => name.includes('backup'))).toEqual(['notifier.backup']);
    expect(readdirSync(shared.path('data', 'queues'))).not.toContain('copy.db');
    await notifier.line(({ text }) => text === 'operator: POST /backup, answered 200');
  });

  it('says what is wrong with the place of the file, and of the notifier', async () => {
    expect(await backupShared(shared.path('none', 'a.backup'))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^the backup is not written \(ENOENT: .*\): take it again\n$/),
    });
    expect(await backupShared(shared.folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is a folder'),
    });
    notifier.kill('SIGKILL');
    await notifier.exit();
    expect(await backupShared(shared.path('a.backup'))).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^cannot reach the operator API at .* \(ECONNREFUSED\): is the local run with/),
    });
    const onAws = ['--url', 'https://abc.lambda-url.eu-central-1.on.aws'];
    expect(await run(['backup', shared.path('a.backup'), ...onAws])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('on AWS, the tables have point-in-time recovery'),
    });
  });
});

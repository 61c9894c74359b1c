import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startForwardProxy } from '#test/functions/http/forward-proxy.ts';
import { closeAll } from '#test/functions/webhooks/http/client-servers.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { startOperatorApi } from './scripted-api.ts';

const api = await startOperatorApi();
const running: ChildProcess[] = [];

beforeEach(() => () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

const source = [process.execPath, 'infra/cli/main.ts'];
const [installed] = Object.values(manifest.bin);

const list = ['watch', 'list', '--json', '--limit', '100'];
const follow = ['event', 'follow', '--json'];
const items = Array.from({ length: 100 }, (_, index) => ({
  mailbox: `${index}${'x'.repeat(2000)}@example.com`,
  direction: 'sent',
}));
const event = { id: 'evt_1', type: 'transfer.active', timestamp: '2126-01-01T00:00:00.000Z', data: {} };
beforeEach(() => {
  api.on('GET /watches', { body: { items } });
  api.on('GET /events', { body: { items: [event] } });
});

interface StartOptions {
  readonly program?: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdout?: 'pipe' | number;
}

/** Starts a command in its own process. */
function start(args: readonly string[], options: StartOptions = {}) {
  const { program = source, cwd = '.', environment = {}, stdout = 'pipe' } = options;
  const [command = '', ...before] = program;
  const child = spawn(command, [...before, ...args], {
    cwd,
    stdio: ['ignore', stdout, 'pipe'],
    env: { PATH: process.env.PATH, NOTIFIER_URL: api.url, ...environment },
  });
  running.push(child);
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
    });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...printed }));
  return { child, ended, stdout: () => printed.stdout };
}

describe('npm run notifier', () => {
  it('exits with the code of the command', async () => {
    expect(await start(['watch', 'show', 'alice@example.com']).ended).toMatchObject({ code: 3 });
  });

  it('never reaches the local run through the proxy of the environment', async () => {
    const { url, asked } = await startForwardProxy({ status: 502 });
    onTestFinished(closeAll);
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'];
    const environment = { NODE_USE_ENV_PROXY: '1', ...Object.fromEntries(names.map((name) => [name, url])) };
    expect(await start(list, { environment }).ended).toMatchObject({ code: 0 });
    expect([api.calls.length, asked]).toEqual([1, []]);
  });

  it('runs from another folder by the link that a package installs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bin-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const command = join(folder, 'transfer-notifier');
    symlinkSync(resolve(installed!), command);
    const ran = await start(list, { program: [command], cwd: folder }).ended;
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual({ items });
    const wrong = await start(['watch', 'remove', 'alice@example.com'], { program: [command], cwd: folder }).ended;
    expect(wrong).toMatchObject({ code: 2 });
    // Its compiled code, which makes the next start faster, stays beside the dependencies.
    expect(readdirSync(folder)).toEqual(['transfer-notifier']);
    expect(existsSync('node_modules/.cache/compiled')).toBe(true);
  });

  it.each([[list], [follow]])('ends %j with exit code 0 once the reader of the output has gone', async (args) => {
    const { child, ended } = start(args);
    child.stdout!.destroy();
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([[list], [follow]])('ends %j with exit code 1 when the output cannot be written', async (args) => {
    const { ended } = start(args, { stdout: openSync('/dev/full', 'w') });
    expect(await ended).toMatchObject({
      code: 1,
      stderr: 'the output cannot be written (ENOSPC) and is not complete; the work is done\n',
    });
  });

  it.each<[NodeJS.Signals[], string[]]>([
    [['SIGTERM'], source],
    // Through npm, one Ctrl-C arrives twice.
    [['SIGINT', 'SIGINT'], source],
    [
      ['SIGINT', 'SIGINT'],
      [process.execPath, installed!],
    ],
  ])('ends event follow by %j with exit code 0: %j', async (signals, program) => {
    const { child, ended, stdout } = start(follow, { program });
    await expect.poll(stdout).toContain('evt_1');
    for (const signal of signals) child.kill(signal);
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });
});

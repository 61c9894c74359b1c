import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startForwardProxy } from '#test/functions/http/forward-proxy.ts';
import { closeAll } from '#test/functions/webhooks/http/client-servers.ts';
import { childEnvironment } from '#test/support/child-process.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { problem, ScriptedApi } from './scripted-api.ts';

let api: ScriptedApi;
let running: ChildProcess[] = [];

beforeAll(async () => {
  api = await ScriptedApi.start();
});
beforeEach(() => {
  api.reset();
  return () => {
    for (const child of running) child.kill('SIGKILL');
    running = [];
  };
});
afterAll(() => api.close());

/** How a command is started, if not as usual. */
interface StartOptions {
  readonly program?: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdout?: 'pipe' | number;
}

/** A command as a process of its own. */
function start(
  args: readonly string[],
  {
    program = [process.execPath, 'infra/cli/main.ts'],
    cwd = '.',
    environment = {},
    stdout = 'pipe',
  }: StartOptions = {},
) {
  const [command = '', ...before] = program;
  const child = spawn(command, [...before, ...args], {
    cwd,
    stdio: ['ignore', stdout, 'pipe'],
    env: { ...childEnvironment, NOTIFIER_URL: api.url, ...environment },
  });
  running.push(child);
  let printed = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout: printed, stderr }));
  return { child, ended, stdout: () => printed };
}

test.each([
  [['watch', 'list'], 0],
  [['watch', 'resume', 'alice@example.com'], 1],
  [['watch', 'remove', 'alice@example.com'], 2],
  [['watch', 'show', 'alice@example.com'], 3],
  [['watch', 'list', '--data', '/nowhere'], 4],
])('%j ends with exit code %i', async (args, code) => {
  api.on('GET /watches', { body: { items: [] } });
  api.on('POST /watches/sent/alice%40example.com/resume', problem(409, 'the watch is not disabled'));
  expect(await start(args).ended).toMatchObject({ code });
});

test('a command never reaches the local run through a proxy, whatever the environment says', async () => {
  const { url, asked } = await startForwardProxy({ status: 502 });
  onTestFinished(closeAll);
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'];
  const environment = { NODE_USE_ENV_PROXY: '1', ...Object.fromEntries(names.map((name) => [name, url])) };
  api.on('GET /watches', { body: { items: [] } });
  const list = await start(['watch', 'list'], { environment }).ended;
  expect(list.code).toBe(0);
  expect([api.calls.length, asked]).toEqual([1, []]);
});

test('the command that a package installs does the same from another folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bin-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const command = join(folder, 'transfer-notifier');
  const [installed] = Object.values(manifest.bin);
  symlinkSync(resolve(installed!), command);
  api.on('GET /watches', { body: { items: [] } });
  const list = await start(['watch', 'list', '--json'], { program: [command], cwd: folder }).ended;
  expect(list).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(list.stdout)).toEqual({ items: [] });
  expect(
    await start(['watch', 'remove', 'alice@example.com'], { program: [command], cwd: folder }).ended,
  ).toMatchObject({ code: 2 });

  api.on('GET /events', { body: { items: [] } });
  const { child, ended } = start(['event', 'follow', '--json'], { program: [command], cwd: folder });
  await expect.poll(() => api.requests.some(({ url }) => url.startsWith('/events'))).toBe(true);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 0 });
});

test.each(['SIGINT', 'SIGTERM'] as const)('event follow ends by %s with exit code 0', async (signal) => {
  const event = { id: 'evt_1', type: 'transfer.active', timestamp: '2126-01-01T00:00:00.000Z', data: {} };
  api.on('GET /events', { body: { items: [event] } });
  const { child, ended, stdout } = start(['event', 'follow', '--json']);
  await expect.poll(stdout).toContain('evt_1');
  child.kill(signal);
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

test('a reader that has gone is no error', async () => {
  const items = Array.from({ length: 100 }, (_, index) => ({
    mailbox: `${index}${'x'.repeat(2000)}@example.com`,
    direction: 'sent',
  }));
  api.on('GET /watches', { body: { items } });
  const { child, ended } = start(['watch', 'list', '--json', '--limit', '100']);
  child.stdout!.destroy();
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

test('event follow ends once its reader has gone', async () => {
  const event = { id: 'evt_1', type: 'transfer.active', timestamp: '2126-01-01T00:00:00.000Z', data: {} };
  api.on('GET /events', { body: { items: [event] } });
  const { child, ended } = start(['event', 'follow', '--json']);
  child.stdout!.destroy();
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

test('a command whose output cannot be written does its work, and fails', async () => {
  api.on('GET /watches', { body: { items: [] } });
  const program = [process.execPath, 'infra/cli/main.ts'];
  const { ended } = start(['watch', 'list', '--json'], { program, stdout: openSync('/dev/full', 'w') });
  expect(await ended).toMatchObject({
    code: 1,
    stderr: 'the output cannot be written (ENOSPC) and is not complete; the work is done\n',
  });
});

test('event follow ends once its output cannot be written', async () => {
  const event = { id: 'evt_1', type: 'transfer.active', timestamp: '2126-01-01T00:00:00.000Z', data: {} };
  api.on('GET /events', { body: { items: [event] } });
  const program = [process.execPath, 'infra/cli/main.ts'];
  const { ended } = start(['event', 'follow', '--json'], { program, stdout: openSync('/dev/full', 'w') });
  expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be written (ENOSPC)') });
});

test.each([
  ['its own', ['infra/cli/main.ts']],
  ['the installed', ['infra/cli/transfer-notifier.js']],
])('one Ctrl-C that arrives twice, as through npm, ends %s command with exit code 0', async (_, script) => {
  api.on('GET /events', { body: { items: [] } });
  const { child, ended } = start(['event', 'follow', '--json'], { program: [process.execPath, ...script] });
  await expect.poll(() => api.requests.some(({ url }) => url.startsWith('/events'))).toBe(true);
  child.kill('SIGINT');
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 0 });
});

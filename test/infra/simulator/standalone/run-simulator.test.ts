import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '#infra/config/config.ts';
import { readCredentials } from '#infra/config/credentials.ts';
import { defaultSwitches } from '#infra/simulator/switches.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';
import { childEnvironment } from '#test/support/child-process.ts';

const program = [process.execPath, 'infra/cli/main.ts', 'simulator'];

/** Starts it; it ends with the test at the latest. */
function start(...args: string[]): LocalRun {
  const run = new LocalRun(args, {}, { program });
  onTestFinished(async () => {
    run.kill('SIGKILL');
    await run.exit();
  });
  return run;
}

test('npm run simulator prints a configuration and commands that work, and ends by Ctrl-C with exit code 0', async () => {
  const run = start('--seed', '7', '--speed', '100000', '--port', '0');
  await run.line(({ text }) => text!.includes('/control/requests'));
  const [, url = ''] = /^Simulated Cryptshare Server: (http:\/\/127\.0\.0\.1:\d+) /.exec(run.stdout) ?? [];

  // Commands are read and copied on a terminal of usual width.
  expect(run.stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'simulator.config.json');
  writeFileSync(file, /^ {2}\{\n.*?^ {2}\}\n/ms.exec(run.stdout)![0]);
  const { server, watches } = loadConfig(file, () => []);
  expect({ url: server.url, watches: watches.length }).toEqual({ url, watches: 2 });
  const [, CRYPTSHARE_CLIENT_ID = ''] = /export CRYPTSHARE_CLIENT_ID=(\S+)/.exec(run.stdout) ?? [];
  const { clientId } = readCredentials({ CRYPTSHARE_CLIENT_ID });
  const verified = await fetch(`${url}/api/users/alice%40example.com/verification`, {
    headers: { 'X-CS-ClientId': clientId, 'X-CS-MajorApiVersion': '1', 'X-CS-MinimumMinorApiVersion': '8' },
  });
  expect(await verified.json()).toMatchObject({ data: { verificationMethods: expect.arrayContaining(['CLIENT_ID']) } });

  const sh = async (command: string) =>
    (await promisify(execFile)('sh', ['-c', command], { env: { ...childEnvironment, server: url } })).stdout;
  const [send = '', ...others] = run.stdout.match(/curl \$server.*/g) ?? [];
  const { trackingId } = JSON.parse(await sh(send)) as { trackingId: string };
  for (const command of others) {
    const filled = command.replace('TRACKING-ID', trackingId).replace('curl ', 'curl --silent --fail-with-body ');
    await expect(sh(filled), command).resolves.toBeDefined();
  }
  expect(others).toHaveLength(5);

  const second = start('--port', new URL(url).port);
  expect(await second.exit()).toBe(1);
  expect(second.stderr).toBe(
    `port ${new URL(url).port} is in use: end what uses it, or choose another one by --port\n`,
  );

  run.kill('SIGINT');
  expect(await run.exit()).toBe(0);
  expect(run.stderr).toBe('');
});

test('lives by a seed come faster than real ones, and the page shows them', async () => {
  const run = start('--seed', '7', '--speed', '1000000', '--port', '0', '--set', 'stateSpelling=prose');
  await run.line(({ text }) => text!.includes('/control/requests'));
  const [, url = ''] = /^Simulated Cryptshare Server: (http:\S+) /.exec(run.stdout) ?? [];
  const page = async () => (await fetch(url)).text();
  await expect.poll(page).toMatch(/DELETED_BY_EXPIRATION/);
  expect(await (await fetch(`${url}/control/switches`)).json()).toMatchObject({ stateSpelling: 'prose' });
});

test('a history begins at once, whenever it was recorded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'history.jsonl');
  writeFileSync(file, '{"at":"2026-08-02T09:00:00Z","transfer":1,"is":"sent","mailbox":3}');
  const run = start('--history', file, '--port', '0');
  await run.line(({ text }) => text!.includes('/control/requests'));
  const [, url = ''] = /^Simulated Cryptshare Server: (http:\S+) /.exec(run.stdout) ?? [];
  expect(await (await fetch(url)).text()).toContain('carol@example.com');
});

test.each([
  [['--set', 'stateSpelling'], 'expected NAME=VALUE'],
  [['--set', 'spelling=prose'], 'there is no switch spelling'],
  [['--set', 'stateSpelling=funny'], 'the switch stateSpelling: '],
  [['--history', 'README.md'], 'README.md is no history: line 1: expected JSON'],
  [['--speed', '0'], 'Expected a whole number'],
  [['--set', 'latencyMs=99999999999'], 'the switch latencyMs: '],
])('the simulated server does not start with %j, and says why', async (args, reason) => {
  const ran = await run(['simulator', ...args]);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain(reason);
});

test('a speed alone lets transfers live as well', async () => {
  const { stdout } = await run(['simulator', '--port', '0', '--speed', '5'], { interrupted: AbortSignal.abort() });
  expect(stdout).toContain('live 5 times as fast as real ones (seed 1)');
});

test('the help has a line for each switch, with its default and what it does', async () => {
  const { stdout } = await run(['simulator', '--help']);
  for (const [name, value] of Object.entries(defaultSwitches)) {
    expect(stdout).toMatch(new RegExp(`^ {2}${name}=${value} +\\S.{10,64}$`, 'm'));
  }
});

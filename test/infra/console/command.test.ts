import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';
import { childEnvironment } from '#test/support/child-process.ts';
import { ask } from './console-world.ts';

const api = await startOperatorApi();
const environment = { NOTIFIER_URL: api.url };

/** Runs the command until it is to end at once. */
const shortly = (...args: string[]) => run(['console', ...args], { environment, interrupted: AbortSignal.abort() });

describe('console', () => {
  it('prints its address first, with the token on it alone, and ends with 0', async () => {
    const { code, stdout, stderr } = await shortly('--no-open');
    expect(stdout).toMatch(/^Console {2}http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{32}\n$/);
    expect(stderr).toBe(`shows ${api.url}; Ctrl-C ends it\n`);
    expect(code).toBe(0);
  });

  it('says that no browser can be opened where there is no screen', async () => {
    expect((await shortly()).stderr).toContain('no browser can be opened here: open that address yourself');
  });

  it.runIf(process.platform === 'linux')(
    'gives the program that opens a browser another token than the printed one, since every user sees it',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'opener-'));
      const opened = join(folder, 'opened');
      writeFileSync(
        join(folder, 'xdg-open'),
        `#!/bin/sh\nprintf %s "$1" > ${opened}.new; mv ${opened}.new ${opened}\n`,
        {
          mode: 0o755,
        },
      );
      const PATH = `${folder}:${process.env.PATH}`;
      const { stdout } = await run(['console'], {
        environment: { ...environment, PATH, DISPLAY: ':0' },
        interrupted: AbortSignal.abort(),
      });
      await expect.poll(() => existsSync(opened)).toBe(true);
      const [given, printed] = [readFileSync(opened, 'utf8'), stdout.split(/\s+/)[1]!];
      rmSync(folder, { recursive: true });
      expect(new URL(given).origin).toBe(new URL(printed).origin);
      expect(given).toMatch(/\/\?token=[0-9a-f]{32}$/);
      expect(given).not.toBe(printed);
    },
  );

  it('prints its address as JSON for scripts', async () => {
    const { stdout } = await shortly('--no-open', '--json');
    expect(JSON.parse(stdout)).toEqual({ url: expect.stringMatching(/^http:/) });
  });

  it('says when pages may change things', async () => {
    expect((await shortly('--no-open', '--allow-changes')).stderr).toContain('and changes it after a question');
  });

  it('listens on the port that is named', async () => {
    const server = http.createServer();
    const free = new URL(await listenOnLoopback(server)).port;
    server.close();
    await once(server, 'close');
    expect((await shortly('--no-open', '--port', free)).stdout).toContain(`http://127.0.0.1:${free}/?token=`);
  });

  it('says what to do when the port is in use, without a stack', async () => {
    const server = http.createServer();
    const { port } = new URL(await listenOnLoopback(server));
    const { code, stdout, stderr } = await shortly('--no-open', '--port', port);
    server.close();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `cannot listen on port ${port} (EADDRINUSE): another program uses it, perhaps another console: name another one, or leave --port out for a free one\n`,
    );
  });

  it.each([
    ['--port', '0'],
    ['--port', '65536'],
    ['--port', 'x'],
    ['--language', 'fr'],
  ])('refuses %s %s', async (option, value) => {
    expect((await shortly('--no-open', option, value)).code).toBe(2);
  });

  it('serves until Ctrl-C, in the language that is named, and then ends with 0', async () => {
    const child = spawn(process.execPath, ['infra/cli/main.ts', 'console', '--no-open', '--language', 'de'], {
      env: { ...childEnvironment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const address = new URL(line.split(/\s+/)[1]!);
    const admitted = await ask(address.origin, address.pathname + address.search);
    const cookie = admitted.headers['set-cookie']![0]!.split(';')[0]!;
    const { body } = await ask(address.origin, '/doctor', { headers: { cookie, 'accept-language': 'en' } });
    expect(body).toContain('<html lang="de">');
    const live = http.get(`${address.origin}/live`, { headers: { cookie } });
    await once(live, 'response');
    live.on('error', () => undefined);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('npm start', () => {
  const running: LocalRun[] = [];
  const start = (args: readonly string[], program?: readonly string[]): LocalRun => {
    const started = new LocalRun(args, {}, program && { program });
    running.push(started);
    return started;
  };
  afterEach(async () => {
    for (const one of running.splice(0)) {
      one.kill('SIGTERM');
      await one.exit();
    }
  });

  const main = `${process.execPath} infra/local/main.ts`;
  const consoleIn = (line: unknown): string | undefined =>
    /Console\s+(.+)$/.exec(stripVTControlCharacters((line as { text: string }).text).trim())?.[1];

  it('prints on a terminal the address of its console first; the console shows it working, and only shows', async () => {
    const started = start([], ['script', '-qec', main, '/dev/null']);
    const address = new URL(consoleIn(await started.line((line) => consoleIn(line) !== undefined))!);
    const at = started.lines.findIndex((line) => consoleIn(line) !== undefined);
    // The line of counts is drawn before, and erased.
    expect(JSON.stringify(started.lines.slice(0, at))).not.toContain('http');
    const admitted = await ask(address.origin, address.pathname + address.search);
    const cookie = admitted.headers['set-cookie']![0]!.split(';')[0]!;
    const { status, body } = await ask(address.origin, '/', { headers: { cookie } });
    expect(status).toBe(200);
    expect(body).toContain('read-only, without --allow-changes');
    const doctor = await ask(address.origin, '/doctor/run', { headers: { cookie } });
    expect(doctor.body).toMatch(/\d+ checks: \d+ ok, \d+ to look at, 0 failed/);
  });

  it('prints no token into a pipe, which may be a log, but the command that opens the console', async () => {
    const started = start([]);
    const command = consoleIn(await started.line(() => true))!;
    expect(command).toMatch(/^npm run notifier -- console --data \S+$/);
    const opened = await run([...command.split(' ').slice(4), '--no-open'], { interrupted: AbortSignal.abort() });
    expect(opened).toMatchObject({ code: 0, stdout: expect.stringMatching(/\?token=/) });
    expect(started.stdout).not.toContain('token=');
  });

  it('prints no token among the lines for scripts', async () => {
    const scripted = start(['--json']);
    const { Console: command } = (await scripted.line(({ kind }) => kind === 'ready')) as { Console?: string };
    expect(command).toMatch(/^npm run notifier -- console/);
  });
});

import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LocalWorld } from './local-world.ts';

const world = await LocalWorld.start();

/** Starts a run whose systemd-notify writes its arguments to a file. */
function startSupervised(environment: Record<string, string>) {
  const program = world.path('systemd-notify');
  writeFileSync(program, `#!/bin/sh\necho "$*" >> '${world.path('told')}'\n`);
  chmodSync(program, 0o755);
  const run = world.startReal({ environment: { PATH: `${world.folder}:${process.env.PATH}`, ...environment } });
  const told = () =>
    existsSync(world.path('told')) ? readFileSync(world.path('told'), 'utf8').trim().split('\n') : [];
  return { run, told };
}

describe('npm start', () => {
  it('tells systemd when it is ready, then gives signs of life', async () => {
    const { run, told } = startSupervised({ NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '600000' });
    await expect.poll(() => told().length).toBeGreaterThan(2);
    expect([...new Set(told())]).toEqual(['READY=1', 'WATCHDOG=1']);
    await run.line(({ kind }) => kind === 'ready');
    run.kill('SIGTERM');
    expect(await run.exit()).toBe(0);
  });

  it.each([
    [{}, []],
    [{ NOTIFY_SOCKET: '/run/systemd/notify' }, ['READY=1']],
  ])('tells with %j no more than systemd wants to know', async (environment, expected) => {
    const { run, told } = startSupervised(environment);
    await run.line(({ outcome }) => outcome === 'unchanged');
    expect(told()).toEqual(expected);
  });
});

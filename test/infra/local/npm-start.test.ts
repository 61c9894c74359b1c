import { describe, expect, it } from 'vitest';
import type { LocalRun } from './local-run.ts';
import { LocalWorld } from './local-world.ts';

const world = await LocalWorld.start();

/** Runs `npm start` in its own process group; npm does not look for updates of itself. */
function npmStart(...args: string[]): LocalRun {
  const environment = { npm_config_update_notifier: 'false', npm_config_logs_max: '0' };
  const program = ['npm', 'start', '--silent', '--'];
  return world.start(args, environment, { program, hasGroup: true });
}

describe('npm start', () => {
  it.each<[string, number | null, (run: LocalRun) => void]>([
    ['Ctrl-C, which reaches npm and the notifier', 0, (run) => run.killGroup('SIGINT')],
    ['SIGTERM to npm alone', 0, (run) => run.kill('SIGTERM')],
    ['SIGKILL to npm alone', null, (run) => run.kill('SIGKILL')],
  ])('ends the notifier in good order by %s', async (_, code, signal) => {
    const run = npmStart('--json');
    await run.line(({ outcome }) => outcome === 'baseline');
    signal(run);
    // Its output ends when the notifier, which has it open, too, has ended.
    expect(await run.exit()).toBe(code);
    expect(run.lines.at(-1)).toEqual({ kind: 'warning', text: 'stopped, nothing left halfway' });
    expect(run.stderr).toBe(code === null ? 'npm has ended, and the notifier stops\n' : '');
  });

  it('exits with the code of a notifier that could not start', async () => {
    expect(await npmStart('--colour').exit()).toBe(2);
  });
});

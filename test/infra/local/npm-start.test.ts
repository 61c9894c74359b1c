import { beforeEach, expect, test } from 'vitest';
import { LocalRun } from './local-run.ts';

const running: LocalRun[] = [];

beforeEach(() => async () => {
  for (const run of running.splice(0)) {
    run.killGroup('SIGKILL');
    await run.exit();
  }
});

/** Runs `npm start` in a process group of its own; npm does not look for updates of itself. */
function npmStart(args: readonly string[]): LocalRun {
  const environment = { npm_config_update_notifier: 'false', npm_config_logs_max: '0' };
  const program = ['npm', 'start', '--silent', '--'];
  const run = new LocalRun(args, environment, { program, hasGroup: true });
  running.push(run);
  return run;
}

test.each<[string, (run: LocalRun) => void]>([
  ['Ctrl-C in its terminal, which goes to npm and to the notifier', (run) => run.killGroup('SIGINT')],
  ['SIGINT to npm alone', (run) => run.kill('SIGINT')],
  ['SIGTERM to npm alone', (run) => run.kill('SIGTERM')],
])('npm start ends with exit code 0, and the notifier with it, by %s', async (_, signal) => {
  const run = npmStart(['--json']);
  await run.line(({ outcome }) => outcome === 'baseline');
  signal(run);
  // The end of its output, which the notifier has open, too.
  expect(await run.exit()).toBe(0);
  expect(run.lines.at(-1)).toEqual({ kind: 'warning', text: 'stopped, nothing left halfway' });
  expect(run.stderr).toBe('');
});

test('an npm that is killed takes the notifier with it, in good order', async () => {
  const run = npmStart(['--json']);
  await run.line(({ kind }) => kind === 'ready');
  run.kill('SIGKILL');
  await run.exit();
  expect(run.lines.at(-1)).toEqual({ kind: 'warning', text: 'stopped, nothing left halfway' });
});

test('npm start hands on the exit code of a notifier that could not start', async () => {
  expect(await npmStart(['--colour']).exit()).toBe(2);
});

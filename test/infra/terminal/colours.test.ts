import { expect, it, onTestFinished } from 'vitest';
import { LocalRun } from '#test/infra/local/local-run.ts';

/** Runs a command or a demo with `FORCE_COLOR`, and returns all that it prints. */
async function printed(args: readonly string[], program: readonly string[], environment: Record<string, string>) {
  const options = { program: [process.execPath, ...program] };
  const run = new LocalRun(args, { FORCE_COLOR: '1', ...environment }, options);
  onTestFinished(() => void run.kill('SIGKILL'));
  await run.line(({ text = '' }) => /^\S*\d\d:\d\d:\d\d/.test(text));
  run.kill('SIGTERM');
  await run.exit();
  return run.stdout + run.stderr;
}

const programs = [
  ['a command', ['trigger', 'watch.failing', '--to', 'http://127.0.0.1:9'], ['infra/cli/main.ts']],
  ['npm start', [], ['infra/local/main.ts']],
] as const;

it.each(programs)(
  '%s has no colours with NO_COLOR, also beside FORCE_COLOR, and does not warn',
  async (_, args, program) => {
    const text = await printed(args, program, { NO_COLOR: '1' });
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('Warning');
  },
);

it.each(programs)('%s has colours with FORCE_COLOR, also beside an empty NO_COLOR', async (_, args, program) => {
  expect(await printed(args, program, { NO_COLOR: '' })).toContain('\u001b[');
});

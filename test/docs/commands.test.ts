import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { ScriptedApi } from '#test/infra/cli/scripted-api.ts';

const nouns = ['client-id', 'watch', 'transfer', 'endpoint', 'delivery', 'event', 'status', 'doctor', 'secret'];

let api: ScriptedApi;

beforeAll(async () => {
  api = await ScriptedApi.start();
});
beforeEach(() => {
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDFORMATION', api.url);
  for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'example-1');
  return () => {
    vi.unstubAllEnvs();
  };
});
afterAll(() => api.close());

/** The commands that a text shows, as arguments; those of a sentence end with its code. */
const commandsIn = (text: string): string[][] =>
  [...text.matchAll(/npm run (?:--silent )?notifier -- ([^\n`#|&]+)/g)]
    .map(([, command = '']) => command.replace(/'/g, '').trim().split(/\s+/))
    .filter((args) => nouns.includes(args[0]!));

/** Whether the command line is understood, whatever the operator API says to it. */
async function understood(args: readonly string[]): Promise<void> {
  const ran = await run(args, {
    environment: { NOTIFIER_URL: api.url, OPS_SLACK_URL: 'https://chat.example.com/T/B' },
    answers: [true],
    interrupted: AbortSignal.abort(),
  });
  // A configuration file that is not here is no mistake in the command.
  if (ran.stderr.includes('cannot be used')) return;
  expect(ran.code, `${args.join(' ')}\n${ran.stderr}`).not.toBe(2);
}

test.each(['README.md', 'docs/operations.md'])('%s shows commands that are understood', async (file) => {
  const commands = commandsIn(readFileSync(file, 'utf8'));
  expect(commands.length).toBeGreaterThan(5);
  for (const args of commands) await understood(args);
});

test.each(nouns)('the help of %s shows commands that are understood', async (noun) => {
  const { stdout } = await run([noun, '--help'], { columns: 1000 });
  const commands = commandsIn(stdout.slice(stdout.indexOf('Examples:')));
  expect(commands.length).toBeGreaterThan(0);
  for (const args of commands) await understood(args);
});

test('operations.md tells of every exit code that the help tells of', async () => {
  const { stdout } = await run(['--help'], { columns: 1000 });
  const codes = [...stdout.matchAll(/\b(\d) [a-z]/g)].map(([, code]) => code);
  expect(codes).toEqual(['0', '1', '2', '3', '4']);
  const text = readFileSync('docs/operations.md', 'utf8');
  for (const code of codes) expect(text).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { ScriptedApi } from '#test/infra/cli/scripted-api.ts';

const nouns = [
  'client-id',
  'watch',
  'transfer',
  'explain',
  'endpoint',
  'delivery',
  'event',
  'notice',
  'status',
  'console',
  'doctor',
  'secret',
  'service print',
  'backup',
  'restore',
  'check',
  'listen',
  'trigger',
  'simulator',
];

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

/** Lists the arguments of the commands in a text. */
const commandsIn = (text: string): string[][] =>
  [...text.matchAll(/npm run (?:--silent )?notifier -- ([^\n`#|&>]+)/g)]
    .map(([, command = '']) => command.replace(/'/g, '').trim().split(/\s+/))
    .filter(([noun]) => noun !== 'NOUN');

/** Expects no error of the command line, whatever the operator API answers. */
async function expectUnderstood(args: readonly string[]): Promise<void> {
  const ran = await run(args, {
    environment: { NOTIFIER_URL: api.url, WEBHOOK_SECRET: newSecret(), OPS_SLACK_URL: 'https://chat.example.com/T/B' },
    answers: [true],
    interrupted: AbortSignal.abort(),
  });
  // A configuration file that is not here is no mistake in the command.
  if (ran.stderr.includes('cannot be used')) return;
  expect(ran.code, `${args.join(' ')}\n${ran.stderr}`).not.toBe(2);
}

describe.each(['README.md', 'docs/operations.md'])('%s', (file) => {
  it('shows commands that the CLI understands', async () => {
    const commands = commandsIn(readFileSync(file, 'utf8'));
    expect(commands.length).toBeGreaterThan(5);
    for (const args of commands) await expectUnderstood(args);
  });
});

describe.each(nouns)('%s --help', (noun) => {
  it('shows commands that the CLI understands', async () => {
    const { stdout } = await run([...noun.split(' '), '--help'], { columns: 1000 });
    const commands = commandsIn(stdout.slice(stdout.indexOf('Examples:')));
    expect(commands.length).toBeGreaterThan(0);
    for (const args of commands) await expectUnderstood(args);
  });
});

it('documents in docs/operations.md every exit code of the help', async () => {
  const { stdout } = await run(['--help'], { columns: 1000 });
  const codes = [...stdout.matchAll(/\b(\d) [a-z]/g)].map(([, code]) => code);
  expect(codes).toEqual(['0', '1', '2', '3', '4']);
  const text = readFileSync('docs/operations.md', 'utf8');
  for (const code of codes) expect(text).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { childEnvironment } from '#test/support/child-process.ts';
import { AwsServices } from './aws-services.ts';

let folder: string;
let config: string;
let aws: AwsServices;
let environment: Record<string, string | undefined>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fill-secret-'));
  config = join(folder, 'notifier.config.json');
  writeFileSync(
    config,
    JSON.stringify({
      server: { url: 'https://cryptshare.example.com' },
      watches: [{ mailbox: 'alice@example.com' }],
      webhooks: [{ name: 'crm', url: 'https://crm.example.com/', secretFrom: 'CRM_SECRET' }],
    }),
  );
  aws = new AwsServices();
  environment = { ...childEnvironment, ...(await aws.start()) };
  return async () => {
    await aws.stop();
    rmSync(folder, { recursive: true });
  };
});

const names = ['--secret', AwsServices.secretName, '--declare', AwsServices.functionName];

/** Runs the command where nobody can be asked. */
async function run(args: readonly string[], env: Readonly<Record<string, string | undefined>> = environment) {
  const child = spawn(process.execPath, ['infra/cli/secret/main.ts', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on('close', resolve)),
  ]);
  return { out, err, code };
}

const answers = {
  CRYPTSHARE_CLIENT_ID: 'ClientId9'.repeat(10),
  CRM_SECRET: '',
};

test('a script fills the secret from its environment; nothing secret is shown but the signing secret made', async () => {
  aws.answer = { watches: 1, endpoints: 1, waiting: [] };
  const { out, err, code } = await run([...names, '--config', config], { ...environment, ...answers });
  expect({ err, code }).toEqual({ err: '', code: 0 });
  const { CRYPTSHARE_CLIENT_ID, CRM_SECRET } = aws.fields;
  expect({ ...answers, CRYPTSHARE_CLIENT_ID }).toEqual(answers);
  expect(out).toBe(
    [
      'secret NotifierSecret: filled CRYPTSHARE_CLIENT_ID, CRM_SECRET; functions take it up within five minutes',
      `CRM_SECRET, new signing secret of the webhook crm, shown this once: ${CRM_SECRET}`,
      'declared: 1 watch, 1 webhook ready',
      '',
    ].join('\n'),
  );
});

test('a webhook that still waits ends it with 1', async () => {
  aws.answer = { watches: 1, endpoints: 0, waiting: [{ endpoint: 'crm', because: ['url: expected https:'] }] };
  const { out, code } = await run([...names, '--config', config], { ...environment, ...answers });
  expect(code).toBe(1);
  expect(out).toContain('webhook crm waits: url: expected https:\n');
});

describe.skipIf(spawnSync('script', ['--version']).status !== 0)('at a terminal', () => {
  /** Runs the command at a terminal and types each answer as soon as its question is there. */
  async function converse(typed: readonly (readonly [field: string, answer: string])[]) {
    const command = [process.execPath, 'infra/cli/secret/main.ts', ...names, '--config', config].join(' ');
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const left = [...typed];
    let shown = '';
    for await (const chunk of child.stdout) {
      shown += chunk;
      const [field = '', answer = ''] = left[0] ?? [];
      if (left.length === 0 || !shown.includes(`${field},`)) continue;
      left.shift();
      child.stdin.write(answer);
    }
    child.stdin.end();
    return { shown, code: await new Promise((resolve) => child.on('close', resolve)) };
  }

  test('nothing that is typed is shown', async () => {
    aws.answer = { watches: 1, endpoints: 1, waiting: [] };
    const { shown, code } = await converse([
      ['CRYPTSHARE_CLIENT_ID', `${answers.CRYPTSHARE_CLIENT_ID}\r`],
      ['CRM_SECRET', '\r'],
    ]);
    expect(aws.fields).toMatchObject({ ...answers, CRM_SECRET: expect.stringMatching(/^whsec_/) });
    // A narrow terminal breaks the line.
    expect(shown).toMatch(/\[\s*input is masked\]/);
    expect(shown).not.toMatch(/ClientId9/);
    expect(shown.split(aws.fields.CRM_SECRET ?? '')).toHaveLength(2);
    expect(code).toBe(0);
  });

  test('Ctrl-C leaves the secret as it is', async () => {
    const { shown, code } = await converse([['CRYPTSHARE_CLIENT_ID', '\x03']]);
    expect(shown).toContain('stopped, nothing was written');
    expect(code).toBe(1);
    expect(aws.operations).toEqual(['GetSecretValue']);
  });
});

test.each<[string, Record<string, string | undefined>, RegExp]>([
  [
    'values',
    {},
    /^the environment cannot be used:\n {2}CRYPTSHARE_CLIENT_ID: expected in the environment, as there is no terminal/,
  ],
  ['a region', { AWS_REGION: undefined }, /^could not .*: Region is missing: name the region of the stack, .*\n$/],
  [
    'credentials',
    { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    /^could not read the secret NotifierSecret: CredentialsProviderError: .*: sign in \(aws sso login, .*\n$/,
  ],
  [
    'a way to AWS',
    { AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:1' },
    /^could not read the secret NotifierSecret: .*ECONNREFUSED.*: is AWS reached from here, and .*\n$/,
  ],
])('without %s it ends with 1 and one message', async (_, change, message) => {
  const { out, err, code } = await run([...names, '--config', config], { ...environment, ...change });
  expect(err).toMatch(message);
  expect({ out, code }).toEqual({ out: '', code: 1 });
});

test('a wrong configuration or command line ends with 2, before anything is done', async () => {
  const missing = join(folder, 'missing.json');
  expect(await run([...names, '--config', missing])).toEqual({
    out: '',
    err: `${missing} cannot be used:\n  expected a readable file (ENOENT)\n`,
    code: 2,
  });
  expect(await run(['--secret', 'x'])).toEqual({
    out: '',
    err: "error: required option '--declare <function>' not specified\n",
    code: 2,
  });
  expect(aws.operations).toEqual([]);
});

test('what it cannot print, as on a full disk, is said on stderr and no success', () => {
  const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const;
  const { status, stderr } = spawnSync(process.execPath, ['infra/cli/secret/main.ts', '--help'], {
    env: childEnvironment,
    stdio: [...stdio],
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: 'the output cannot be written (ENOSPC) and is not complete; the work is done\n',
  });
});

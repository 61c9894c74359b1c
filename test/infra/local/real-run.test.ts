import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { ConfigError } from '#infra/config/config.ts';
import { realRun } from '#infra/local/real-run.ts';

let file: string;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'real-run-'));
  file = join(folder, 'notifier.config.json');
});
afterAll(() => rmSync(folder, { recursive: true }));

const sound = { server: { url: 'https://cryptshare.example.com' }, watches: [{ mailbox: 'alice@example.com' }] };
const CRYPTSHARE_CLIENT_ID = 'exampleclientid'.repeat(4);
const options = { notifyExisting: false, json: false, allowPrivateWebhooks: false, awsEndpoints: {} };

/** What is said about a file, in an environment. */
function saidOf(config: object, environment: NodeJS.ProcessEnv = { CRYPTSHARE_CLIENT_ID }, allowed = false): string[] {
  writeFileSync(file, JSON.stringify({ ...sound, ...config }));
  try {
    realRun(file, { ...options, allowPrivateWebhooks: allowed }, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

test('a client id that is missing is told as an environment variable, with how to make one, and the file is not blamed', () => {
  expect(saidOf({}, {})).toEqual([
    'the environment cannot be used:',
    '  CRYPTSHARE_CLIENT_ID: this environment variable is missing; export the client id of this notifier in it, or make one first: npm run notifier -- client-id new',
  ]);
});

test('mistakes of the file and of the environment are told at once, each with where it is', () => {
  const webhooks = [
    { name: 'crm', url: 'http://127.0.0.1:9000/hook', secretFrom: 'CRM_SECRET', types: ['transfer.gone'] },
    { name: 'OPS', urlFrom: 'OPS_URL', headersFrom: { 'X-Token': 'OPS_TOKEN' }, secretFrom: 'OPS_SECRET' },
  ];
  const said = saidOf(
    { schedule: { every: 'often' }, webhooks },
    { OPS_SECRET: 'whsec_short', CRM_SECRET: newSecret() },
  );
  expect(said.map((line) => line.replace(/: .*/, ''))).toEqual([
    `${file} cannot be used:`,
    ...[
      '  schedule.every',
      '  webhooks[0].types[0]',
      '  webhooks[1].name',
      '  webhooks[0].url',
      '  webhooks[1].secretFrom',
    ],
    'the environment cannot be used:',
    ...['  CRYPTSHARE_CLIENT_ID', '  OPS_URL', '  OPS_TOKEN'],
  ]);
  expect(said.join('\n')).not.toContain('whsec_short');
});

test('a signing secret that is missing is one mistake', () => {
  const webhooks = [{ name: 'crm', url: 'https://crm.example.com/hook', secretFrom: 'CRM_SECRET' }];
  expect(saidOf({ webhooks })).toEqual([
    'the environment cannot be used:',
    '  CRM_SECRET: this environment variable is missing; webhooks[0].secretFrom names it',
  ]);
});

describe('a receiver on this machine', () => {
  const webhooks = [{ name: 'crm', url: 'http://127.0.0.1:9000/hook' }];

  test('is refused for all that is wrong with its address, with the option that lets it be', () => {
    expect(saidOf({ webhooks })).toEqual([
      `${file} cannot be used:`,
      '  webhooks[0].url: expected https:; expected an address on the public internet; for a receiver on this machine or in a private network, start with --allow-private-webhooks',
    ]);
    expect(saidOf({ webhooks }, undefined, true)).toEqual([]);
  });

  test('is not told of the option where that would not help', () => {
    const [, problem] = saidOf({ webhooks: [{ name: 'crm', url: 'ftp://127.0.0.1/' }] });
    expect(problem).not.toContain('--allow-private-webhooks');
  });
});

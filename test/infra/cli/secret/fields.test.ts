import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { readPollEnvironment } from '#functions/lambda/environment.ts';
import { newPrivateKey, newSecret } from '#functions/webhooks/http/signature.ts';
import { secretFields } from '#infra/cli/secret/fields.ts';
import type { Config } from '#infra/config/config.ts';

const webhook = { types: ['transfer.*'], format: 'event' as const, maxInFlight: 10 };

const config: Config = {
  stack: 'TransferNotifier',
  server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 4 },
  schedule: { every: '1m', fullListingEvery: 1, shards: 1 },
  watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
  notify: { readers: [] },
  retention: { events: 30, transfers: 30 },
  webhooks: [
    {
      ...webhook,
      name: 'crm',
      url: 'https://crm.example.com/',
      secretFrom: 'CRM_SECRET',
      headersFrom: { 'x-key': 'SHARED_KEY' },
    },
    {
      ...webhook,
      name: 'erp',
      url: 'https://erp.example.com/',
      secretFrom: 'ERP_SECRET',
      headersFrom: { 'x-key': 'SHARED_KEY' },
    },
    { ...webhook, name: 'ops', urlFrom: 'OPS_URL', format: 'slack' },
  ],
};

const fieldOf = (name: string) => secretFields(config).find((field) => field.name === name)!;

test('secretFields lists the credentials for the server, and each variable of the webhooks once', () => {
  expect(secretFields(config).map(({ name, meaning }) => `${name}: ${meaning}`)).toEqual([
    'CRYPTSHARE_CLIENT_ID: client id that is registered on the Cryptshare Server',
    'CRM_SECRET: signing secret of the webhook crm',
    'SHARED_KEY: value of the header x-key of the webhooks crm, erp',
    'ERP_SECRET: signing secret of the webhook erp',
    'OPS_URL: address of the webhook ops',
  ]);
});

describe('problemWith', () => {
  test.each([
    ['CRYPTSHARE_CLIENT_ID', 'a'.repeat(49), 'expected 50 to 4000 letters and digits, got 49 characters'],
    ['CRYPTSHARE_CLIENT_ID', `${'a'.repeat(50)}-`, 'expected 50 to 4000 letters and digits, got 51 characters'],
    ['CRYPTSHARE_CLIENT_ID', 'a'.repeat(4001), 'expected 50 to 4000 letters and digits, got 4001 characters'],
    ['CRM_SECRET', 'secret', 'expected whsec_ or whsk_ before the key'],
    ['CRM_SECRET', newPrivateKey(), 'expected whsec_ before the key'],
    ['CRM_SECRET', 'whsec_AAAA', 'expected a key of 24 to 64 bytes, got 3'],
    ['OPS_URL', 'http://hooks.example.com/', 'expected https:'],
    ['OPS_URL', 'https://10.0.0.1/', 'expected an address on the public internet'],
    ['SHARED_KEY', '', 'expected a value'],
    ['SHARED_KEY', 'ä', 'expected a value of at most 1024 printable ASCII characters'],
  ])('refuses %s as %j', (name, value, problem) => {
    expect(fieldOf(name).problemWith(value)).toBe(problem);
  });

  test.each([
    ['CRYPTSHARE_CLIENT_ID', 'a'.repeat(50)],
    ['CRYPTSHARE_CLIENT_ID', 'Z9'.repeat(2000)],
    ['CRM_SECRET', newSecret()],
    ['OPS_URL', 'https://hooks.example.com/services/T0/B0/x'],
    ['SHARED_KEY', 'Bearer x'],
  ])('accepts %s as %j', (name, value) => {
    expect(fieldOf(name).problemWith(value)).toBeUndefined();
  });
});

test.each([
  [
    'CRYPTSHARE_CLIENT_ID',
    ['', 'a'.repeat(49), 'a'.repeat(50), 'a'.repeat(4000), 'a'.repeat(4001), `${'a'.repeat(60)}\n`],
  ],
])('problemWith judges %s as the poll function does', (name, values) => {
  const sound = {
    CRYPTSHARE_URL: 'https://cryptshare.example.com',
    CRYPTSHARE_CLIENT_ID: 'a'.repeat(50),
    DATA_KEY: 'a'.repeat(43),
    MAX_CONCURRENT_PAGES: '4',
    SHARDS: '1',
    POLL_INTERVAL_MS: '60000',
    FULL_LISTING_EVERY: '1',
    TRANSFER_RETENTION_DAYS: '30',
    TRANSFERS_TABLE: 'transfers',
    TRANSFER_EVENTS_TOPIC_ARN: 'arn:events',
    TRANSFER_NOTICES_TOPIC_ARN: 'arn:notices',
  };
  for (const [variable, value] of Object.entries(sound)) vi.stubEnv(variable, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const isAccepted = (value: string): boolean => {
    try {
      readPollEnvironment({ [name]: value });
      return true;
    } catch {
      return false;
    }
  };
  expect(values.map((value) => fieldOf(name).problemWith(value) === undefined)).toEqual(values.map(isAccepted));
});

test('secretFields makes only signing secrets, each one anew', () => {
  const made = secretFields(config).filter(({ make }) => make);
  expect(made.map(({ name }) => name)).toEqual(['CRM_SECRET', 'ERP_SECRET']);
  const values = made.map(({ make }) => make?.() ?? '');
  expect(new Set(values).size).toBe(2);
  expect(values.map((value) => made[0]?.problemWith(value))).toEqual([undefined, undefined]);
});

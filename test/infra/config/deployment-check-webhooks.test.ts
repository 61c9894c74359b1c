import { describe, expect, test } from 'vitest';
import { readDeclareEnvironment } from '#functions/lambda/environment.ts';
import type { Config } from '#infra/config/config.ts';
import { deploymentProblems } from '#infra/config/deployment-check.ts';

type Webhook = Config['webhooks'][number];

const sound = {
  name: 'crm',
  url: 'https://crm.example.com/hooks',
  secretFrom: 'CRM_WEBHOOK_SECRET',
  types: ['transfer.*'],
  format: 'event',
  maxInFlight: 10,
} satisfies Webhook;

const { url: _, ...withoutUrl } = sound;
const chat = { ...withoutUrl, name: 'ops', urlFrom: 'OPS_URL', format: 'slack' } satisfies Webhook;

const problemsOf = (...webhooks: Webhook[]): readonly string[] =>
  deploymentProblems({
    stack: 'TransferNotifier',
    server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 4 },
    schedule: { every: '1m', fullListingEvery: 1, shards: 1 },
    watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
    notify: { email: [] },
    webhooks,
  });

const credentialInHeader = (header: string, example: string): string =>
  `webhooks[0].headers.${header}: expected under headersFrom, since a file is no place for credentials: name a field of the secret, for example ${example}, and fill it with npm run fill-secret`;

const taken = (variable: string): string =>
  `webhooks[0].secretFrom: expected a name that is free, but ${variable} means something else already: name it after the webhook`;

describe('a webhook is refused with its path and what to do:', () => {
  test.each<[string, Partial<Webhook>, string]>([
    ['one without https', { url: 'http://crm.example.com' }, 'webhooks[0].url: expected https:'],
    [
      'one at a private address',
      { url: 'https://10.0.0.1/' },
      'webhooks[0].url: expected an address on the public internet',
    ],
    ['one at no URL', { url: 'crm' }, 'webhooks[0].url: expected a URL such as https://example.com/webhooks'],
    ['one on another port', { url: 'https://crm.example.com:9000' }, 'webhooks[0].url: expected port 443 or 8443'],
    [
      'one that wants an event type that does not exist',
      { types: ['transfer.*', 'transfer.gone'] },
      expect.stringMatching(
        /^webhooks\[0\]\.types\[1\]: expected one of transfer\.processing, .*transfer\.\*, watch\.\*/,
      ),
    ],
    [
      'one with a header of the notifier itself',
      { headers: { 'webhook-id': '1' } },
      'webhooks[0].headers.webhook-id: expected a header that the notifier does not set or forbid',
    ],
    [
      'one with a header that nobody may send, though it looks like a credential',
      { headers: { Cookie: 'a=b' } },
      'webhooks[0].headers.Cookie: expected a header that the notifier does not set or forbid',
    ],
    [
      'one with such a header from the secret',
      { headersFrom: { Cookie: 'CRM_COOKIE' } },
      'webhooks[0].headersFrom.Cookie: expected a header that the notifier does not set or forbid',
    ],
    [
      'one with the same header twice',
      { headers: { 'X-Tenant': '1' }, headersFrom: { 'x-tenant': 'CRM_TENANT' } },
      'webhooks[0].headersFrom.x-tenant: expected each header once, but webhooks[0].headers.X-Tenant is the same: leave one out',
    ],
    [
      'a literal Authorization',
      { headers: { Authorization: 'x' } },
      credentialInHeader('Authorization', 'CRM_AUTHORIZATION'),
    ],
    ['a literal API key', { headers: { 'X-Api-Key': 'x' } }, credentialInHeader('X-Api-Key', 'CRM_X_API_KEY')],
    [
      'a literal token',
      { headers: { 'x-gitlab-token': 'x' } },
      credentialInHeader('x-gitlab-token', 'CRM_X_GITLAB_TOKEN'),
    ],
    [
      'a credential in the address',
      { url: 'https://crm.example.com/hooks?sig=x' },
      'webhooks[0].url: expected urlFrom instead, since a file is no place for credentials and its parameter sig looks like a credential: name a field of the secret, for example CRM_URL, and fill it with npm run fill-secret',
    ],
    [
      'the literal address of a chat',
      { format: 'teams', secretFrom: undefined },
      'webhooks[0].url: expected urlFrom instead, since a file is no place for credentials and the address of a chat lets anyone write there: name a field of the secret, for example CRM_TEAMS_URL, and fill it with npm run fill-secret',
    ],
    [
      'one whose secret would never be shown',
      { secretFrom: undefined },
      'webhooks[0].secretFrom: expected on AWS, where a secret that is made is never shown: name a field of the secret, for example CRM_WEBHOOK_SECRET, and fill it with npm run fill-secret',
    ],
    [
      'one whose name makes no name of a variable',
      { name: `1-${'x'.repeat(62)}`, secretFrom: undefined },
      `webhooks[0].secretFrom: expected on AWS, where a secret that is made is never shown: name a field of the secret, for example ${'X'.repeat(49)}_WEBHOOK_SECRET, and fill it with npm run fill-secret`,
    ],
    ...['DATA_KEY', 'CRYPTSHARE_CLIENT_ID', 'SECRET_ARN', 'TRANSFERS_TABLE', 'AWS_SECRET_ACCESS_KEY', 'PATH'].map(
      (variable): [string, Partial<Webhook>, string] => [
        `the variable ${variable}`,
        { secretFrom: variable },
        taken(variable),
      ],
    ),
    [
      'one variable for two things',
      { urlFrom: 'CRM', url: undefined, secretFrom: 'CRM' },
      'webhooks[0].secretFrom: expected a field of its own, but webhooks[0].urlFrom takes CRM for its address: choose another name',
    ],
    [
      'more mailboxes than a row has room for',
      { mailboxes: Array.from({ length: 1001 }, (_, index) => `person-${index}@example.com`) },
      'webhooks[0].mailboxes: expected at most 1000, as many as surely fit into one row, got 1001: divide them among several webhooks',
    ],
  ])('%s', (_, change, problem) => {
    const webhook = Object.fromEntries(
      Object.entries({ ...sound, ...change }).filter(([, value]) => value !== undefined),
    ) as Webhook;
    expect(problemsOf(webhook)).toEqual([problem]);
  });
});

test('webhooks may share a variable for the same thing', () => {
  const headersFrom = { Authorization: 'SHARED_TOKEN' };
  expect(problemsOf({ ...sound, headersFrom }, { ...sound, name: 'copy', headersFrom }, chat)).toEqual([]);
});

test('more variables than fit into one secret are refused', () => {
  const many = Array.from({ length: 700 }, (_, index) => ({
    ...sound,
    name: `w-${index}`,
    secretFrom: `WEBHOOK_${index}_${'X'.repeat(50)}`,
  }));
  expect(problemsOf(...many)).toEqual([
    expect.stringMatching(/^webhooks: expected variables that fit into one secret of 65536 bytes, got 700, which take/),
  ]);
});

test('a field that hides a variable of the functions cannot be named', () => {
  // What a function is told is what stands in the secret, if both have it.
  expect(() => readDeclareEnvironment({ DATA_KEY: 'whsec_' })).toThrow(/DATA_KEY/);
  expect(problemsOf({ ...sound, secretFrom: 'DATA_KEY' })).toEqual([taken('DATA_KEY')]);
});

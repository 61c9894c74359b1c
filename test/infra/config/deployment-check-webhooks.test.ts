import { describe, expect, it } from 'vitest';
import type { Config } from '#infra/config/config.ts';
import { deploymentProblems } from '#infra/config/deployment-check.ts';
import { crm } from './config-files.ts';

type Webhook = Config['webhooks'][number];

const sound = {
  ...crm,
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
    notify: { readers: [] },
    webhooks,
    retention: { events: 30, transfers: 30 },
  });

const credentialInHeader = (header: string, example: string): string =>
  `webhooks[0].headers.${header}: expected under headersFrom, since a file is no place for credentials: name a field of the secret, for example ${example}, and fill it with npm run notifier -- secret fill`;

const taken = (variable: string): string =>
  `webhooks[0].secretFrom: expected a name that is free, but ${variable} means something else already: name it after the webhook`;

describe('deploymentProblems', () => {
  it.each<[string, Partial<Webhook>, string]>([
    ['a webhook without https', { url: 'http://crm.example.com' }, 'webhooks[0].url: expected https:'],
    [
      'a webhook at a private address',
      { url: 'https://10.0.0.1/' },
      'webhooks[0].url: expected an address on the public internet',
    ],
    [
      'a header of the notifier itself',
      { headers: { 'webhook-id': '1' } },
      'webhooks[0].headers.webhook-id: expected a header that the notifier does not set or forbid',
    ],
    [
      'a forbidden header, though it looks like a credential',
      { headers: { Cookie: 'a=b' } },
      'webhooks[0].headers.Cookie: expected a header that the notifier does not set or forbid',
    ],
    [
      'a forbidden header from the secret',
      { headersFrom: { Cookie: 'CRM_COOKIE' } },
      'webhooks[0].headersFrom.Cookie: expected a header that the notifier does not set or forbid',
    ],
    [
      'a header twice',
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
      'webhooks[0].url: expected urlFrom instead, since a file is no place for credentials and its parameter sig looks like a credential: name a field of the secret, for example CRM_URL, and fill it with npm run notifier -- secret fill',
    ],
    [
      'the literal address of a chat',
      { format: 'teams', secretFrom: undefined },
      'webhooks[0].url: expected urlFrom instead, since a file is no place for credentials and the address of a chat lets anyone write there: name a field of the secret, for example CRM_TEAMS_URL, and fill it with npm run notifier -- secret fill',
    ],
    [
      'a webhook whose secret would never be shown',
      { secretFrom: undefined },
      'webhooks[0].secretFrom: expected on AWS, where a secret that is made is never shown: name a field of the secret, for example CRM_WEBHOOK_SECRET, and fill it with npm run notifier -- secret fill',
    ],
    [
      'a webhook without a secret, whose name yields no variable',
      { name: `1-${'x'.repeat(62)}`, secretFrom: undefined },
      `webhooks[0].secretFrom: expected on AWS, where a secret that is made is never shown: name a field of the secret, for example ${'X'.repeat(49)}_WEBHOOK_SECRET, and fill it with npm run notifier -- secret fill`,
    ],
    ...[
      'DATA_KEY',
      'CRYPTSHARE_CLIENT_ID',
      'SECRET_ARN',
      'SECRET_URL',
      'TRANSFERS_TABLE',
      'AWS_SECRET_ACCESS_KEY',
      'PATH',
    ].map((variable): [string, Partial<Webhook>, string] => [
      `the variable ${variable}`,
      { secretFrom: variable },
      taken(variable),
    ]),
    [
      'one variable for two things',
      { urlFrom: 'CRM', url: undefined, secretFrom: 'CRM' },
      'webhooks[0].secretFrom: expected a field of its own, but webhooks[0].urlFrom takes CRM for its address: choose another name',
    ],
    [
      'more mailboxes than fit into a row',
      { mailboxes: Array.from({ length: 1001 }, (_, index) => `person-${index}@example.com`) },
      'webhooks[0].mailboxes: expected at most 1000, as many as surely fit into one row, got 1001: divide them among several webhooks',
    ],
  ])('refuses %s', (_, change, problem) => {
    const webhook = Object.fromEntries(
      Object.entries({ ...sound, ...change }).filter(([, value]) => value !== undefined),
    ) as Webhook;
    expect(problemsOf(webhook)).toEqual([problem]);
  });

  it('accepts a variable that several webhooks share for the same purpose', () => {
    const headersFrom = { Authorization: 'SHARED_TOKEN' };
    expect(problemsOf({ ...sound, headersFrom }, { ...sound, name: 'copy', headersFrom }, chat)).toEqual([]);
  });

  it('refuses more variables than fit into one secret', () => {
    const many = Array.from({ length: 700 }, (_, index) => ({
      ...sound,
      name: `w-${index}`,
      secretFrom: `WEBHOOK_${index}_${'X'.repeat(50)}`,
    }));
    expect(problemsOf(...many)).toEqual([
      expect.stringMatching(
        /^webhooks: expected variables that fit into one secret of 65536 bytes, got 700, which take/,
      ),
    ]);
  });
});

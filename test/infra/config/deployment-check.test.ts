import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';
import { describe, expect, it } from 'vitest';
import { typePatterns } from '#functions/events/catalogue.ts';
import { loadDeployableConfig } from '#infra/config/deployment-check.ts';
import { configFolder, crm, server, watches } from './config-files.ts';

const vpc = { id: 'vpc-0123456789abcdef0', subnets: ['subnet-00000000000000001'] };

const { write, problemsWith } = configFolder();
const problemsOf = problemsWith(loadDeployableConfig);
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const reader = (name: string, email: string) => ({ name, email });

describe('loadDeployableConfig', () => {
  it.each<[string, object]>([
    ['the least', {}],
    ['an interval of a minute', { schedule: { every: '1m' } }],
    ['an interval of minutes in seconds', { schedule: { every: '120s' } }],
    ['an interval of a day, three of which an alarm can evaluate', { schedule: { every: '24h' } }],
    ['a shard for each watch', { schedule: { shards: 2 }, watches: [...watches, { mailbox: 'bob@example.com' }] }],
    ['a server in a private network, where a VPC leads to it', { server: { url: 'https://10.0.0.5' }, vpc }],
    [
      'all event types, their patterns included, for one person',
      { notify: { readers: [{ name: 'ops', email: 'ops@example.com', types: typePatterns }] } },
    ],
    [
      'one address for notices and for alarms',
      { notify: { readers: [{ name: 'ops', email: 'ops@example.com' }] }, alarmEmail: 'ops@example.com' },
    ],
    ['a proxy for webhooks on the internet', { proxy: 'http://proxy.example.com:3128' }],
    [
      'webhooks whose credentials come from the secret',
      {
        webhooks: [
          { ...crm, headersFrom: { Authorization: 'CRM_TOKEN' }, headers: { 'x-tenant': '7' } },
          { ...crm, name: 'crm-copy' },
          { name: 'ops', urlFrom: 'OPS_URL', format: 'slack' },
        ],
      },
    ],
  ])('accepts %s', (_, content) => {
    expect(problemsOf(content)).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      'a proxy in a private network, as the function of webhooks is outside of it',
      { proxy: '10.0.0.8:3128', vpc },
      'proxy: expected an address on the internet, from where AWS sends webhooks, got 10.0.0.8: name one that is there',
    ],
    [
      'an interval below a minute',
      { schedule: { every: '30s' } },
      'schedule.every: expected whole minutes on AWS, for example 1m, 5m or 2h, got 30s',
    ],
    [
      'an interval that is no whole number of minutes',
      { schedule: { every: '90s' } },
      'schedule.every: expected whole minutes on AWS, for example 1m, 5m or 2h, got 90s',
    ],
    [
      'a watch with an interval below a minute',
      {
        watches: [
          { mailbox: 'alice@example.com', every: '1m' },
          { mailbox: 'bob@example.com', every: '10s' },
        ],
      },
      'watches[1].every: expected whole minutes on AWS, for example 1m, 5m or 2h, got 10s',
    ],
    [
      'more shards than concurrent requests',
      {
        schedule: { shards: 2 },
        server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 1 },
        watches: [...watches, { mailbox: 'bob@example.com' }],
      },
      'server.maxConcurrentPages: expected at least one for each of the 2 shards (schedule.shards), which share them, got 1',
    ],
    [
      'more shards than watches',
      { schedule: { shards: 3 } },
      'schedule.shards: expected at most one for each watch, got 3 for 1: lower it, the others would have nothing to poll',
    ],
    ...['http://localhost:8080', 'https://127.0.0.1', 'https://[::1]', 'https://0.0.0.0', 'https://a.localhost'].map(
      (url): [string, object, string] => [
        `a server at ${url}`,
        { server: { url }, vpc },
        `server.url: expected an address that AWS can reach, got ${new URL(url).hostname.replace(/[[\]]/g, '')}, which is this machine: name the server as others reach it, by https:`,
      ],
    ),
    ...['10.0.0.5', 'cryptshare', 'cryptshare.internal'].map((host): [string, object, string] => [
      `a server at ${host} without a VPC`,
      { server: { url: `https://${host}` } },
      `server.url: expected an address on the internet, got ${host}: name the server's public address, or under vpc the network that leads to it`,
    ]),
    [
      'an event type that does not exist',
      { notify: { readers: [{ name: 'ops', email: 'ops@example.com', types: ['transfer.failed', 'transfer.gone'] }] } },
      'notify.readers[0].types[1]: expected an event type such as transfer.failed, or transfer.*: docs/events.md lists them',
    ],
    [
      'an address twice, whatever its case',
      { notify: { readers: [reader('ops', 'ops@example.com'), reader('all', 'Ops@Example.com')] } },
      'notify.readers[1].email: expected each address once on AWS, but notify.readers[0] has the same: make them one reader',
    ],
    [
      'more addresses than topics have filters for',
      { notify: { readers: times(601, (index) => reader(`person-${index}`, `person-${index}@example.com`)) } },
      'notify.readers: expected at most 600 by e-mail, as many as SNS topics surely filter for, got 601: name a mailing list',
    ],
    [
      'an address to which SNS sends no mail',
      { notify: { readers: [reader('joerg', 'jörg@example.com')] } },
      'notify.readers[0].email: expected an address with ASCII characters alone before the @, as SNS needs it: name another one',
    ],
    [
      'a reader of more mailboxes than fit into its row',
      {
        notify: {
          readers: [{ ...reader('ops', 'o@example.com'), mailboxes: times(1001, (index) => `m${index}@example.com`) }],
        },
      },
      'notify.readers[0].mailboxes: expected at most 1000, as many as surely fit into one row, got 1001: divide them among several readers',
    ],
    [
      'an address whose domain is not in ASCII',
      { alarmEmail: 'ops@münchen.de' },
      'alarmEmail: expected a domain in ASCII, as SNS needs it: write xn--mnchen-3ya.de for it',
    ],
    [
      'a subnet twice',
      { vpc: { ...vpc, subnets: [...vpc.subnets, ...vpc.subnets] } },
      'vpc.subnets[1]: expected each subnet once, but vpc.subnets[0] is the same: leave it out',
    ],
    [
      'more subnets than a function allows',
      { vpc: { ...vpc, subnets: times(17, (index) => `subnet-000000${10 + index}`) } },
      'vpc.subnets: expected at most 16, as many as a function can be in, got 17: name one for each availability zone',
    ],
    [
      'a watch twice',
      { watches: [...watches, { mailbox: 'Alice@example.com', direction: 'sent' }] },
      'watches[1]: expected each watch once, but watches[0] is the same',
    ],
  ])('refuses %s', (_, content, problem) => {
    expect(problemsOf(content)).toEqual([problem]);
  });

  const problemsOfCa = (text: string) => {
    write(text, 'ca.pem');
    return problemsOf({ server: { ...server, caFile: 'ca.pem' } });
  };

  it.each(['', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'refuses a CA file without certificates: %j',
    (text) => {
      expect(problemsOfCa(text)).toEqual([
        'server.caFile: expected certificates in PEM: export that of the authority as Base64 (-----BEGIN CERTIFICATE-----)',
      ]);
    },
  );

  it('refuses a folder for the CA file', () => {
    const problem = 'server.caFile: expected a readable file (EISDIR)';
    expect(problemsOf({ server: { ...server, caFile: '.' } })).toEqual([problem]);
  });

  it('refuses a CA file with a private key', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'Example CA' }]);
    expect(problemsOfCa(cert)).toEqual([]);
    expect(problemsOfCa(`${cert}\n${key}`)).toEqual([
      'server.caFile: expected certificates alone, got a private key, which must stay off AWS: take it out',
    ]);
  });

  it('reports the mistakes of any use before those of a deployment, each in the order of the file', () => {
    const problems = problemsOf({
      server: { url: 'http://localhost:8080' },
      schedule: { every: '10s', shards: 2 },
      notify: { readers: [{ ...reader('ops', 'ops@example.com'), types: ['watch.gone'] }] },
      webhooks: [{ name: 'crm', url: 'http://10.0.0.1' }],
      alarmEmail: 'jörg@example.com',
      vpc: { ...vpc, subnets: [...vpc.subnets, ...vpc.subnets] },
    });
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(': ')))).toEqual([
      'notify.readers[0].types[0]',
      'server.url',
      'schedule.every',
      'schedule.shards',
      'webhooks[0].url',
      'webhooks[0].secretFrom',
      'alarmEmail',
      'vpc.subnets[1]',
    ]);
  });
});

describe('infra/app.ts', () => {
  it('prints the mistakes in the file of its context, and nothing else', async () => {
    const file = write({ schedule: { every: '30s' }, webhooks: [{ ...crm, secretFrom: undefined }] });
    const env = { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ config: file }) };
    const run = promisify(execFile)(process.execPath, ['infra/app.ts'], { env });
    await expect(run).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: [
        `${file} cannot be used:`,
        '  schedule.every: expected whole minutes on AWS, for example 1m, 5m or 2h, got 30s',
        '  webhooks[0].secretFrom: expected on AWS, where a secret that is made is never shown: name a field of the secret, for example CRM_WEBHOOK_SECRET, and fill it with npm run notifier -- secret fill',
        '',
      ].join('\n'),
    });
  });
});

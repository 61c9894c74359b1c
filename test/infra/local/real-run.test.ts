import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { ConfigError } from '#infra/config/config.ts';
import { realRun } from '#infra/local/real-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'real-run-'));
const file = join(folder, 'notifier.config.json');
afterAll(() => rmSync(folder, { recursive: true }));

const sound = { server: { url: 'https://cryptshare.example.com' }, watches: [{ mailbox: 'alice@example.com' }] };
const CRYPTSHARE_CLIENT_ID = 'exampleclientid'.repeat(4);
const options = { notifyExisting: false, json: false, verbose: false, awsEndpoints: {} };

/** Lines of the error about a configuration file in an environment. */
function mistakesIn(config: object, environment: object = { CRYPTSHARE_CLIENT_ID }, allowPrivateWebhooks = false) {
  writeFileSync(file, JSON.stringify({ ...sound, ...config }));
  try {
    realRun(file, { ...options, allowPrivateWebhooks }, { ...environment });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

describe('realRun', () => {
  it.each<[what: string, config: object, environment: object, mistake: string]>([
    [
      'client id, with how to make one',
      {},
      {},
      'CRYPTSHARE_CLIENT_ID: this environment variable is missing; export the client id of this notifier in it, or make one first: npm run notifier -- client-id new',
    ],
    [
      'signing secret as one mistake',
      { webhooks: [{ name: 'crm', url: 'https://crm.example.com/hook', secretFrom: 'CRM_SECRET' }] },
      { CRYPTSHARE_CLIENT_ID },
      'CRM_SECRET: this environment variable is missing; webhooks[0].secretFrom names it',
    ],
  ])('blames the environment for a missing %s', (_, config, environment, mistake) => {
    expect(mistakesIn(config, environment)).toEqual(['the environment cannot be used:', `  ${mistake}`]);
  });

  it('reports all mistakes of file and environment at once, each with its place', () => {
    const webhooks = [
      { name: 'crm', url: 'http://127.0.0.1:9000/hook', secretFrom: 'CRM_SECRET', types: ['transfer.gone'] },
      { name: 'OPS', urlFrom: 'OPS_URL', headersFrom: { 'X-Token': 'OPS_TOKEN' }, secretFrom: 'OPS_SECRET' },
    ];
    const ofServer = { CRYPTSHARE_CLIENT_ID: 'a'.repeat(49), WEBHOOK_PROXY: 'socks5://proxy.example.com' };
    const environment = { ...ofServer, OPS_SECRET: 'whsec_short', CRM_SECRET: newSecret() };
    const said = mistakesIn({ schedule: { every: 'often' }, webhooks }, environment);
    expect(said.map((line) => line.replace(/: .*/, ''))).toEqual([
      `${file} cannot be used:`,
      ...['  schedule.every', '  webhooks[0].types[0]', '  webhooks[1].name', '  webhooks[0].url'],
      '  webhooks[1].secretFrom',
      'the environment cannot be used:',
      ...['  CRYPTSHARE_CLIENT_ID', '  WEBHOOK_PROXY', '  OPS_URL', '  OPS_TOKEN'],
    ]);
    expect(said.join('\n')).not.toContain('whsec_short');
    expect(said.filter((line) => line.includes('--allow-private-webhooks'))).toHaveLength(1);
  });

  it('tells each mistake of a reader once, with a path that the file has', () => {
    const readers = [
      { name: 'ops', email: 'ops@example.com', evenIfEmpty: true },
      { name: 'team', endpoint: 'crm' },
    ];
    const webhooks = [{ name: 'crm', url: 'https://crm.example.com/hook' }];
    expect(mistakesIn({ notify: { readers }, webhooks }).slice(1)).toEqual([
      expect.stringMatching(/^ {2}notify\.readers\[0\]\.evenIfEmpty: /),
      expect.stringMatching(/^ {2}notify\.readers\[1\]\.endpoint: /),
    ]);
  });

  it('wants SMTP_PASSWORD for a mail server whose URL names a user, in the same report as other mistakes', () => {
    const smtp = { url: 'smtp://ops@mail.example.com', from: 'notifier@example.com' };
    const missing =
      '  SMTP_PASSWORD: this environment variable is missing; it holds the password of the user in notify.smtp.url';
    expect(mistakesIn({ notify: { smtp } })).toEqual(['the environment cannot be used:', missing]);
    expect(mistakesIn({ notify: { smtp }, schedule: { every: 'often' } })).toContain(missing);
    expect(mistakesIn({ notify: { smtp } }, { CRYPTSHARE_CLIENT_ID, SMTP_PASSWORD: '' })).toContain(missing);
    expect(mistakesIn({ notify: { smtp } }, { CRYPTSHARE_CLIENT_ID, SMTP_PASSWORD: 'hunter2' })).toEqual([]);
    expect(mistakesIn({ notify: { smtp: { ...smtp, url: 'smtp://mail.example.com' } } })).toEqual([]);
  });

  it('says where the password of a mail server belongs, beside other mistakes of the file', () => {
    const smtp = { url: 'smtp://ops:hunter2@mail.example.com', from: 'notifier' };
    const said = mistakesIn({ notify: { smtp }, schedule: { every: 'often' } }).join('\n');
    expect(said).toMatch(/^ {2}notify\.smtp\.url: expected no password here.*SMTP_PASSWORD$/m);
    expect(said).toMatch(/^ {2}notify\.smtp\.from: expected an e-mail address/m);
    expect(said.match(/notify\.smtp/g)).toHaveLength(2);
    expect(said).not.toContain('hunter2');
  });

  it('names --allow-private-webhooks for a receiver on this machine, where the option would help', () => {
    const webhooks = [{ name: 'crm', url: 'http://127.0.0.1:9000/hook' }];
    expect(mistakesIn({ webhooks })).toEqual([
      `${file} cannot be used:`,
      '  webhooks[0].url: expected https:; expected an address on the public internet; for a receiver on this machine or in a private network, start with --allow-private-webhooks',
    ]);
    expect(mistakesIn({ webhooks }, undefined, true)).toEqual([]);
    const [, other] = mistakesIn({ webhooks: [{ name: 'crm', url: 'ftp://127.0.0.1/' }] });
    expect(other).not.toContain('--allow-private-webhooks');
  });
});

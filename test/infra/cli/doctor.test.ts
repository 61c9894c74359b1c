import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CryptshareServer, startCryptshareServer } from '../../../infra/local/cryptshare-server.ts';
import { selfSigned } from '../local/certificate.ts';
import { type RunOptions, run } from './run-cli.ts';
import { problem, ScriptedApi } from './scripted-api.ts';

const at = '2026-11-24T10:00:00.000Z';
const now = () => new Date('2026-11-24T12:00:00.000Z');
const alice = {
  ...{ mailbox: 'alice@example.com', direction: 'sent', isDeclared: true, isDisabled: false, baselineAt: at, count: 3 },
  verification: { method: 'client_id', validUntil: '2026-11-24T20:00:00.000Z' },
};

let api: ScriptedApi;
let server: CryptshareServer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  api = await ScriptedApi.start();
  server = await startCryptshareServer();
});
beforeEach(() => {
  api.reset();
  wellWith([alice]);
});
afterAll(async () => {
  await Promise.all([api.close(), server.close()]);
  rmSync(folder, { recursive: true });
});

/** Has the operator API say that all is well, but for what is named. */
function wellWith(watches: readonly object[], status: object = {}) {
  api.on('GET /status', {
    body: {
      ...{ version: '0.1.0', server: server.url, watches: { all: watches.length, failing: 0, disabled: 0 } },
      endpoints: { active: 1, paused: 0, disabled: 0, failing: 0 },
      deliveries: { waiting: { count: 2, more: false }, held: { count: 0, more: false }, oldestOverdueMs: 0 },
      ...status,
    },
  });
  api.on('GET /watches', { body: { items: watches } });
  api.on('GET /mailboxes/alice%40example.com/verification', {
    body: { isVerified: true, methods: ['client_id', 'email'] },
  });
}

function configOf(config: object = {}): string {
  const file = join(folder, 'notifier.config.json');
  writeFileSync(
    file,
    JSON.stringify({ server: { url: server.url }, watches: [{ mailbox: 'alice@example.com' }], ...config }),
  );
  return file;
}

interface Found {
  readonly name: string;
  readonly outcome: string;
  readonly message: string;
  readonly remedy?: string;
}

async function doctor(args: readonly string[] = ['--config', configOf()], options: RunOptions = {}) {
  const ran = await run(['doctor', '--url', api.url, '--json', ...args], { now, ...options });
  const { checks, summary } = JSON.parse(ran.stdout) as { checks: Found[]; summary: object };
  const of = (name: string) =>
    checks.filter((check) => check.name === name).map(({ outcome, message }) => ({ outcome, message }));
  return { ...ran, checks, summary, of };
}

test('where all is well, every check says so, and the exit code is 0', async () => {
  const environment = { CRYPTSHARE_CLIENT_ID: 'exampleclientid'.repeat(4) };
  const { code, checks, summary } = await doctor(undefined, { environment });
  expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
  expect(checks.map(({ name }) => name)).toEqual([
    ...['configuration', 'server', 'REST API version', 'CRYPTSHARE_CLIENT_ID', 'operator API', 'licence', 'client id'],
    ...['verification', 'last listing', 'deliveries'],
  ]);
  expect(summary).toEqual({ ok: checks.length, warn: 0, fail: 0 });
  expect(code).toBe(0);
});

test('a person reads outcomes, remedies and a summary', async () => {
  wellWith([alice], { endpoints: { active: 0, paused: 0, disabled: 1, failing: 0 } });
  const ran = await run(['doctor', '--url', api.url, '--config', configOf()], { now });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toMatch(/^ok +configuration +\S+ can be used$/m);
  expect(ran.stdout).toMatch(/^warn +endpoints +1 are disabled$/m);
  expect(ran.stdout).toMatch(/^ +→ npm run notifier -- endpoint list shows which/m);
  expect(ran.stdout).toMatch(/^\d+ checks: \d+ ok, 1 to look at, 0 failed$/m);
});

describe('the configuration file', () => {
  test('is told with every mistake in it', async () => {
    const { code, of } = await doctor(['--config', configOf({ schedule: { every: 'often' } })]);
    expect(code).toBe(1);
    expect(of('configuration')).toEqual([{ outcome: 'fail', message: expect.stringContaining('schedule.every') }]);
  });

  test('that is not there is only a failure when it was named', async () => {
    const before = process.cwd();
    process.chdir(mkdtempSync(join(folder, 'empty-')));
    const unnamed = await doctor([]).finally(() => process.chdir(before));
    expect(unnamed.of('configuration')).toMatchObject([{ outcome: 'warn' }]);
    expect((await doctor(['--config', join(folder, 'none.json')])).of('configuration')).toMatchObject([
      { outcome: 'fail' },
    ]);
  });

  test('that names another server than the notifier polls is told', async () => {
    wellWith([alice], { server: 'https://other.example.com' });
    expect((await doctor()).of('configuration')).toContainEqual({
      outcome: 'warn',
      message: `it names the server ${server.url}, and the notifier polls https://other.example.com`,
    });
  });
});

describe('the Cryptshare Server', () => {
  test('that is not reached by anybody is a failure', async () => {
    api.on(
      'GET /mailboxes/alice%40example.com/verification',
      problem(502, 'the server cannot be reached; check server.url', { cause: 'unreachable' }),
    );
    const { code, of } = await doctor(['--config', configOf({ server: { url: 'https://127.0.0.1:9' } })]);
    expect(code).toBe(1);
    expect(of('server')).toEqual([{ outcome: 'fail', message: 'the server cannot be reached (ECONNREFUSED)' }]);
    expect(of('verification')).toMatchObject([{ outcome: 'fail' }]);
  });

  test('that only the notifier reaches is to be looked at, no failure', async () => {
    const { code, of } = await doctor(['--config', configOf({ server: { url: 'https://127.0.0.1:9' } })]);
    expect(code).toBe(0);
    expect(of('server')).toMatchObject([
      { outcome: 'warn', message: expect.stringContaining('the notifier itself reaches it') },
    ]);
  });

  test('whose certificate is of a private authority is told, and trusted with server.caFile', async () => {
    const { key, cert } = await selfSigned();
    const secure = await startCryptshareServer({ tls: { key, cert } });
    try {
      writeFileSync(join(folder, 'ca.pem'), cert);
      const { url } = secure;
      const without = await doctor(['--config', configOf({ server: { url } })]);
      expect(without.of('server')[0]!.message).toContain('certificate is not trusted');
      const trusted = await doctor(['--config', configOf({ server: { url, caFile: 'ca.pem' } })]);
      expect(trusted.of('server')).toEqual([{ outcome: 'ok', message: `${url} answers` }]);
    } finally {
      await secure.close();
    }
  });

  test.each([
    [{ apiVersions: { uiApiVersions: [{ major: 1, minor: 12 }] } }, 'sent', 'ok', /^1\.12$/],
    [
      { apiVersions: { uiApiVersions: [{ major: 1, minor: 9 }] } },
      'sent',
      'warn',
      /it offers 1\.9.*sent transfers are listed/,
    ],
    [{ apiVersions: { uiApiVersions: [{ major: 1, minor: 9 }] } }, 'received', 'fail', /does not offer REST API 1\.12/],
    [
      { apiVersions: { uiApiVersions: [{ major: 2, minor: 3 }] } },
      'sent',
      'fail',
      /REST API 1 any more \(it offers 2\.3\)/,
    ],
    [{}, 'sent', 'warn', /does not say which versions/],
  ])('that offers %j, with %s transfers watched, is %s', async (body, direction, outcome, message) => {
    const other = await ScriptedApi.start('other');
    try {
      other.on('GET /api/status', { body });
      wellWith([{ ...alice, direction }]);
      const { of } = await doctor(['--config', configOf({ server: { url: other.url } })]);
      expect(of('REST API version')).toEqual([{ outcome, message: expect.stringMatching(message) }]);
    } finally {
      await other.close();
    }
  });

  test.each([
    ['not_licensed', 'licence'],
    ['client_id_rejected', 'client id'],
    ['server_fault', 'verification'],
  ])('that refuses the notifier (%s) fails the check of the %s', async (cause, name) => {
    api.on('GET /mailboxes/alice%40example.com/verification', problem(502, `refused: ${cause}; ask`, { cause }));
    const { code, of } = await doctor();
    expect(code).toBe(1);
    expect(of(name)).toEqual([{ outcome: 'fail', message: `refused: ${cause}; ask` }]);
  });
});

test('a client id of the wrong form is told, and not repeated', async () => {
  const { code, stdout, of } = await doctor(undefined, { environment: { CRYPTSHARE_CLIENT_ID: 'short-secret' } });
  expect(code).toBe(1);
  expect(of('CRYPTSHARE_CLIENT_ID')).toMatchObject([{ outcome: 'fail' }]);
  expect(stdout).not.toContain('short-secret');
});

test('without the operator API, what can be told from here is', async () => {
  const ran = await run(['doctor', '--url', 'http://127.0.0.1:9', '--config', configOf(), '--json'], { now });
  const { checks } = JSON.parse(ran.stdout) as { checks: Found[] };
  expect(ran.code).toBe(1);
  expect(checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    'configuration ok',
    'server ok',
    'REST API version ok',
    'operator API fail',
  ]);
});

describe('watches', () => {
  const unverified = { ...alice, mailbox: 'bob@example.com', verification: undefined };
  const byMail = (validUntil: string) => ({ ...alice, verification: { method: 'email', validUntil } });
  const askedByMail = { isVerified: true, methods: ['email'], method: 'email' };

  test.each([
    ['2026-11-24T11:00:00.000Z', 'fail', 'has ended at 2026-11-24 11:00:00 UTC'],
    ['2026-11-29T11:00:00.000Z', 'warn', 'ends at 2026-11-29 11:00:00 UTC'],
  ])('a verification by mail until %s is told', async (validUntil, outcome, message) => {
    wellWith([byMail(validUntil)]);
    api.on('GET /mailboxes/alice%40example.com/verification', { body: { ...askedByMail, validUntil } });
    expect((await doctor()).of('verification')).toEqual([{ outcome, message: `that of alice@example.com ${message}` }]);
  });

  test('a verification that an administrator has reset is told', async () => {
    const validUntil = '2027-11-24T11:00:00.000Z';
    wellWith([byMail(validUntil)]);
    api.on('GET /mailboxes/alice%40example.com/verification', {
      body: { ...askedByMail, isVerified: false, validUntil },
    });
    expect((await doctor()).of('verification')[0]!.message).toContain(
      'the server does not accept that of alice@example.com, which was to hold until 2027-11-24',
    );
  });

  test('a mailbox that a person has to verify is told with the command for it', async () => {
    wellWith([unverified]);
    api.on('GET /mailboxes/bob%40example.com/verification', { body: { isVerified: false, methods: ['email'] } });
    const { checks } = await doctor();
    expect(checks.find(({ name }) => name === 'verification')).toMatchObject({
      outcome: 'fail',
      remedy: 'npm run notifier -- watch verify bob@example.com',
    });
  });

  test('a mailbox that the server refuses says nothing of the others, and only so many are asked about', async () => {
    const watches = Array.from({ length: 30 }, (_, at) => ({ ...unverified, mailbox: `m${at}@example.com` }));
    wellWith([...watches, alice]);
    for (const { mailbox } of watches) {
      const route = `GET /mailboxes/${encodeURIComponent(mailbox)}/verification`;
      api.on(route, { body: { isVerified: false, methods: ['client_id'] } });
    }
    const refusal = problem(502, 'the server refuses to verify this mailbox; ask', { cause: 'verification_refused' });
    api.on('GET /mailboxes/m0%40example.com/verification', refusal);
    expect((await doctor()).of('verification')).toEqual([
      { outcome: 'ok', message: '21 of 31 mailboxes are verified, or are at their next poll' },
      { outcome: 'fail', message: 'm0@example.com: the server refuses to verify this mailbox; ask' },
      { outcome: 'warn', message: '9 more mailboxes were not asked about' },
    ]);
  });

  test('a watch that is not listed completely is told with its trouble', async () => {
    const trouble = { cause: 'timeout', message: 'the server did not answer in time' };
    const health = { failingSince: at, failures: 3, isAnnounced: true, incompleteSince: at, trouble };
    wellWith([alice, { ...alice, direction: 'received', health }]);
    expect((await doctor()).of('last listing')).toEqual([
      { outcome: 'ok', message: '1 of 2 watches were listed completely by their last polls' },
      {
        outcome: 'fail',
        message:
          'what is received by alice@example.com: none is complete since 2026-11-24 10:00:00 UTC: the server did not answer in time',
      },
    ]);
  });

  test('paused ones, and those that were never listed, are to be looked at', async () => {
    wellWith([
      { ...alice, isDisabled: true },
      { ...alice, direction: 'received', baselineAt: undefined },
    ]);
    expect((await doctor()).of('last listing')).toMatchObject([{ outcome: 'warn' }, { outcome: 'warn' }]);
  });

  test('without any, licence and verification cannot be told', async () => {
    wellWith([]);
    expect((await doctor()).of('licence')).toMatchObject([{ outcome: 'warn' }]);
  });
});

test('deliveries that are overdue fail, those held are to be looked at', async () => {
  const deliveries = {
    waiting: { count: 9, more: false },
    held: { count: 4, more: false },
    oldestOverdueMs: 1_800_000,
  };
  wellWith([alice], { deliveries });
  const { code, of } = await doctor();
  expect(code).toBe(1);
  expect(of('deliveries')).toEqual([
    { outcome: 'fail', message: 'the oldest has been due for 30m' },
    { outcome: 'warn', message: '4 are held' },
  ]);
});

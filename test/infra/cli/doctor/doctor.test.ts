import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { type ProblemName, TlsServers } from '#test/functions/http/tls-servers.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { problem, ScriptedApi } from '#test/infra/cli/scripted-api.ts';
import { selfSigned } from '#test/infra/local/certificate.ts';
import { alice, DoctorWorld, type Found, now } from './doctor-world.ts';

let world: DoctorWorld;

beforeAll(async () => {
  world = await DoctorWorld.start();
});
beforeEach(() => world.wellWith([alice]));
afterAll(() => world.close());

test('where all is well, every check says so, and the exit code is 0', async () => {
  const environment = { CRYPTSHARE_CLIENT_ID: 'exampleclientid'.repeat(4) };
  const { code, checks, summary } = await world.doctor(undefined, { environment });
  expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
  expect(checks.map(({ name }) => name)).toEqual([
    ...[
      'configuration',
      'server',
      'TLS',
      'REST API version',
      'clock',
      'CRYPTSHARE_CLIENT_ID',
      'operator API',
      'licence',
      'client id',
    ],
    ...['verification', 'tables', 'topics', 'queues', 'last listing', 'deliveries'],
  ]);
  expect(summary).toEqual({ ok: checks.length, warn: 0, fail: 0 });
  expect(code).toBe(0);
});

test('a person reads outcomes, remedies and a summary', async () => {
  world.wellWith([alice], { endpoints: { active: 0, paused: 0, disabled: 1, failing: 0 } });
  const ran = await run(['doctor', '--url', world.api.url, '--config', world.configOf()], { now });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toMatch(/^ok +configuration +\S+ can be used$/m);
  expect(ran.stdout).toMatch(/^warn +endpoints +1 are disabled$/m);
  expect(ran.stdout).toMatch(/^ +→ npm run notifier -- endpoint list shows which/m);
  expect(ran.stdout).toMatch(/^\d+ checks: \d+ ok, 1 to look at, 0 failed$/m);
});

describe('the configuration file', () => {
  test('is told with every mistake in it', async () => {
    const { code, of } = await world.doctor(['--config', world.configOf({ schedule: { every: 'often' } })]);
    expect(code).toBe(1);
    expect(of('configuration')).toEqual([{ outcome: 'fail', message: expect.stringContaining('schedule.every') }]);
  });

  test('that is not there is only a failure when it was named', async () => {
    const before = process.cwd();
    process.chdir(mkdtempSync(join(world.folder, 'empty-')));
    const unnamed = await world.doctor([]).finally(() => process.chdir(before));
    expect(unnamed.of('configuration')).toMatchObject([{ outcome: 'warn' }]);
    expect((await world.doctor(['--config', join(world.folder, 'none.json')])).of('configuration')).toMatchObject([
      { outcome: 'fail' },
    ]);
  });

  test('that names another server than the notifier polls is told', async () => {
    world.wellWith([alice], { server: 'https://other.example.com' });
    expect((await world.doctor()).of('configuration')).toContainEqual({
      outcome: 'warn',
      message: `it names the server ${world.server.url}, and the notifier polls https://other.example.com`,
    });
  });
});

describe('the Cryptshare Server', () => {
  test('that is not reached by anybody is a failure', async () => {
    world.api.on(
      'GET /mailboxes/alice%40example.com/verification',
      problem(502, 'the server cannot be reached; check world.server.url', { cause: 'unreachable' }),
    );
    const { code, of } = await world.doctor(['--config', world.configOf({ server: { url: 'https://127.0.0.1:9' } })]);
    expect(code).toBe(1);
    expect(of('server')).toEqual([{ outcome: 'fail', message: 'the server cannot be reached (ECONNREFUSED)' }]);
    expect(of('verification')).toMatchObject([{ outcome: 'fail' }]);
  });

  test('that only the notifier reaches is to be looked at, no failure', async () => {
    world.wellWith([alice], { server: 'https://127.0.0.1:9' });
    const { code, of } = await world.doctor(['--config', world.configOf({ server: { url: 'https://127.0.0.1:9' } })]);
    expect(code).toBe(0);
    expect(of('server')).toMatchObject([
      { outcome: 'warn', message: expect.stringContaining('the notifier itself reaches it') },
    ]);
  });

  test.each(['malformed_answer', 'redirected'])(
    'before which a page answers the notifier, too, fails (%s)',
    async (cause) => {
      const page = await ScriptedApi.start('other');
      try {
        page.on('GET /api/status', { type: 'text/html', body: '<html>Sign in</html>' });
        world.wellWith([alice], { server: page.url });
        const told = 'the answer is not the requested JSON';
        world.api.on('GET /mailboxes/alice%40example.com/verification', problem(502, told, { cause }));
        const { of } = await world.doctor(['--config', world.configOf({ server: { url: page.url } })]);
        expect(of('server')).toMatchObject([{ outcome: 'fail', message: expect.stringContaining('text/html') }]);
      } finally {
        await page.close();
      }
    },
  );

  test('of a file fails when it is not reached and the notifier reaches another one', async () => {
    world.wellWith([alice], { server: 'https://other.example.com' });
    const { code, of } = await world.doctor(['--config', world.configOf({ server: { url: 'https://127.0.0.1:9' } })]);
    expect(code).toBe(1);
    expect(of('server')).toEqual([{ outcome: 'fail', message: 'the server cannot be reached (ECONNREFUSED)' }]);
  });

  test('whose certificate is of a private authority is told, and trusted with server.caFile', async () => {
    const { key, cert } = await selfSigned();
    const secure = await startCryptshareServer({ tls: { key, cert } });
    try {
      writeFileSync(join(world.folder, 'ca.pem'), cert);
      const { url } = secure;
      const without = await world.doctor(['--config', world.configOf({ server: { url } })]);
      expect(without.of('server')[0]!.message).toContain('authority that is not trusted here');
      const trusted = await world.doctor(['--config', world.configOf({ server: { url, caFile: 'ca.pem' } })]);
      expect(trusted.of('server')).toEqual([{ outcome: 'ok', message: `${url} answers` }]);
      expect(trusted.of('TLS')).toMatchObject([
        { outcome: 'ok', message: expect.stringMatching(/^TLSv1\.3, certificate trusted until \d{4}-/) },
      ]);
    } finally {
      await secure.close();
    }
  });

  describe('before which something answers that is none', () => {
    test.each([
      [{ type: 'text/html', body: '<html>Sign in</html>' }, 'HTTP 200, text/html'],
      [{ type: 'text/html', body: '' }, 'HTTP 200, text/html'],
      [{ status: 401, type: 'text/html', body: '<html>Sign in</html>' }, 'HTTP 401, text/html'],
      [{ status: 403, type: 'text/plain', body: 'Blocked.' }, 'HTTP 403, text/plain'],
      [{ status: 407, type: 'text/html', body: '' }, 'HTTP 407, text/html'],
    ])('with %j fails as a login or error page', async (answer, told) => {
      const page = await ScriptedApi.start('other');
      try {
        page.on('GET /api/status', answer);
        world.wellWith([]);
        const { code, checks } = await world.doctor(['--config', world.configOf({ server: { url: page.url } })]);
        expect(code).toBe(1);
        expect(checks.filter(({ name }) => name === 'server')).toEqual([
          {
            name: 'server',
            outcome: 'fail',
            message: `the answer is not the requested JSON (${told})`,
            remedy: expect.stringContaining('login or error page'),
          },
        ]);
      } finally {
        await page.close();
      }
    });
  });

  describe('whose TLS has a problem is told by it', () => {
    let servers: TlsServers;
    beforeAll(async () => {
      servers = await TlsServers.start();
    });
    afterAll(() => servers.close());

    test.each<[ProblemName, RegExp, RegExp]>([
      ['wrongHost', /is for another host name \(.*; it lists DNS:other\.example\.com\)/, /name in server\.url/],
      ['expired', /certificate has expired \(.*; it ended on \d{4}-\d\d-\d\d\)/, /renew/],
      ['notYetValid', /certificate is not valid yet \(.*; it begins on \d{4}-\d\d-\d\d\)/, /clock/],
      ['privateAuthority', /authority that is not trusted here \(.*; issued by Root\)/, /server\.caFile/],
      ['oldVersion', /speaks no version of TLS that is safe/, /TLS 1\.2 or 1\.3/],
      ['clientWantedIn12', /wants a client certificate/, /let the notifier in without one/],
      ['clientWantedIn13', /wants a client certificate/, /let the notifier in without one/],
      ['noSharedCipher', /may want a client certificate, or share no cipher/, /log/],
      ['plainHttp', /does not speak TLS at this port/, /port in server\.url/],
    ])('%s', async (name, message, remedy) => {
      const { url, ca } = servers.of(name);
      if (ca !== undefined) writeFileSync(join(world.folder, 'root.pem'), ca);
      world.wellWith([]);
      const server = { url, ...(ca !== undefined && { caFile: 'root.pem' }) };
      const { code, checks } = await world.doctor(['--config', world.configOf({ server })]);
      expect(code).toBe(1);
      expect(checks.filter((check) => check.name === 'server')).toEqual([
        {
          name: 'server',
          outcome: 'fail',
          message: expect.stringMatching(message),
          remedy: expect.stringMatching(remedy),
        },
      ]);
    });
  });

  test('whose certificate ends soon is to be looked at', async () => {
    const { key, cert } = await selfSigned(new Date(now().getTime() + 10.5 * 86_400_000));
    const secure = await startCryptshareServer({ tls: { key, cert } });
    try {
      writeFileSync(join(world.folder, 'ca.pem'), cert);
      const config = world.configOf({ server: { url: secure.url, caFile: 'ca.pem' } });
      const { of } = await world.doctor(['--config', config]);
      expect(of('TLS')).toEqual([
        { outcome: 'warn', message: 'TLSv1.3, certificate trusted until 2026-12-05, that is 10 days' },
      ]);
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
      world.wellWith([{ ...alice, direction }]);
      const { of } = await world.doctor(['--config', world.configOf({ server: { url: other.url } })]);
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
    world.api.on('GET /mailboxes/alice%40example.com/verification', problem(502, `refused: ${cause}; ask`, { cause }));
    const { code, of } = await world.doctor();
    expect(code).toBe(1);
    expect(of(name)).toEqual([{ outcome: 'fail', message: `refused: ${cause}; ask` }]);
  });
});

describe('a clock here that is', () => {
  const off = (milliseconds: number) => ({ now: () => new Date(now().getTime() + milliseconds) });

  test.each([
    { by: 3_660_000, outcome: 'fail', message: 'the clock here is 61 min ahead of the server’s' },
    { by: -86_400_000, outcome: 'fail', message: 'the clock here is 24 h behind the server’s' },
    { by: 365 * 86_400_000, outcome: 'fail', message: 'the clock here is 365 days ahead of the server’s' },
    { by: -90_000, outcome: 'warn', message: 'the clock here is 2 min behind the server’s' },
    { by: 20_000, outcome: 'ok', message: 'agrees with the server’s to the minute' },
  ])('off by $by ms is told as: $outcome', async ({ by, outcome, message }) => {
    const { checks } = await world.doctor(undefined, off(by));
    expect(checks.find(({ name }) => name === 'clock')).toMatchObject({ outcome, message });
  });

  test('so wrong that the certificate is not valid yet is told nevertheless', async () => {
    const { key, cert } = await selfSigned();
    const secure = await startCryptshareServer({ now, tls: { key, cert } });
    try {
      const config = world.configOf({ server: { url: secure.url } });
      const { of } = await world.doctor(['--config', config], off(-3_600_000));
      expect(of('clock')).toEqual([{ outcome: 'fail', message: 'the clock here is 60 min behind the server’s' }]);
    } finally {
      await secure.close();
    }
  });
});

test('a client id of the wrong form is told, and not repeated', async () => {
  const { code, stdout, of } = await world.doctor(undefined, { environment: { CRYPTSHARE_CLIENT_ID: 'short-secret' } });
  expect(code).toBe(1);
  expect(of('CRYPTSHARE_CLIENT_ID')).toMatchObject([{ outcome: 'fail' }]);
  expect(stdout).not.toContain('short-secret');
});

test('without the operator API, what can be told from here is', async () => {
  const ran = await run(['doctor', '--url', 'http://127.0.0.1:9', '--config', world.configOf(), '--json'], { now });
  const { checks } = JSON.parse(ran.stdout) as { checks: Found[] };
  expect(ran.code).toBe(1);
  expect(checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    'configuration ok',
    'server ok',
    'TLS ok',
    'REST API version ok',
    'clock ok',
    'operator API fail',
  ]);
});

test('a table, topic or queue that does not answer is a failure, and the others are told nevertheless', async () => {
  world.wellWith([alice], undefined, {
    tables: [{ name: 'transfers' }, { name: 'webhooks', problem: 'ResourceNotFoundException' }],
    queues: [{ name: 'WakeUps', waiting: 0, inProgress: 0, problem: 'QueueDoesNotExist' }],
    topics: [{ name: 'transfer-events', subscriptions: 0, unconfirmed: 0, problem: 'NotFound' }],
  });
  const { code, of } = await world.doctor();
  expect(code).toBe(1);
  expect(of('tables')).toEqual([{ outcome: 'fail', message: 'webhooks does not answer: ResourceNotFoundException' }]);
  expect(of('topics')).toEqual([{ outcome: 'fail', message: 'transfer-events does not answer: NotFound' }]);
  expect(of('queues')).toEqual([{ outcome: 'fail', message: 'WakeUps does not answer: QueueDoesNotExist' }]);
  expect(of('last listing')).toMatchObject([{ outcome: 'ok' }]);
});

test('messages that could not be handled fail, with the page that tells what to do', async () => {
  const queues = [{ name: 'WakeUpsDeadLetters', waiting: 2, inProgress: 0 }];
  world.wellWith([alice], undefined, { queues });
  const { code, checks } = await world.doctor();
  expect(code).toBe(1);
  const [check] = checks.filter(({ name }) => name === 'queues');
  expect(check).toMatchObject({ outcome: 'fail', message: '2 messages in WakeUpsDeadLetters could not be handled' });
  expect(headings()).toContain(/operations\.md#(\S+)/.exec(check!.remedy!)![1]);
});

/** The headings of the page for operators, as links name them. */
const headings = () =>
  [...readFileSync('docs/operations.md', 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    text!.toLowerCase().replaceAll(' ', '-'),
  );

test('ticks that were lost are to be looked at, for the next ones have made up for them', async () => {
  world.wellWith([alice], undefined, { queues: [{ name: 'MissedTicksDeadLetters', waiting: 3, inProgress: 0 }] });
  const { code, of } = await world.doctor();
  expect(code).toBe(0);
  expect(of('queues')).toEqual([
    { outcome: 'warn', message: '3 ticks were lost within a day, and made up for by the next' },
  ]);
});

test('subscriptions that nobody has confirmed are to be looked at', async () => {
  const topics = [{ name: 'transfer-notices', subscriptions: 2, unconfirmed: 1 }];
  world.wellWith([alice], undefined, { topics });
  const { code, checks, of } = await world.doctor();
  expect(code).toBe(0);
  const [check] = checks.filter(({ name }) => name === 'topics');
  expect(headings()).toContain(/operations\.md#(\S+)/.exec(check!.remedy!)![1]);
  expect(of('topics')).toEqual([
    { outcome: 'warn', message: '1 of 3 subscriptions of transfer-notices are not confirmed, and get nothing' },
  ]);
});

test('deliveries that are overdue fail, those held are to be looked at', async () => {
  const deliveries = {
    waiting: { count: 9, more: false },
    held: { count: 4, more: false },
    oldestOverdueMs: 1_800_000,
  };
  world.wellWith([alice], { deliveries });
  const { code, of } = await world.doctor();
  expect(code).toBe(1);
  expect(of('deliveries')).toEqual([
    { outcome: 'fail', message: 'the oldest has been due for 30m' },
    { outcome: 'warn', message: '4 are held' },
  ]);
});

describe('an endpoint of which attempts fail', () => {
  const retrying = (name: string) => ({
    ...{ name, status: 'active', isDeclared: false, createdAt: 'x', format: 'event', url: 'https://x.example.com/' },
    ...{ types: [], headerNames: [], retryDelaysMs: [], maxInFlight: 10 },
    failures: { count: 2, since: '2026-11-24T11:58:00.000Z' },
  });
  const delivery = { event: 'evt_1', endpoint: 'crm', status: 'PENDING', attempt: 1, eventAt: 'x' };

  test.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /authority that is not trusted here/, /NODE_EXTRA_CA_CERTS/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /for another host name/, /name in its URL/],
    ['CERT_HAS_EXPIRED', /has expired/, /renew/],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', /no version of TLS/, /TLS 1\.2 or 1\.3/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /wants a client certificate/, /signature of each webhook/],
  ])('is told with the reason, before it counts as failing: %s', async (code, message, remedy) => {
    world.api.on('GET /endpoints', { body: { items: [retrying('crm')] } });
    world.api.on('GET /deliveries', { body: { items: [delivery] } });
    const attempts = [{ attempt: 1, startedAt: 'x', durationMs: 9, outcome: 'failed', failure: 'tls', code }];
    world.api.on('GET /deliveries/evt_1/crm', { body: { ...delivery, attempts } });
    const { code: exitCode, checks } = await world.doctor();
    expect(exitCode).toBe(0);
    const [check, ...others] = checks.filter(({ name }) => name === 'endpoints');
    expect(others).toEqual([]);
    expect(check).toMatchObject({ outcome: 'warn', message: expect.stringMatching(/^crm: 2 failed attempts since/) });
    expect(check!.message).toMatch(message);
    expect(check!.remedy).toMatch(remedy);
  });

  test('is one of many: three are told, and the number of the others', async () => {
    const items = ['a', 'b', 'c', 'd', 'e'].map(retrying);
    world.api.on('GET /endpoints', { body: { items } });
    world.api.on('GET /deliveries', { body: { items: [] } });
    const { of } = await world.doctor();
    expect(of('endpoints').map(({ message }) => message.slice(0, 2))).toEqual(['a:', 'b:', 'c:', '2 ']);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { problem, ScriptedApi } from '#test/infra/cli/scripted-api.ts';

const secret = 'whsec_ZXhhbXBsZS1zZWNyZXQtZXhhbXBsZS1zZWNyZXQ=';
const crm = {
  ...{ name: 'crm', status: 'active', isDeclared: false, createdAt: '2026-11-24T10:00:00.000Z', format: 'event' },
  ...{ url: 'https://crm.example.com/hooks', types: ['transfer.*'], headerNames: ['x-tenant'] },
  ...{ retryDelaysMs: [5000, 300_000], maxInFlight: 10 },
} as const;

let api: ScriptedApi;

beforeAll(async () => {
  api = await ScriptedApi.start();
});
beforeEach(() => api.reset());
afterAll(() => api.close());

const endpoint = (args: readonly string[], options?: RunOptions) =>
  run(['endpoint', ...args, '--url', api.url], options);
const body = () => api.requests.at(-1)!.body;

describe('add', () => {
  beforeEach(() => api.on('POST /endpoints', { status: 201, body: { endpoint: crm, secret } }));

  test('shows the secret once, and says that this is so', async () => {
    const ran = await endpoint(['add', 'crm', '--address', crm.url]);
    expect(ran.code).toBe(0);
    expect(`${ran.stdout}${ran.stderr}`.split(secret)).toHaveLength(2);
    expect(ran.stderr).toBe('the secret is shown this once: put it where the receiver finds it\n');
    expect(body()).toEqual({ name: 'crm', url: crm.url });
  });

  test('prints what the operator API answers, and only that, with --json', async () => {
    const ran = await endpoint(['add', 'crm', '--address', crm.url, '--json']);
    expect(JSON.parse(ran.stdout)).toEqual({ endpoint: crm, secret });
    expect(ran.stderr).toBe('');
  });

  test('takes every setting, and what is secret from the environment', async () => {
    const environment = { ADDRESS: 'https://chat.example.com/T/B', TENANT: 'tenant-secret', SECRET: secret };
    const ran = await endpoint(
      [
        ...['add', 'crm', '--address-from', 'ADDRESS', '--type', 'transfer.failed,watch.*', '--type', 'endpoint.*'],
        ...['--mailbox', 'alice@example.com', '--direction', 'sent', '--header', 'X-Plain: a, b:c'],
        ...['--header-from', 'X-Tenant=TENANT', '--retry-delays', '5s,5m,1h', '--max-in-flight', '3'],
        ...['--format', 'slack', '--secret-from', 'SECRET', '--ed25519'],
      ],
      { environment },
    );
    expect(ran.code).toBe(0);
    expect(body()).toEqual({
      name: 'crm',
      url: environment.ADDRESS,
      types: ['transfer.failed', 'watch.*', 'endpoint.*'],
      mailboxes: ['alice@example.com'],
      directions: ['sent'],
      headers: { 'X-Plain': 'a, b:c', 'X-Tenant': 'tenant-secret' },
      retryDelaysMs: [5000, 300_000, 3_600_000],
      maxInFlight: 3,
      format: 'slack',
      secret,
      isAsymmetric: true,
    });
  });

  test.each([
    [['add', 'crm'], '--address-from VARIABLE'],
    [['add', 'crm', '--address', 'https://a', '--address-from', 'B'], 'expected one of them'],
    [
      ['add', 'crm', '--address-from', 'NOBODY'],
      '--address-from names the environment variable NOBODY, which is not set',
    ],
    [['add', 'crm', '--address', 'https://a', '--header', 'top-secret'], '--header: expected Name: value'],
    [['add', 'crm', '--address', 'https://a', '--retry-delays', 'soon'], 'Expected a duration'],
    [['add', 'crm', '--address', 'https://a', '--max-in-flight', '1000'], 'whole number from 1 to 100'],
    [['add', 'crm', '--address', 'https://a', '--format', 'pigeon'], 'Allowed choices are event, slack, teams'],
    [['update', 'crm'], 'expected at least one setting to change'],
  ])('%j is a wrong command line, and asks the operator API nothing', async (args, message) => {
    const ran = await endpoint(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
    expect(ran.stderr).not.toContain('top-secret');
    expect(api.requests).toEqual([]);
  });
});

test('update changes what is named, and lifts filters', async () => {
  api.on('PATCH /endpoints/crm', { body: crm });
  expect(await endpoint(['update', 'crm', '--type', 'watch.*', '--any-mailbox'])).toMatchObject({
    code: 0,
    stderr: '',
  });
  expect(body()).toEqual({ types: ['watch.*'], mailboxes: null });
});

test('show tells settings with durations in words', async () => {
  api.on('GET /endpoints/crm', { body: crm });
  const { stdout } = await endpoint(['show', 'crm']);
  expect(stdout).toMatch(/retries after +5s, 5m/);
  expect(stdout).toMatch(/headers +x-tenant/);
});

test.each(['pause', 'resume', 'enable', 'disable'])('%s does so', async (verb) => {
  api.on(`POST /endpoints/crm/${verb}`, { body: crm });
  expect(await endpoint([verb, 'crm'])).toMatchObject({ code: 0, stderr: '' });
});

test('disable says why', async () => {
  api.on('POST /endpoints/crm/disable', { body: crm });
  await endpoint(['disable', 'crm', '--because', 'moving house']);
  expect(body()).toEqual({ because: 'moving house' });
});

describe('rotate', () => {
  beforeEach(() => api.on('POST /endpoints/crm/rotate', { body: { endpoint: crm, secret } }));

  test('asks first, tells when the old secret ends, and shows the new one once', async () => {
    const ran = await endpoint(['rotate', 'crm', '--overlap', '2h'], { answers: [true] });
    expect(ran.questions).toEqual([expect.stringContaining('The old one ends in 2h')]);
    expect(body()).toEqual({ overlapSeconds: 7200 });
    expect(`${ran.stdout}${ran.stderr}`.split(secret)).toHaveLength(2);
  });

  test('ends the old secret at once with --overlap 0', async () => {
    const ran = await endpoint(['rotate', 'crm', '--overlap', '0', '--yes']);
    expect(ran.stdout).toContain('the old one ends at once');
    expect(body()).toEqual({ overlapSeconds: 0 });
  });
});

describe('test', () => {
  const delivery = {
    ...{ event: 'evt_1', endpoint: 'crm', status: 'PENDING', attempt: 0, type: 'notifier.test' },
    eventAt: '2026-11-24T12:00:00.000Z',
  };
  const attempt = { attempt: 1, startedAt: '2026-11-24T12:00:00.100Z', durationMs: 37, outcome: 'failed' };
  const now = () => new Date('2026-11-24T12:00:00.000Z');

  let circuitBreaker: object | undefined;
  beforeEach(() => {
    circuitBreaker = undefined;
  });

  /** Tests an endpoint of which the delivery becomes one after the other of these. */
  async function tested(...states: object[]) {
    api.on('POST /endpoints/crm/test', { status: 202, body: { event: 'evt_1', endpoint: 'crm' } });
    api.on('GET /endpoints/crm', { body: { ...crm, circuitBreaker } });
    const left = [...states];
    api.on('GET /deliveries/evt_1/crm', () => ({ body: left.length > 1 ? left.shift() : left[0] }));
    return endpoint(['test', 'crm'], { now });
  }

  test('waits for the answer, and prints its status and how long it took', async () => {
    const delivered = { ...delivery, status: 'DELIVERED', attempt: 1, attempts: [{ ...attempt, status: 204 }] };
    const ran = await tested({ ...delivery, attempts: [] }, { ...delivery, attempts: [] }, delivered);
    expect(ran).toMatchObject({ code: 0, stdout: 'crm answered HTTP 204 in 37 ms\n', stderr: '' });
    expect(api.requests).toHaveLength(5);
  });

  test.each([
    [{ status: 500 }, 'crm answered HTTP 500 in 37 ms\n', ''],
    [
      { failure: 'unresolvable', code: 'ENOTFOUND' },
      'crm gave no answer: its name cannot be resolved (ENOTFOUND), after 37 ms\n',
      '→ check the host name in its URL, and DNS\n',
    ],
    [
      { failure: 'refused', code: 'ECONNREFUSED' },
      'crm gave no answer: the connection was refused (ECONNREFUSED), after 37 ms\n',
      '→ see whether it runs',
    ],
    [
      { failure: 'tls', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      'crm gave no answer: its certificate comes from an authority that is not trusted here (DEPTH_ZERO_SELF_SIGNED_CERT), after 37 ms\n',
      'NODE_EXTRA_CA_CERTS',
    ],
    [{ failure: 'timeout' }, 'crm gave no answer: no answer within 15 s, after 37 ms\n', '→ have it answer first'],
  ])('fails with the real reason, and what to do: %j', async (how, said, remedy) => {
    const ran = await tested({ ...delivery, attempt: 1, attempts: [{ ...attempt, ...how }] });
    expect(ran).toMatchObject({ code: 1, stdout: said });
    expect(ran.stderr).toContain(remedy);
    expect(ran.stderr).toContain('it is tried again as any other is: npm run notifier -- delivery show evt_1 crm');
  });

  test('does not wait for an endpoint that is paused', async () => {
    const ran = await tested({ ...delivery, status: 'HELD', attempts: [] });
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('has not been attempted, since crm is paused or disabled');
    expect(api.requests).toHaveLength(2);
  });

  test('does not wait for one that is left alone for longer after failures', async () => {
    circuitBreaker = { state: 'open', openUntil: '2026-11-24T12:10:00.000Z' };
    const ran = await tested({ ...delivery, attempts: [] });
    expect(ran.stderr).toContain(
      'since the circuit breaker of crm is open after failures, until 2026-11-24 12:10:00 UTC',
    );
    expect(api.requests).toHaveLength(3);
  });

  test('gives up after a minute', async () => {
    const ran = await tested({ ...delivery, nextAttemptAt: now().toISOString(), attempts: [] });
    expect(ran).toMatchObject({ code: 1, stdout: 'crm: pending\n' });
    expect(api.requests.length).toBeLessThan(300);
  });
});

describe('an endpoint of which attempts fail', () => {
  const failures = { count: 2, since: '2026-11-24T11:58:00.000Z' };
  const retrying = { ...crm, failures };

  test('is no active one in a list', async () => {
    const health = { failingSince: failures.since, cause: 'unreachable' };
    api.on('GET /endpoints', { body: { items: [crm, retrying, { ...retrying, health }] } });
    const [, well, next, failing] = (await endpoint(['list'])).stdout.split('\n');
    expect(well).toMatch(/^crm +active +event/);
    expect(next).toMatch(/^crm +retrying +2 failed attempts since 2026-11-24 11:58:00 UTC +event/);
    expect(failing).toMatch(/^crm +failing +2 failed attempts/);
  });

  test('is shown with how the last attempt ended, and what to do', async () => {
    api.on('GET /endpoints/crm', { body: retrying });
    const waiting = { event: 'evt_2', endpoint: 'crm', status: 'PENDING', attempt: 0, eventAt: 'x' };
    const tried = { event: 'evt_1', endpoint: 'crm', status: 'PENDING', attempt: 2, eventAt: 'x' };
    api.on('GET /deliveries', { body: { items: [waiting, tried] } });
    const attempts = [
      { attempt: 1, startedAt: 'x', durationMs: 9, outcome: 'failed', status: 500 },
      { attempt: 2, startedAt: 'x', durationMs: 9, outcome: 'failed', failure: 'refused', code: 'ECONNREFUSED' },
    ];
    api.on('GET /deliveries/evt_1/crm', { body: { ...tried, attempts } });
    const { stdout } = await endpoint(['show', 'crm']);
    expect(stdout).toMatch(/^status +retrying$/m);
    expect(stdout).toMatch(/^problem +2 failed attempts since 2026-11-24 11:58:00 UTC$/m);
    expect(stdout).toMatch(/^last attempt +the connection was refused \(ECONNREFUSED\)$/m);
    expect(stdout).toMatch(/^what to do +see whether it runs/m);
    expect(stdout).not.toContain('circuit breaker');
  });

  test.each([
    ['open', 'open, no attempt before 2026-11-24 12:10:00 UTC'],
    ['half-open', 'half-open, one attempt at a time since 2026-11-24 12:10:00 UTC'],
  ])('is shown with what its circuit breaker means while it is %s', async (state, words) => {
    const circuitBreaker = { state, openUntil: '2026-11-24T12:10:00.000Z' };
    api.on('GET /endpoints/crm', { body: { ...retrying, circuitBreaker } });
    api.on('GET /deliveries', { body: { items: [] } });
    const { stdout } = await endpoint(['show', 'crm']);
    expect(stdout).toMatch(new RegExp(`^circuit breaker +${words}$`, 'm'));
  });
});

describe('what the operator API refuses', () => {
  const refused = (...problems: { path: string; message: string }[]) =>
    problem(400, problems.map(({ path, message }) => `${path}: ${message}`).join('; '), { problems });

  test('is told by the options of the command line, with the one that lets a receiver be on this machine', async () => {
    const address = { path: 'url', message: 'expected https:; expected an address on the public internet' };
    api.on('POST /endpoints', refused(address));
    const one = await endpoint(['add', 'crm', '--address', 'http://127.0.0.1:9000/']);
    expect(one).toMatchObject({ code: 1 });
    expect(one.stderr).toMatch(/^--address: expected https:; expected an address on the public internet\n/);
    expect(one.stderr).toContain('npm start -- --config FILE --allow-private-webhooks');
    api.on(
      'PATCH /endpoints/crm',
      refused(address, { path: 'types.0', message: 'expected one of a, b' }, { path: 'headers.x-a', message: 'no' }),
    );
    const several = await endpoint(['update', 'crm', '--address', 'http://127.0.0.1:9000/']);
    expect(several.stderr.split('\n').slice(1, 4)).toEqual([
      '  --address: expected https:; expected an address on the public internet',
      '  --type: expected one of a, b',
      '  --header x-a: no',
    ]);
  });

  test('is told without the one that would not help', async () => {
    api.on('POST /endpoints', refused({ path: 'url', message: 'expected https:' }));
    const ran = await endpoint(['add', 'crm', '--address', 'ftp://127.0.0.1/']);
    expect(ran).toMatchObject({ code: 1, stderr: '--address: expected https:\n' });
  });

  test('is left as it is where it is about no option', async () => {
    api.on('POST /endpoints', problem(409, 'there is an endpoint crm already'));
    const ran = await endpoint(['add', 'crm', '--address', crm.url]);
    expect(ran).toMatchObject({ code: 1, stderr: 'there is an endpoint crm already\n' });
  });
});

test('the help of rotate tells how long both secrets are used in words', async () => {
  expect((await run(['endpoint', 'rotate', '--help'])).stdout).toContain('(default: 24h)');
});

test('remove asks, for its secret is gone then', async () => {
  api.on('DELETE /endpoints/crm', { status: 204 });
  expect(await endpoint(['remove', 'crm'])).toMatchObject({ code: 2 });
  expect(await endpoint(['remove', 'crm'], { answers: [true] })).toMatchObject({ code: 0, stdout: 'crm is removed\n' });
});

describe('recover and replay', () => {
  const now = () => new Date('2026-11-24T12:00:00.000Z');

  test('recover sends what was held, and tells how many', async () => {
    api.on('POST /endpoints/crm/recover', { body: { count: 3, isComplete: true } });
    const ran = await endpoint(['recover', 'crm', '--from', '2h', '--per-second', '5'], { now });
    expect(ran.stdout).toBe('3 events held for crm are on their way\n');
    expect(body()).toEqual({ from: '2026-11-24T10:00:00.000Z', perSecond: 5 });
  });

  test.each([
    ['recover', ['recover', 'crm'], 'held for crm are on their way'],
    ['replay', ['replay', 'crm', '--from', '1d', '--yes'], 'sent to crm from'],
  ])('%s goes on by itself where it stopped, when the operator API runs out of time', async (verb, args, told) => {
    const answers = [
      { count: 300, isComplete: false, next: 'first' },
      { count: 200, isComplete: false, next: 'second' },
      { count: 7, isComplete: true },
    ];
    api.on(`POST /endpoints/crm/${verb}`, () => ({ body: answers.shift() }));
    const ran = await endpoint(args, { now });
    expect(ran.stdout).toContain(`507 events ${told}`);
    expect(api.requests.map(({ body }) => (body as { cursor?: string }).cursor)).toEqual([
      undefined,
      'first',
      'second',
    ]);
  });

  test('replay counts and asks before it sends anything', async () => {
    api.on('POST /endpoints/crm/replay', { body: { count: 42, isComplete: true } });
    const args = ['replay', 'crm', '--from', '2026-11-24', '--until', '2026-11-24T06:00'];
    const ran = await endpoint(args, { now, answers: [true] });
    expect(ran.questions).toEqual(['Send 42 events to crm again?']);
    const range = { from: '2026-11-24T00:00:00.000Z', until: '2026-11-24T06:00:00.000Z' };
    expect(api.requests.map((request) => request.body)).toEqual([{ ...range, dryRun: true }, range]);
    api.reset();
    api.on('POST /endpoints/crm/replay', { body: { count: 42, isComplete: true } });
    expect(await endpoint(args, { now, answers: [false] })).toMatchObject({ code: 1, stderr: 'nothing was done\n' });
    expect(api.requests).toHaveLength(1);
  });

  test('a dry run sends nothing and asks nothing', async () => {
    api.on('POST /endpoints/crm/replay', { body: { count: 42, isComplete: true } });
    const ran = await endpoint(['replay', 'crm', '--from', '1d', '--dry-run'], { now });
    expect(ran.stdout).toContain('nothing was sent');
    expect(body()).toEqual({ from: '2026-11-23T12:00:00.000Z', until: now().toISOString(), dryRun: true });
  });

  test.each(['yesterday', '2026-13-01', '24.11.2026'])('%s is no time', async (from) => {
    const ran = await endpoint(['replay', 'crm', '--from', from]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('Expected a time in UTC');
  });
});

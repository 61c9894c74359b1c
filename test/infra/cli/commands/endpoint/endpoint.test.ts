import { beforeEach, describe, expect, it } from 'vitest';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const secret = 'whsec_ZXhhbXBsZS1zZWNyZXQtZXhhbXBsZS1zZWNyZXQ=';
const crm = {
  ...{ name: 'crm', status: 'active', isDeclared: false, createdAt: '2026-11-24T10:00:00.000Z', format: 'event' },
  ...{ url: 'https://crm.example.com/hooks', types: ['transfer.*'], headerNames: ['x-tenant'] },
  ...{ retryDelaysMs: [5000, 300_000], maxInFlight: 10 },
} as const;

const api = await startOperatorApi();
const now = () => new Date('2026-11-24T12:00:00.000Z');
const endpoint = (args: readonly string[], options?: RunOptions) =>
  run(['endpoint', ...args, '--url', api.url], { now, ...options });
const body = () => api.requests.at(-1)!.body;

describe('endpoint add and update', () => {
  beforeEach(() => api.on('POST /endpoints', { status: 201, body: { endpoint: crm, secret } }));

  it('shows the secret once, and says so', async () => {
    const ran = await endpoint(['add', 'crm', '--address', crm.url]);
    expect(ran.code).toBe(0);
    expect(`${ran.stdout}${ran.stderr}`.split(secret)).toHaveLength(2);
    expect(ran.stderr).toBe('the secret is shown this once: put it where the receiver finds it\n');
    expect(body()).toEqual({ name: 'crm', url: crm.url });
  });

  it('prints the answer of the operator API alone with --json', async () => {
    const ran = await endpoint(['add', 'crm', '--address', crm.url, '--json']);
    expect(JSON.parse(ran.stdout)).toEqual({ endpoint: crm, secret });
    expect(ran.stderr).toBe('');
  });

  it('takes every setting, and secrets from the environment', async () => {
    const environment = { ADDRESS: 'https://chat.example.com/T/B', TENANT: 'tenant-secret', SECRET: secret };
    const args = [
      ...['add', 'crm', '--address-from', 'ADDRESS', '--type', 'transfer.failed,watch.*', '--type', 'endpoint.*'],
      ...['--mailbox', 'alice@example.com', '--direction', 'sent', '--header', 'X-Plain: a, b:c'],
      ...['--header-from', 'X-Tenant=TENANT', '--retry-delays', '5s,5m,1h', '--max-in-flight', '3'],
      ...['--format', 'slack', '--secret-from', 'SECRET', '--ed25519'],
    ];
    expect(await endpoint(args, { environment })).toMatchObject({ code: 0 });
    expect(body()).toEqual({
      ...{ name: 'crm', url: environment.ADDRESS, types: ['transfer.failed', 'watch.*', 'endpoint.*'] },
      ...{ mailboxes: ['alice@example.com'], directions: ['sent'] },
      headers: { 'X-Plain': 'a, b:c', 'X-Tenant': 'tenant-secret' },
      ...{ retryDelaysMs: [5000, 300_000, 3_600_000], maxInFlight: 3, format: 'slack', secret, isAsymmetric: true },
    });
  });

  it('changes only the named settings, and removes filters', async () => {
    api.on('PATCH /endpoints/crm', { body: crm });
    expect(await endpoint(['update', 'crm', '--type', 'watch.*', '--any-mailbox'])).toMatchObject({ code: 0 });
    expect(body()).toEqual({ types: ['watch.*'], mailboxes: null });
  });

  it.each([
    [['add', 'crm'], '--address-from VARIABLE'],
    [['add', 'crm', '--address', 'https://a', '--address-from', 'B'], 'expected one of them'],
    [['add', 'crm', '--address-from', 'NONE'], '--address-from names the environment variable NONE, which is not set'],
    [['add', 'crm', '--address', 'https://a', '--header', 'top-secret'], '--header: expected Name: value'],
    [['add', 'crm', '--address', 'https://a', '--retry-delays', 'soon'], 'Expected a duration'],
    [['add', 'crm', '--address', 'https://a', '--max-in-flight', '1000'], 'whole number from 1 to 100'],
    [
      ['add', 'crm', '--address', 'https://a', '--format', 'pigeon'],
      'Allowed choices are event, cloudevents, template, slack, teams',
    ],
    [['update', 'crm'], 'expected at least one setting to change'],
    [['replay', 'crm', '--from', 'yesterday'], 'Expected a time in UTC'],
    [['replay', 'crm', '--from', '2026-13-01'], 'Expected a time in UTC'],
  ])('refuses the wrong command line %j before any request', async (args, message) => {
    const ran = await endpoint(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
    expect(ran.stderr).not.toContain('top-secret');
    expect(api.requests).toEqual([]);
  });

  const refused = (...problems: { path: string; message: string }[]) =>
    problem(400, problems.map(({ path, message }) => `${path}: ${message}`).join('; '), { problems });
  const address = { path: 'url', message: 'expected https:; expected an address on the public internet' };

  it('replaces fields in a refusal by options, and names the option that allows private receivers', async () => {
    api.on('POST /endpoints', refused(address));
    const one = await endpoint(['add', 'crm', '--address', 'http://127.0.0.1:9000/']);
    expect(one).toMatchObject({ code: 1 });
    expect(one.stderr).toMatch(/^--address: expected https:; expected an address on the public internet\n/);
    expect(one.stderr).toContain('npm start -- --config FILE --allow-private-webhooks');
    const types = { path: 'types.0', message: 'expected one of a, b' };
    api.on('PATCH /endpoints/crm', refused(address, types, { path: 'headers.x-a', message: 'no' }));
    const several = await endpoint(['update', 'crm', '--address', 'http://127.0.0.1:9000/']);
    expect(several.stderr.split('\n').slice(1, 4)).toEqual([
      '  --address: expected https:; expected an address on the public internet',
      '  --type: expected one of a, b',
      '  --header x-a: no',
    ]);
  });

  it.each([
    ['ftp://127.0.0.1/', refused({ path: 'url', message: 'expected https:' }), '--address: expected https:\n'],
    [crm.url, problem(409, 'there is an endpoint crm already'), 'there is an endpoint crm already\n'],
  ])('adds nothing to the refusal of %s that would not help', async (url, answer, stderr) => {
    api.on('POST /endpoints', answer);
    expect(await endpoint(['add', 'crm', '--address', url])).toMatchObject({ code: 1, stderr });
  });
});

describe('endpoint list and show', () => {
  const failures = { count: 2, since: '2026-11-24T11:58:00.000Z' };
  const retrying = { ...crm, failures };

  it('shows settings with durations in words', async () => {
    api.on('GET /endpoints/crm', { body: crm });
    const { stdout } = await endpoint(['show', 'crm']);
    expect(stdout).toMatch(/retries after +5s, 5m/);
    expect(stdout).toMatch(/headers +x-tenant/);
  });

  it('lists endpoints with failing attempts as retrying or failing', async () => {
    const health = { failingSince: failures.since, cause: 'unreachable' };
    api.on('GET /endpoints', { body: { items: [crm, retrying, { ...retrying, health }] } });
    const [, well, next, failing] = (await endpoint(['list'])).stdout.split('\n');
    expect(well).toMatch(/^crm +active +event/);
    expect(next).toMatch(/^crm +retrying +2 failed attempts since 2026-11-24 11:58:00 UTC +event/);
    expect(failing).toMatch(/^crm +failing +2 failed attempts/);
  });

  it('shows how the last attempt ended, and what to do', async () => {
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

  it.each([
    ['open', 'open, no attempt before 2026-11-24 12:10:00 UTC'],
    ['half-open', 'half-open, one attempt at a time since 2026-11-24 12:10:00 UTC'],
  ])('explains a circuit breaker that is %s', async (state, words) => {
    api.on('GET /endpoints/crm', {
      body: { ...crm, circuitBreaker: { state, openUntil: '2026-11-24T12:10:00.000Z' } },
    });
    expect((await endpoint(['show', 'crm'])).stdout).toMatch(new RegExp(`^circuit breaker +${words}$`, 'm'));
  });
});

describe('endpoint pause, resume, enable, disable and remove', () => {
  it.each([
    ['pause', [], {}],
    ['resume', [], {}],
    ['enable', [], {}],
    ['disable', [], {}],
    ['disable', ['--because', 'moving house'], { because: 'moving house' }],
  ])('sends %s %j', async (verb, args, sent) => {
    api.on(`POST /endpoints/crm/${verb}`, { body: crm });
    expect(await endpoint([verb, 'crm', ...args])).toMatchObject({ code: 0, stderr: '' });
    expect(body()).toEqual(sent);
  });

  it('asks before it removes an endpoint and its secret', async () => {
    api.on('DELETE /endpoints/crm', { status: 204 });
    expect(await endpoint(['remove', 'crm'])).toMatchObject({ code: 2 });
    const removed = await endpoint(['remove', 'crm'], { answers: [true] });
    expect(removed).toMatchObject({ code: 0, stdout: 'crm is removed\n' });
  });
});

describe('endpoint rotate', () => {
  beforeEach(() => api.on('POST /endpoints/crm/rotate', { body: { endpoint: crm, secret } }));

  it('asks first, tells when the old secret ends, and shows the new one once', async () => {
    const ran = await endpoint(['rotate', 'crm', '--overlap', '2h'], { answers: [true] });
    expect(ran.questions).toEqual([expect.stringContaining('The old one ends in 2h')]);
    expect(body()).toEqual({ overlapSeconds: 7200 });
    expect(`${ran.stdout}${ran.stderr}`.split(secret)).toHaveLength(2);
  });

  it.each([
    [[], 86_400, 'in 1d'],
    [['--overlap', '0'], 0, 'at once'],
  ])('keeps the old secret with the options %j for %i s', async (args, overlapSeconds, words) => {
    const ran = await endpoint(['rotate', 'crm', '--yes', ...args]);
    expect(ran.stdout).toContain(`the old one ends ${words}`);
    expect(body()).toEqual({ overlapSeconds });
  });
});

describe('endpoint test', () => {
  const delivery = {
    ...{ event: 'evt_1', endpoint: 'crm', status: 'PENDING', attempt: 0, type: 'notifier.test', attempts: [] },
    eventAt: '2026-11-24T12:00:00.000Z',
  };
  const attempt = { attempt: 1, startedAt: '2026-11-24T12:00:00.100Z', durationMs: 37, outcome: 'failed' };

  /** Tests an endpoint; its delivery passes through these states. */
  async function test(states: readonly object[], circuitBreaker?: object) {
    api.on('POST /endpoints/crm/test', { status: 202, body: { event: 'evt_1', endpoint: 'crm' } });
    api.on('GET /endpoints/crm', { body: { ...crm, circuitBreaker } });
    const left = [...states];
    api.on('GET /deliveries/evt_1/crm', () => ({ body: left.length > 1 ? left.shift() : left[0] }));
    return endpoint(['test', 'crm']);
  }

  it('waits for the answer, and prints its status and duration', async () => {
    const delivered = { ...delivery, status: 'DELIVERED', attempt: 1, attempts: [{ ...attempt, status: 204 }] };
    const ran = await test([delivery, delivery, delivered]);
    expect(ran).toMatchObject({ code: 0, stdout: 'crm answered HTTP 204 in 37 ms\n', stderr: '' });
    expect(api.requests).toHaveLength(5);
  });

  it.each([
    [{ status: 500 }, 'crm answered HTTP 500 in 37 ms\n', ''],
    [
      { failure: 'refused', code: 'ECONNREFUSED' },
      'crm gave no answer: the connection was refused (ECONNREFUSED), after 37 ms\n',
      '→ see whether it runs',
    ],
  ])('fails with the reason and the remedy: %j', async (how, stdout, remedy) => {
    const ran = await test([{ ...delivery, attempt: 1, attempts: [{ ...attempt, ...how }] }]);
    expect(ran).toMatchObject({ code: 1, stdout });
    expect(ran.stderr).toContain(remedy);
    expect(ran.stderr).toContain('it is tried again as any other is: npm run notifier -- delivery show evt_1 crm');
  });

  it('does not wait for a paused endpoint', async () => {
    const ran = await test([{ ...delivery, status: 'HELD' }]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('has not been attempted, since crm is paused or disabled');
    expect(api.requests).toHaveLength(2);
  });

  it('does not wait for a circuit breaker that stays open for longer', async () => {
    const ran = await test([delivery], { state: 'open', openUntil: '2026-11-24T12:10:00.000Z' });
    expect(ran.stderr).toContain('circuit breaker of crm is open after failures, until 2026-11-24 12:10:00 UTC');
    expect(api.requests).toHaveLength(3);
  });

  it('gives up after a minute', async () => {
    const ran = await test([{ ...delivery, nextAttemptAt: now().toISOString() }]);
    expect(ran).toMatchObject({ code: 1, stdout: 'crm: pending\n' });
    expect(api.requests.length).toBeLessThan(300);
  });
});

describe('endpoint recover and replay', () => {
  it('sends what was held, and says how many events', async () => {
    api.on('POST /endpoints/crm/recover', { body: { count: 3, isComplete: true } });
    const ran = await endpoint(['recover', 'crm', '--from', '2h', '--per-second', '5']);
    expect(ran.stdout).toBe('3 events held for crm are on their way\n');
    expect(body()).toEqual({ from: '2026-11-24T10:00:00.000Z', perSecond: 5 });
  });

  it('continues where the operator API ran out of time', async () => {
    const answers = [
      { count: 300, isComplete: false, next: 'first' },
      { count: 200, isComplete: false, next: 'second' },
      { count: 7, isComplete: true },
    ];
    api.on('POST /endpoints/crm/replay', () => ({ body: answers.shift() }));
    const ran = await endpoint(['replay', 'crm', '--from', '1d', '--yes']);
    expect(ran.stdout).toContain('507 events sent to crm from');
    const cursors = api.requests.map(({ body }) => (body as { cursor?: string }).cursor);
    expect(cursors).toEqual([undefined, 'first', 'second']);
  });

  it('counts and asks before it sends again', async () => {
    api.on('POST /endpoints/crm/replay', { body: { count: 42, isComplete: true } });
    const args = ['replay', 'crm', '--from', '2026-11-24', '--until', '2026-11-24T06:00'];
    const ran = await endpoint(args, { answers: [true] });
    expect(ran.questions).toEqual(['Send 42 events to crm again?']);
    const range = { from: '2026-11-24T00:00:00.000Z', until: '2026-11-24T06:00:00.000Z' };
    expect(api.requests.map((request) => request.body)).toEqual([{ ...range, dryRun: true }, range]);
    expect(await endpoint(args, { answers: [false] })).toMatchObject({ code: 1, stderr: 'nothing was done\n' });
    expect(api.requests).toHaveLength(3);
  });

  it('counts and asks nothing with --dry-run', async () => {
    api.on('POST /endpoints/crm/replay', { body: { count: 42, isComplete: true } });
    const ran = await endpoint(['replay', 'crm', '--from', '1d', '--dry-run']);
    expect(ran.stdout).toMatch(/^dry run: .* would be on their way/m);
    expect(body()).toEqual({ from: '2026-11-23T12:00:00.000Z', until: now().toISOString(), dryRun: true });
  });
});

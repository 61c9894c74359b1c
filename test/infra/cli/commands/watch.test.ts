import { beforeEach, describe, expect, it } from 'vitest';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const alice = { mailbox: 'alice@example.com', direction: 'sent', isDeclared: false, isDisabled: false } as const;
const path = '/watches/sent/alice%40example.com';
const mailbox = '/mailboxes/alice%40example.com';

const api = await startOperatorApi();
const watch = (args: readonly string[], options?: RunOptions) => run(['watch', ...args, '--url', api.url], options);

/** What the operator API answers about the verification of the mailbox. */
const unverified = (...methods: string[]) =>
  api.on(`GET ${mailbox}/verification`, { body: { isVerified: false, methods } });

describe('watch add and update', () => {
  const command = () => `npm run notifier -- watch verify alice@example.com --url ${api.url}\n`;

  it('adds the mailbox in the named direction', async () => {
    api.on('POST /watches', { status: 201, body: { ...alice, direction: 'received' } });
    api.on(`GET ${mailbox}/verification`, { body: { isVerified: true, methods: [] } });
    const ran = await watch(['add', 'alice@example.com', '--direction', 'received', '--notify-existing']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('what is received by alice@example.com is watched');
    expect(api.requests[0]!.body).toEqual({ mailbox: alice.mailbox, direction: 'received', notifyExisting: true });
  });

  it('says how to verify the mailbox, unless the client id does', async () => {
    api.on('POST /watches', { status: 201, body: alice });
    unverified('email');
    expect(await watch(['add', 'alice@example.com'])).toMatchObject({
      code: 0,
      stderr: `alice@example.com is not verified yet, and polls fail until it is: ${command()}`,
    });
    unverified('client_id', 'email');
    expect(await watch(['add', 'alice@example.com'])).toMatchObject({ code: 0, stderr: '' });
    api.on(`GET ${mailbox}/verification`, problem(502, 'the server cannot be reached', { cause: 'unreachable' }));
    const unknown = await watch(['add', 'alice@example.com']);
    expect(unknown).toMatchObject({ code: 0 });
    expect(unknown.stderr).toContain(`is verified (the server cannot be reached); if its polls fail: ${command()}`);
  });

  it('sends the poll interval in milliseconds, and null for the general one', async () => {
    api.on('POST /watches', { status: 201, body: alice });
    api.on(`PATCH ${path}`, ({ body }) => ({
      body: { ...alice, ...((body as { pollIntervalMs: number }).pollIntervalMs && (body as object)) },
    }));
    await watch(['add', 'alice@example.com', '--every', '15m', '--json']);
    const changed = await watch(['update', 'alice@example.com', '--every', '1h']);
    const reset = await watch(['update', 'alice@example.com', '--every', 'default']);
    const sent = api.requests.map(({ body }) => (body as { pollIntervalMs: unknown }).pollIntervalMs);
    expect(sent).toEqual([900_000, 3_600_000, null]);
    expect(changed.stdout).toBe('what is sent by alice@example.com is polled every 1h\n');
    expect(reset.stdout).toBe('what is sent by alice@example.com is polled at the general interval\n');
  });

  it('sends what a watch follows, null for nothing, and tells what it follows then', async () => {
    api.on('POST /watches', { status: 201, body: alice });
    api.on(`PATCH ${path}`, { body: { ...alice, follow: ['overdue', 'problems'], overdueBeforeMs: 43_200_000 } });
    await watch(['add', 'alice@example.com', '--follow', 'overdue,downloads', '--overdue-before', '3d', '--json']);
    const changed = await watch(['update', 'alice@example.com', '--follow', 'problems,overdue']);
    await watch(['update', 'alice@example.com', '--overdue-before', 'default']);
    api.on(`PATCH ${path}`, { body: alice });
    const none = await watch(['update', 'alice@example.com', '--follow', 'none']);
    expect(api.requests.map(({ body }) => body)).toEqual([
      {
        mailbox: 'alice@example.com',
        direction: 'sent',
        follow: ['downloads', 'overdue'],
        overdueBeforeMs: 259_200_000,
      },
      { follow: ['overdue', 'problems'] },
      { overdueBeforeMs: null },
      { follow: null },
    ]);
    const words = 'what is sent by alice@example.com is polled at the general interval, and follows';
    expect(changed.stdout).toBe(`${words} overdue (12h before the end), problems\n`);
    expect(none.stdout).toBe(`${words} nothing besides states\n`);
  });

  it.each([
    [[], 'expected --every, --follow or --overdue-before'],
    [['--follow', 'uploads'], 'Expected one or more of downloads,overdue,problems.'],
    [['--follow', 'downloads,downloads'], 'Expected one or more of'],
    [['--follow', ''], 'Expected one or more of'],
    [['--overdue-before', '31d'], 'Expected a duration from 1h to 30d'],
    [['--overdue-before', '59m'], 'Expected a duration from 1h to 30d'],
  ])('refuses an update with %j before any request', async (options, message) => {
    const ran = await watch(['update', 'alice@example.com', ...options]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
    expect(api.requests).toEqual([]);
  });

  it('names the option that needs another before any request', async () => {
    const ran = await watch(['add', 'alice@example.com', '--follow', 'downloads', '--overdue-before', '3d']);
    expect([ran.code, api.requests]).toEqual([2, []]);
    expect(ran.stderr).toContain('--overdue-before: expected only where --follow has overdue');
  });

  it.each(['0', '2d', '500', 'often'])('refuses the interval %s before any request', async (every) => {
    const ran = await watch(['update', 'alice@example.com', '--every', every]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('Expected a duration');
    expect(api.requests).toEqual([]);
  });
});

describe('watch list and show', () => {
  const cause = { cause: 'not_verified', message: 'this mailbox is not verified' };
  const health = { failingSince: '2026-11-24T10:00:00.000Z', failures: 3, isAnnounced: true, problem: cause };
  const verification = { method: 'email', validUntil: '2026-12-24T10:00:00.000Z' };

  it.each<[what: string, watch: object, listed: RegExp, shown: RegExp]>([
    [
      'a quiet watch',
      { quietIntervalMs: 300_000 },
      /5m, quiet/,
      /every 5m, since nothing has changed for an hour: the next change is told up to 5m later, then it is polled at the general interval/,
    ],
    ['a failing watch', { health }, / failing +not_verified/, /^state +failing\n(.*\n)*problem +this mailbox is not/m],
    ['a paused watch', { health, isDisabled: true }, / paused$/m, /^state +paused$/m],
    [
      'an unfinished baseline',
      { baselineProgress: { stored: 712, transfers: 10_000 } },
      / new +712 of 10,000/,
      /^transfers +712 of 10,000$/m,
    ],
    [
      'a watch that follows more than states',
      { follow: ['downloads', 'overdue'] },
      /downloads,overdue/,
      /^follows +downloads, overdue \(2d before the end\)$/m,
    ],
    ['a verification', { verification }, /2026-12-24 10:00:00/, /^verified until \(UTC\) +2026-12-24 10:00:00$/m],
  ])('tell the state of %s', async (_, facts, listed, shown) => {
    api.on('GET /watches', { body: { items: [{ ...alice, ...facts }] } });
    api.on(`GET ${path}`, { body: { ...alice, ...facts } });
    const { stdout } = await watch(['list']);
    expect(stdout).toMatch(/STATE +REASON/);
    expect(stdout).toMatch(listed);
    expect((await watch(['show', 'alice@example.com'])).stdout).toMatch(shown);
  });

  it('has exit code 3 and the message of the operator API for an unknown watch', async () => {
    api.on(`GET ${path}`, problem(404, 'there is no watch of what alice@example.com has sent'));
    const ran = await watch(['show', 'alice@example.com']);
    expect(ran).toMatchObject({ code: 3, stderr: 'there is no watch of what alice@example.com has sent\n' });
  });
});

describe('watch pause, resume and poll', () => {
  it.each(['pause', 'resume'])('sends %s to the watch by direction and percent-encoded mailbox', async (verb) => {
    api.on(`POST ${path}/${verb}`, { body: alice });
    expect(await watch([verb, 'alice@example.com'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('reports a failed poll, with exit code 1', async () => {
    const facts = { outcome: 'failed', transfers: 0, changed: 0, published: 0 };
    api.on(`POST ${path}/poll`, { body: { ...facts, problem: { cause: 'timeout', message: 'the server is slow' } } });
    const ran = await watch(['poll', 'alice@example.com']);
    expect(ran).toMatchObject({ code: 1, stderr: 'the server is slow\n' });
    expect(ran.stdout).toMatch(/outcome +it failed/);
  });
});

describe('watch remove', () => {
  beforeEach(() => api.on(`DELETE ${path}`, { status: 204 }));

  it.each<[options: string[], answers: boolean[] | undefined, code: number, stderr: RegExp]>([
    [[], [true], 0, /^$/],
    [['--yes'], undefined, 0, /^$/],
    [[], [false], 1, /^nothing was done\n$/],
    [[], undefined, 2, /--yes/],
  ])('removes the watch only if a person or --yes agrees: %j, %j', async (options, answers, code, stderr) => {
    const ran = await watch(['remove', 'alice@example.com', ...options], answers && { answers });
    expect(ran.code).toBe(code);
    expect(ran.stderr).toMatch(stderr);
    expect(ran.questions).toEqual(answers ? ['Stop watching what is sent by alice@example.com?'] : []);
    expect(api.requests).toHaveLength(code === 0 ? 1 : 0);
  });
});

describe('watch verify', () => {
  const verification = { mailbox: alice.mailbox, method: 'email', validUntil: '2026-12-24T10:00:00.000Z' };

  it('verifies by the client id alone where the server offers that', async () => {
    unverified('client_id', 'email');
    api.on(`POST ${mailbox}/verification`, { body: { ...verification, method: 'client_id' } });
    const ran = await watch(['verify', 'alice@example.com']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('until 2026-12-24 10:00:00 UTC');
    expect(api.requests.map(({ body }) => body)).toEqual([undefined, {}]);
  });

  it('has a code mailed, and asks again after a wrong one', async () => {
    unverified('email');
    api.on(`POST ${mailbox}/code`, { status: 202, body: { mailbox: alice.mailbox } });
    api.on(`POST ${mailbox}/verification`, ({ body }) =>
      (body as { code: string }).code === 'rightright' ? { body: verification } : problem(422, 'wrong code'),
    );
    const ran = await watch(['verify', 'alice@example.com'], { answers: ['wrongwrong', ' rightright '] });
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('wrong code');
    expect(ran.stdout).toContain('alice@example.com is verified by the code; until 2026-12-24 10:00:00 UTC');
    expect(api.calls.filter((call) => call.endsWith('/code'))).toHaveLength(1);
  });

  it('mails nothing without a terminal, and says how a script does it', async () => {
    unverified('email');
    const ran = await watch(['verify', 'alice@example.com']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('--send-code');
    expect(api.calls).toEqual([`GET ${mailbox}/verification`]);
  });

  it('sends a code, and takes it later, for a script', async () => {
    api.on(`POST ${mailbox}/code`, { status: 202, body: { mailbox: alice.mailbox } });
    api.on(`POST ${mailbox}/verification`, { body: verification });
    expect(await watch(['verify', 'alice@example.com', '--send-code'])).toMatchObject({ code: 0 });
    expect(await watch(['verify', 'alice@example.com', '--code', 'rightright'])).toMatchObject({ code: 0 });
    expect(api.requests.at(-1)!.body).toEqual({ code: 'rightright' });
  });

  it('prints a refusal of the server', async () => {
    const refusal = 'the server has no licence for the REST API (HTTP 403, code 3001); ask the administrator';
    api.on(`GET ${mailbox}/verification`, problem(502, refusal, { cause: 'not_licensed' }));
    expect(await watch(['verify', 'alice@example.com'])).toMatchObject({ code: 1, stderr: `${refusal}\n` });
  });
});

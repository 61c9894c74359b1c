import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { problem, ScriptedApi } from '#test/infra/cli/scripted-api.ts';

const alice = { mailbox: 'alice@example.com', direction: 'sent', isDeclared: false, isDisabled: false } as const;
const path = '/watches/sent/alice%40example.com';

let api: ScriptedApi;
let folder: string;

beforeAll(async () => {
  api = await ScriptedApi.start();
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});
beforeEach(() => api.reset());
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

const watch = (args: readonly string[], options?: RunOptions) => run(['watch', ...args, '--url', api.url], options);

const verification = '/mailboxes/alice%40example.com/verification';

describe('the verbs of a watch', () => {
  beforeEach(() => api.on(`GET ${verification}`, { body: { isVerified: true, methods: ['email'] } }));

  test('add asks for the mailbox in the direction that is named', async () => {
    api.on('POST /watches', { status: 201, body: { ...alice, direction: 'received' } });
    const ran = await watch(['add', 'alice@example.com', '--direction', 'received', '--notify-existing']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('what is received by alice@example.com is watched');
    expect(api.requests[0]!.body).toEqual({ mailbox: alice.mailbox, direction: 'received', notifyExisting: true });
  });

  test('add says of a mailbox that is not verified yet what to do', async () => {
    api.on('POST /watches', { status: 201, body: alice });
    const said = async (body: object) => {
      api.on(`GET ${verification}`, { body });
      return (await watch(['add', 'alice@example.com'])).stderr;
    };
    const command = `npm run notifier -- watch verify alice@example.com --url ${api.url}\n`;
    expect(await said({ isVerified: false, methods: ['email'] })).toBe(
      `alice@example.com is not verified yet, and polls fail until it is: ${command}`,
    );
    expect(await said({ isVerified: false, methods: ['client_id', 'email'] })).toBe('');
    expect(await said({ isVerified: true, methods: [] })).toBe('');
    api.on(`GET ${verification}`, problem(502, 'the server cannot be reached', { cause: 'unreachable' }));
    const unknown = await watch(['add', 'alice@example.com']);
    expect(unknown).toMatchObject({ code: 0 });
    expect(unknown.stderr).toContain(`is verified (the server cannot be reached); if its polls fail: ${command}`);
  });

  test('list and show say of a quiet watch how late its next change is told', async () => {
    const quiet = { ...alice, quietIntervalMs: 300_000 };
    api.on('GET /watches', { body: { items: [quiet] } });
    expect((await watch(['list'])).stdout).toContain('5m, quiet');
    api.on('GET /watches/sent/alice%40example.com', { body: quiet });
    expect((await watch(['show', 'alice@example.com'])).stdout).toContain(
      'every 5m, since nothing has changed for an hour: the next change is told up to 5m later, then it is polled at the general interval',
    );
  });

  test('list shows beside failing why', async () => {
    const health = { failingSince: '2026-11-24T10:00:00.000Z', failures: 3, isAnnounced: true };
    const failing = { ...alice, health: { ...health, problem: { cause: 'not_verified', message: 'x' } } };
    api.on('GET /watches', { body: { items: [failing, { ...failing, isDisabled: true }] } });
    const [head, first, second] = (await watch(['list'])).stdout.split('\n');
    expect(head).toMatch(/STATE +REASON/);
    expect(first).toMatch(/failing +not_verified/);
    expect(second).toMatch(/paused$/);
  });

  test('add and update name the interval in milliseconds, and null for that of all', async () => {
    api.on('POST /watches', { status: 201, body: alice });
    api.on(`PATCH ${path}`, ({ body }) => ({
      body: { ...alice, ...((body as { pollIntervalMs: number }).pollIntervalMs && (body as object)) },
    }));
    await watch(['add', 'alice@example.com', '--every', '15m']);
    const changed = await watch(['update', 'alice@example.com', '--every', '1h']);
    const reset = await watch(['update', 'alice@example.com', '--every', 'default']);
    const asked = api.requests.flatMap(({ method, body }) =>
      method === 'GET' ? [] : (body as { pollIntervalMs: unknown }),
    );
    expect(asked.map(({ pollIntervalMs }) => pollIntervalMs)).toEqual([900_000, 3_600_000, null]);
    expect(changed.stdout).toBe('what is sent by alice@example.com is polled every 1h\n');
    expect(reset.stdout).toBe('what is sent by alice@example.com is polled at the general interval\n');
  });

  test.each(['0', '2d', '500', 'often'])('an interval of %s is refused before anything is asked', async (every) => {
    const ran = await watch(['update', 'alice@example.com', '--every', every]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('Expected a duration');
    expect(api.requests).toEqual([]);
  });

  test.each(['pause', 'resume'])('%s addresses the watch by direction and percent-encoded mailbox', async (verb) => {
    api.on(`POST ${path}/${verb}`, { body: alice });
    expect(await watch([verb, 'alice@example.com'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('poll tells what the poll did, and has exit code 1 when it was failing', async () => {
    const facts = { outcome: 'failed', transfers: 0, changed: 0, published: 0 };
    api.on(`POST ${path}/poll`, { body: { ...facts, problem: { cause: 'timeout', message: 'the server is slow' } } });
    const ran = await watch(['poll', 'alice@example.com']);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/outcome +it failed/);
    expect(ran.stderr).toBe('the server is slow\n');
  });

  test('show tells the problem of a watch and until when its mailbox is verified', async () => {
    const health = { failingSince: '2026-11-24T10:00:00.000Z', failures: 3, isAnnounced: true };
    const problem = { cause: 'timeout', message: 'the server did not answer in time' };
    const verification = { method: 'email', validUntil: '2026-12-24T10:00:00.000Z' };
    api.on(`GET ${path}`, { body: { ...alice, health: { ...health, problem }, verification, count: 7 } });
    const { stdout } = await watch(['show', 'alice@example.com']);
    expect(stdout).toMatch(/state +failing/);
    expect(stdout).toMatch(/problem +the server did not answer in time/);
    expect(stdout).toMatch(/verified until \(UTC\) +2026-12-24 10:00:00/);
  });

  test('list and show tell how far a baseline is', async () => {
    const fresh = { ...alice, baselineProgress: { stored: 712, transfers: 10_000 } };
    api.on('GET /watches', { body: { items: [fresh] } });
    api.on(`GET ${path}`, { body: fresh });
    expect((await watch(['list'])).stdout).toContain('712 of 10,000');
    expect((await watch(['show', 'alice@example.com'])).stdout).toMatch(/transfers +712 of 10,000/);
  });

  test('list tells the cause of a problem in a word', async () => {
    const problem = { cause: 'not_verified', message: 'this mailbox is not verified' };
    const health = { failingSince: '2026-11-24T10:00:00.000Z', failures: 3, isAnnounced: true, problem };
    api.on('GET /watches', { body: { items: [alice, { ...alice, mailbox: 'bob@example.com', health }] } });
    const { stdout } = await watch(['list']);
    expect(stdout).toMatch(/STATE +REASON/);
    expect(stdout).toMatch(/bob@example\.com +sent +failing +not_verified/);
  });

  test('what is not there has exit code 3 and the words of the operator API', async () => {
    api.on(`GET ${path}`, problem(404, 'there is no watch of what alice@example.com has sent'));
    const ran = await watch(['show', 'alice@example.com']);
    expect(ran).toMatchObject({ code: 3, stderr: 'there is no watch of what alice@example.com has sent\n' });
  });
});

describe('what cannot be undone', () => {
  test('is done after a person has said yes', async () => {
    api.on(`DELETE ${path}`, { status: 204 });
    const ran = await watch(['remove', 'alice@example.com'], { answers: [true] });
    expect(ran.code).toBe(0);
    expect(ran.questions).toEqual(['Stop watching what is sent by alice@example.com?']);
  });

  test('is not done when a person says no', async () => {
    const ran = await watch(['remove', 'alice@example.com'], { answers: [false] });
    expect(ran).toMatchObject({ code: 1, stderr: 'nothing was done\n' });
    expect(api.requests).toEqual([]);
  });

  test('is refused with exit code 2 where nobody can be asked, unless --yes is given', async () => {
    const ran = await watch(['remove', 'alice@example.com']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('--yes');
    expect(api.requests).toEqual([]);
    api.on(`DELETE ${path}`, { status: 204 });
    expect(await watch(['remove', 'alice@example.com', '--yes'])).toMatchObject({ code: 0 });
  });
});

describe('verify', () => {
  const of = '/mailboxes/alice%40example.com';
  const verification = { mailbox: alice.mailbox, method: 'email', validUntil: '2026-12-24T10:00:00.000Z' };

  test('verifies by the client id alone where the server offers that, and asks nobody', async () => {
    api.on(`GET ${of}/verification`, { body: { isVerified: false, methods: ['client_id', 'email'] } });
    api.on(`POST ${of}/verification`, { body: { ...verification, method: 'client_id' } });
    const ran = await watch(['verify', 'alice@example.com']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('until 2026-12-24 10:00:00 UTC');
    expect(api.requests.map(({ body }) => body)).toEqual([undefined, {}]);
  });

  test('has a code mailed and asks for it again when it is wrong', async () => {
    api.on(`GET ${of}/verification`, { body: { isVerified: false, methods: ['email'] } });
    api.on(`POST ${of}/code`, { status: 202, body: { mailbox: alice.mailbox } });
    api.on(`POST ${of}/verification`, ({ body }) =>
      (body as { code: string }).code === 'rightright' ? { body: verification } : problem(422, 'wrong code'),
    );
    const ran = await watch(['verify', 'alice@example.com'], { answers: ['wrongwrong', ' rightright '] });
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('wrong code');
    expect(ran.stdout).toContain('alice@example.com is verified by the code; until 2026-12-24 10:00:00 UTC');
    expect(api.calls.filter((call) => call.endsWith('/code'))).toHaveLength(1);
  });

  test('mails nothing where nobody can be asked, and says how a script does it', async () => {
    api.on(`GET ${of}/verification`, { body: { isVerified: false, methods: ['email'] } });
    const ran = await watch(['verify', 'alice@example.com']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('--send-code');
    expect(api.calls).toEqual([`GET ${of}/verification`]);
  });

  test('a script has the code sent, and hands it over later', async () => {
    api.on(`POST ${of}/code`, { status: 202, body: { mailbox: alice.mailbox } });
    api.on(`POST ${of}/verification`, { body: verification });
    expect(await watch(['verify', 'alice@example.com', '--send-code'])).toMatchObject({ code: 0 });
    expect(await watch(['verify', 'alice@example.com', '--code', 'rightright'])).toMatchObject({ code: 0 });
    expect(api.requests.at(-1)!.body).toEqual({ code: 'rightright' });
  });

  test('passes on what the server refuses', async () => {
    const refusal = 'the server has no licence for the REST API (HTTP 403, code 3001); ask the administrator';
    api.on(`GET ${of}/verification`, problem(502, refusal, { cause: 'not_licensed' }));
    expect(await watch(['verify', 'alice@example.com'])).toMatchObject({ code: 1, stderr: `${refusal}\n` });
  });
});

describe('import', () => {
  function fileOf(text: string): string {
    const file = join(folder, 'watches.csv');
    writeFileSync(file, text);
    return file;
  }

  /** Has the operator API add what it does not know yet. */
  const adding = (known: Set<string> = new Set()) =>
    api.on('POST /watches/batch', ({ body }) => {
      const { watches } = body as { watches: { mailbox: string; direction: string }[] };
      const items = watches.map(({ mailbox, direction }) => {
        const isAdded = !known.has(mailbox);
        known.add(mailbox);
        return { mailbox, direction, isAdded };
      });
      return { body: { items } };
    });
  const sentRows = () => api.requests.flatMap(({ body }) => (body as { watches: object[] } | undefined)?.watches ?? []);

  test('reads a file of a spreadsheet that writes UTF-16', async () => {
    const file = fileOf('');
    writeFileSync(file, Buffer.from('\ufeffmailbox,direction\r\nalice@example.com,sent\r\n', 'utf16le'));
    adding();
    expect(await watch(['import', file])).toMatchObject({ code: 0, stderr: '' });
    expect(sentRows()).toEqual([{ mailbox: 'alice@example.com', direction: 'sent' }]);
  });

  test('adds each line, counts those that are there, and reads files with byte order mark and CRLF', async () => {
    adding(new Set(['bob@example.com']));
    const file = fileOf('\ufeffmailbox,direction\r\nalice@example.com,sent\r\n\r\n"bob@example.com", received\r\n');
    const ran = await watch(['import', file]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toBe(`1 added, 1 there already, of 2 in ${file}\n`);
    expect(sentRows()).toEqual([
      { mailbox: 'alice@example.com', direction: 'sent' },
      { mailbox: 'bob@example.com', direction: 'received' },
    ]);
  });

  test('adds many lines in few requests, and tells how far it is, with and without a terminal', async () => {
    const rows = Array.from({ length: 250 }, (_, index) => `person-${index}@example.com,sent`);
    const file = fileOf(`mailbox,direction\n${rows.join('\n')}\n`);
    adding();
    const ran = await watch(['import', file]);
    expect(ran).toMatchObject({ code: 0, stderr: '100 of 250\n200 of 250\n' });
    expect(ran.stdout).toBe(`250 added, 0 there already, of 250 in ${file}\n`);
    expect(api.calls.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'POST /watches/batch'));
    expect(sentRows().map((row) => `${(row as { mailbox: string }).mailbox},sent`)).toEqual(rows);
    expect((await watch(['import', file], { columns: 200 })).stderr).toMatch(/\r\S*100 of 250.*\r\S*200 of 250/);
    expect(await watch(['import', file, '--json'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('says once what to do about mailboxes that are not verified, where the client id may not verify them', async () => {
    const file = fileOf('mailbox,direction\nalice@example.com,sent\nbob@example.com,sent\n');
    const said = async (methods: string[]) => {
      adding();
      api.on('GET /mailboxes/alice%40example.com/verification', { body: { isVerified: false, methods } });
      return (await watch(['import', file])).stderr;
    };
    expect(await said(['email'])).toMatch(/^polls of mailboxes that are not verified yet fail .* doctor .*\n$/);
    expect(await said(['client_id'])).toBe('');
  });

  test('takes an interval where a line has one', async () => {
    adding();
    await watch(['import', fileOf('mailbox,direction,every\nalice@example.com,sent,15m\nbob@example.com,sent,\n')]);
    expect(sentRows()).toEqual([
      { mailbox: 'alice@example.com', direction: 'sent', pollIntervalMs: 900_000 },
      { mailbox: 'bob@example.com', direction: 'sent' },
    ]);
    const refused = await watch(['import', fileOf('mailbox,direction,every\nalice@example.com,sent,2d\n')]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('line 2: every: expected a duration from 1s to 24h, for example 5m, got "2d"');
  });

  test('names every line that cannot be used, and duplicates, before anything is added', async () => {
    const ran = await watch([
      'import',
      fileOf(
        'mailbox,direction\nalice@example.com,sent\nnobody,sent\nbob@example.com\nALICE@example.com,sent\nc@example.com,both\n',
      ),
    ]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('line 3: mailbox: expected an e-mail address, but it has no @, got "nobody"');
    expect(ran.stderr).toContain('line 4: direction: expected sent or received, got ""');
    expect(ran.stderr).toContain('line 5: ALICE@example.com, sent is already in line 2');
    expect(ran.stderr).toContain('line 6: direction: expected sent or received, got "both"');
    expect(api.requests).toEqual([]);
  });

  test.each([
    ['alice@example.com,sent\n', 'expected a first line mailbox,direction'],
    ['mailbox,direction\n', 'expected at least one line'],
    ['', 'expected'],
    ['mailbox,direction\n"alice@example.com,sent\n', 'cannot be imported'],
  ])('%j is refused', async (text, message) => {
    const ran = await watch(['import', fileOf(text)]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(message);
  });

  test('says what was added when a request fails in between, and goes on when it is run again', async () => {
    const rows = Array.from({ length: 130 }, (_, index) => `p${index}@example.com,sent`);
    const file = fileOf(`mailbox,direction\n${rows.join('\n')}\n`);
    let left = 1;
    const known = new Set<string>();
    api.on('POST /watches/batch', ({ body }) => {
      if (left === 0) return problem(500, 'the database does not answer');
      left -= 1;
      const items = (body as { watches: { mailbox: string; direction: string }[] }).watches.map((row) => {
        const isAdded = !known.has(row.mailbox);
        known.add(row.mailbox);
        return { ...row, isAdded };
      });
      return { body: { items } };
    });
    const first = await watch(['import', file]);
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('added p99@example.com, sent\n100 added, 0 there already, of 130');
    expect(first.stderr).toContain(
      'stopped at p100@example.com, sent: the database does not answer; of rows 101 to 130, some may be added',
    );
    left = 1;
    const told = JSON.parse((await watch(['import', file, '--json'])).stdout);
    expect(told).toEqual({ added: [], there: 100, failure: 'the database does not answer' });
    left = 2;
    expect((await watch(['import', file])).stdout).toContain('30 added, 100 there already, of 130');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';

interface Row {
  readonly mailbox: string;
  readonly direction: string;
}

const api = await startOperatorApi();
const folder = mkdtempSync(join(tmpdir(), 'cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'watches.csv');

/** Mailboxes that the operator API knows, and the number of requests that it still answers well. */
let known: Set<string>;
let left: number;
beforeEach(() => {
  known = new Set();
  left = Number.POSITIVE_INFINITY;
  api.on('POST /watches/batch', ({ body }) => {
    if (left === 0) return problem(500, 'the database does not answer');
    left -= 1;
    const items = (body as { watches: Row[] }).watches.map(({ mailbox, direction }) => {
      const isAdded = !known.has(mailbox);
      known.add(mailbox);
      return { mailbox, direction, isAdded };
    });
    return { body: { items } };
  });
});

/** Imports a file with this text. */
function importOf(text: string | Buffer, args: readonly string[] = [], options?: RunOptions) {
  writeFileSync(file, text);
  return run(['watch', 'import', file, '--url', api.url, ...args], options);
}

const csvOf = (count: number): string =>
  ['mailbox,direction', ...Array.from({ length: count }, (_, index) => `p${index}@example.com,sent`)].join('\n');

const sentRows = () => api.requests.flatMap(({ body }) => (body as { watches: Row[] } | undefined)?.watches ?? []);

describe('watch import', () => {
  it('adds each line, counts known ones, and reads files with byte order mark and CRLF', async () => {
    known.add('bob@example.com');
    const ran = await importOf(
      '\ufeffmailbox,direction\r\nalice@example.com,sent\r\n\r\n"bob@example.com", received\r\n',
    );
    expect(ran).toMatchObject({ code: 0, stderr: '', stdout: `1 added, 1 there already, of 2 in ${file}\n` });
    expect(sentRows()).toEqual([
      { mailbox: 'alice@example.com', direction: 'sent' },
      { mailbox: 'bob@example.com', direction: 'received' },
    ]);
  });

  it('reads a file of a spreadsheet that writes UTF-16', async () => {
    const text = Buffer.from('\ufeffmailbox,direction\r\nalice@example.com,sent\r\n', 'utf16le');
    expect(await importOf(text)).toMatchObject({ code: 0, stderr: '' });
    expect(sentRows()).toEqual([{ mailbox: 'alice@example.com', direction: 'sent' }]);
  });

  it('adds 250 lines in three requests, and shows its progress', async () => {
    const text = csvOf(250);
    const ran = await importOf(text);
    expect(ran).toMatchObject({ code: 0, stderr: '100 of 250\n200 of 250\n' });
    expect(ran.stdout).toBe(`250 added, 0 there already, of 250 in ${file}\n`);
    expect(api.calls.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'POST /watches/batch'));
    expect(sentRows().map(({ mailbox }) => `${mailbox},sent`)).toEqual(text.split('\n').slice(1));
    expect((await importOf(text, [], { columns: 200 })).stderr).toMatch(/\r\S*100 of 250.*\r\S*200 of 250/);
    known.clear();
    expect(await importOf(text, ['--json'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('says once how to verify the mailboxes, unless the client id does', async () => {
    const said = async (mailbox: string, methods: string[]) => {
      const route = `GET /mailboxes/${encodeURIComponent(mailbox)}/verification`;
      api.on(route, { body: { isVerified: false, methods } });
      return (await importOf(`mailbox,direction\n${mailbox},sent\nx${mailbox},sent\n`)).stderr;
    };
    const words = /^polls of mailboxes that are not verified yet fail .* doctor .*\n$/;
    expect(await said('alice@example.com', ['email'])).toMatch(words);
    expect(await said('bob@example.com', ['client_id'])).toBe('');
  });

  it('sends the interval of a line that has one', async () => {
    await importOf('mailbox,direction,every\nalice@example.com,sent,15m\nbob@example.com,sent,\n');
    expect(sentRows()).toEqual([
      { mailbox: 'alice@example.com', direction: 'sent', pollIntervalMs: 900_000 },
      { mailbox: 'bob@example.com', direction: 'sent' },
    ]);
  });

  it('sends what a line follows, in either spelling of a list, and when a transfer is overdue', async () => {
    const lines = [
      'Mailbox,Direction,Follow,OverdueBefore',
      'alice@example.com,sent,"downloads, overdue",12h',
      'bob@example.com,sent,problems downloads,',
      'carol@example.com,sent,,',
    ];
    expect(await importOf(lines.join('\n'))).toMatchObject({ code: 0, stderr: '' });
    expect(sentRows()).toEqual([
      {
        mailbox: 'alice@example.com',
        direction: 'sent',
        follow: ['downloads', 'overdue'],
        overdueBeforeMs: 43_200_000,
      },
      { mailbox: 'bob@example.com', direction: 'sent', follow: ['downloads', 'problems'] },
      { mailbox: 'carol@example.com', direction: 'sent' },
    ]);
  });

  it('names every line with a mistake in what it follows', async () => {
    const lines = [
      'mailbox,direction,follow,overdueBefore',
      'a@example.com,sent,downloads uploads,',
      'b@example.com,sent,downloads downloads,',
      'c@example.com,sent,downloads,2d',
      'd@example.com,sent,overdue,31d',
      'e@example.com,sent,,2d',
    ];
    const ran = await importOf(lines.join('\n'));
    expect(ran.code).toBe(1);
    expect(ran.stderr.split('\n').slice(1, -1)).toEqual([
      '  line 2: follow: expected one or more of downloads,overdue,problems, got "downloads uploads"',
      '  line 3: follow: expected one or more of downloads,overdue,problems, got "downloads downloads"',
      '  line 4: overdueBefore: expected only where follow has overdue, got "2d"',
      '  line 5: overdueBefore: expected a duration from 1h to 30d, for example 2d, got "31d"',
      '  line 6: overdueBefore: expected only where follow has overdue, got "2d"',
    ]);
    expect(api.requests).toEqual([]);
  });

  it('names every bad line and every duplicate before it adds anything', async () => {
    const lines = [
      'plain,sent,',
      'bob@example.com',
      'ALICE@example.com,sent,',
      'c@example.com,both,',
      'd@e.org,sent,2d',
    ];
    const ran = await importOf(['mailbox,direction,every', 'alice@example.com,sent,', ...lines].join('\n'));
    expect(ran.code).toBe(1);
    expect(ran.stderr.split('\n').slice(1, -1)).toEqual([
      '  line 3: mailbox: expected an e-mail address, but it has no @, got "plain"',
      '  line 4: direction: expected sent or received, got ""',
      '  line 5: ALICE@example.com, sent is already in line 2',
      '  line 6: direction: expected sent or received, got "both"',
      '  line 7: every: expected a duration from 1s to 24h, for example 5m, got "2d"',
    ]);
    expect(api.requests).toEqual([]);
  });

  it.each([
    ['alice@example.com,sent\n', 'expected a first line mailbox,direction'],
    ['mailbox,direction\n', 'expected at least one line'],
    ['', 'expected'],
    ['mailbox,direction\n"alice@example.com,sent\n', 'cannot be imported'],
  ])('refuses the file %j', async (text, message) => {
    const ran = await importOf(text);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(message);
  });

  it('reports what was added before a failed request, and continues there when run again', async () => {
    const text = csvOf(130);
    left = 1;
    const first = await importOf(text);
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('added p99@example.com, sent\n100 added, 0 there already, of 130');
    expect(first.stderr).toContain(
      'stopped at p100@example.com, sent: the database does not answer; of rows 101 to 130, some may be added',
    );
    left = 1;
    const told = JSON.parse((await importOf(text, ['--json'])).stdout);
    expect(told).toEqual({ added: [], there: 100, failure: 'the database does not answer' });
    left = 2;
    expect((await importOf(text)).stdout).toContain('30 added, 100 there already, of 130');
  });
});

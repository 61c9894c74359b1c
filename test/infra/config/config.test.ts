import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configJsonSchema, loadConfig } from '#infra/config/config.ts';
import { watchDeclarations } from '#infra/config/declarations.ts';
import { scheduleProblems } from '#infra/config/deployment-check-schedule.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import { configFolder, server, watches } from './config-files.ts';

const { folder, write, problemsWith } = configFolder();
const load = (content: object | string) => loadConfig(write(content));
const problemsOf = problemsWith(loadConfig);

describe('loadConfig', () => {
  it('adds the documented defaults to the least that is needed', () => {
    expect(load({})).toEqual({
      stack: 'TransferNotifier',
      server: { url: 'https://cryptshare.example.com' },
      schedule: { every: '1m', fullListingEvery: 1, shards: 1 },
      watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
      notify: { readers: [] },
      webhooks: [],
      retention: { events: 30, transfers: 30 },
    });
  });

  it.each([{ watches: [] }, { watches: undefined }])('accepts a file that watches nothing yet: %j', (none) => {
    const { every } = load(none).schedule;
    expect([load(none).watches, every]).toEqual([[], '1m']);
    expect(scheduleProblems(load(none))).toEqual([]);
  });

  it.each(['http://proxy.example.com:3128', 'https://proxy.example.com', 'http://10.0.0.1:8080'])(
    'accepts the proxy %s for webhooks',
    (proxy) => expect(load({ proxy }).proxy).toBe(proxy),
  );

  it.each([
    ['socks5://proxy.example.com', 'proxy: expected a proxy such as http://proxy.example.com:3128'],
    ['http://me:hidden@proxy.example.com', expect.stringMatching(/^proxy: expected neither .* variable WEBHOOK_PROXY/)],
  ])('refuses the proxy %s without repeating its password', (proxy, problem) => {
    const problems = problemsOf({ proxy });
    expect(problems).toEqual([problem]);
    expect(problems.join()).not.toContain('hidden');
  });

  it.each<[string, (text: string) => Buffer]>([
    ['UTF-8', (text) => Buffer.from(`\ufeff${text}`)],
    ['UTF-16, as Windows editors call Unicode', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16 of the other order', (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
  ])('reads a file with a byte order mark in %s', (_, bytes) => {
    expect(loadConfig(write(bytes(JSON.stringify({ server, watches }))))).toEqual(load({}));
  });

  it('resolves the CA file from the folder of the configuration', () => {
    const config = { server: { ...server, caFile: 'ca.pem' } };
    expect(problemsOf(config)).toEqual(['server.caFile: expected a readable file (ENOENT)']);
    writeFileSync(join(folder, 'ca.pem'), '');
    expect(load(config).server.caFile).toBe(join(folder, 'ca.pem'));
  });

  it('names every mistake at once, with its path and the expected value', () => {
    const problems = problemsOf({
      server: { url: 'http://cryptshare.example.com', maxConcurrentPages: 0 },
      schedule: { every: 'often' },
      watches: [
        { mailbox: 'alice' },
        { mailbox: 'bob@example.com' },
        { mailbox: 'Bob@example.com', direction: 'sent' },
        { mailbox: 'bob@example.com', direction: 'both' },
        null,
      ],
      notify: { email: [], readers: [{ name: 'ops', email: 'ops', types: ['transfer_failed'] }] },
      colour: 'blue',
    });
    expect(problems).toEqual([
      'server.url: expected https: (http: only for a server on this machine)',
      'server.maxConcurrentPages: Too small: expected number to be >=1',
      'schedule.every: expected a duration of at least one second, for example 30s, 1m or 2h',
      'watches[0].mailbox: expected an e-mail address, but it has no @',
      'watches[3].direction: Invalid option: expected one of "sent"|"received"',
      'watches[4]: expected object, received null',
      'notify.readers[0].email: expected an e-mail address, but it has no @',
      'notify.readers[0].types[0]: expected an event type such as transfer.failed, or transfer.*: docs/events.md lists them',
      'the file: Unrecognized key: "colour"',
      'notify.email: moved to notify.readers: { "name": "…", "email": "…" }',
      'watches[2]: expected each watch once, but watches[1] is the same',
    ]);
  });

  it.each([
    ['https://cryptshare.example.com/'],
    ['https://cryptshare.example.com:8443'],
    ['http://127.0.0.1:8080'],
    ['http://localhost:8080'],
    ['http://[::1]:8080'],
  ])('accepts the server address %s', (url) => {
    expect(problemsOf({ server: { url } })).toEqual([]);
  });

  it.each([
    ['http://10.0.0.1'],
    ['https://cryptshare.example.com/api'],
    ['https://user@cryptshare.example.com'],
    ['https://cryptshare.example.com?x=1'],
    ['https://:example-password@cryptshare.example.com'],
    ['https://cryptshare.example.com#x'],
    ['ftp://cryptshare.example.com'],
    ['cryptshare.example.com'],
  ])('refuses the server address %s', (url) => {
    expect(problemsOf({ server: { url } })).toHaveLength(1);
  });

  it.each(['Staging', 'notifier-eu-1', 'N', 'n'.repeat(64)])('accepts the stack name %s', (stack) => {
    expect(load({ stack })).toMatchObject({ stack });
  });

  it.each(['', '1st', '-notifier', 'transfer_notifier', 'Prod.EU', 'Übung', 'a b', 'n'.repeat(65)])(
    'refuses the stack name "%s", which CloudFormation refuses, and says what it accepts',
    (stack) => {
      expect(problemsOf({ stack })).toEqual([
        'stack: expected the name of a stack: 1 to 64 letters, digits and hyphens, the first of them a letter',
      ]);
    },
  );

  it.each([
    ['{"server":', /^expected JSON \(.*\)$/],
    ['[]', /^the file: expected object/],
    [{ webhooks: [{ name: 'crm', url: 'a', urlFrom: 'CRM' }] }, /^webhooks\[0\]: expected either url or urlFrom$/],
    [{ schedule: { every: '25h' } }, /^schedule\.every: expected at most 24h$/],
    [{ watches: [{ ...watches[0], direction: { toString: 1 } }] }, /^watches\[0\]\.direction: Invalid option/],
    [{ watches: [{ mailbox: `${'a'.repeat(250)}@example.com` }] }, /^watches\[0\]\.mailbox: expected/],
  ])('refuses %j', (content, problem) => {
    expect(problemsOf(content)[0]).toMatch(problem);
  });

  it('keeps what each watch follows', () => {
    const followed = { ...watches[0], follow: ['overdue', 'problems'], overdueBefore: '30d' };
    expect(watchDeclarations(load({ watches: [followed] }))).toEqual([
      {
        mailbox: 'alice@example.com',
        direction: 'sent',
        follow: ['overdue', 'problems'],
        overdueBeforeMs: 2_592_000_000,
      },
    ]);
  });

  it.each([
    [{ follow: [] }, ['.follow: expected at least one of downloads, overdue, problems']],
    [{ follow: 'overdue' }, ['.follow: expected array, received string']],
    [
      { follow: ['downloads', 'expiry', 'downloads'], overdueBefore: '2d' },
      [
        '.follow[1]: Invalid option: expected one of "downloads"|"overdue"|"problems"',
        '.follow[2]: expected each once, but watches[0].follow[0] is the same',
      ],
    ],
    [{ follow: ['downloads'], overdueBefore: '2d' }, ['.overdueBefore: expected only where follow has overdue']],
    [{ overdueBefore: '2d' }, ['.overdueBefore: expected only where follow has overdue']],
    [{ follow: ['overdue'], overdueBefore: '31d' }, ['.overdueBefore: expected from 1h to 30d']],
    [{ follow: ['overdue'], overdueBefore: '59m' }, ['.overdueBefore: expected from 1h to 30d']],
    [{ follow: ['overdue'], overdueBefore: 'P2D' }, ['.overdueBefore: expected a duration such as 12h or 2d']],
  ])('refuses a watch with %j', (following, expected) => {
    const problems = problemsOf({ watches: [{ ...watches[0], ...following }] });
    expect(problems).toEqual(expected.map((problem) => `watches[0]${problem}`));
  });

  it.each([
    { events: 1, transfers: 1 },
    { events: 365, transfers: 365 },
    { events: 7, transfers: 30 },
  ])('accepts the retention %j', (retention) => {
    expect(load({ retention }).retention).toEqual(retention);
  });

  const crm = { name: 'crm', url: 'https://hooks.example.com/crm' };
  const transfersAtLeast = (days: string, got: number) =>
    `retention.transfers: expected at least the ${days} of retention.events, got ${got}: a transfer that is forgotten and listed again begins with ids that its stored events have`;
  const delaysWithin = (days: string, took: string) =>
    `webhooks[0].retryDelays: expected delays that end within retention.events (${days}), since an event is then deleted, but ${took}: shorten them, or keep events longer`;

  it.each<[object, string[]]>([
    [{ retention: { events: 0 } }, ['retention.events: Too small: expected number to be >=1']],
    [{ retention: { transfers: 366 } }, ['retention.transfers: Too big: expected number to be <=365']],
    [{ retention: { events: 1.5 } }, ['retention.events: expected int, received number']],
    [{ retention: { events: 90 } }, [transfersAtLeast('90 days', 30)]],
    [{ retention: { transfers: 7 } }, [transfersAtLeast('30 days', 7)]],
    [{ retention: { events: 1 }, webhooks: [crm] }, [delaysWithin('1 day', 'the usual ones take up to 91 h')]],
    [
      { retention: { events: 1 }, webhooks: [{ ...crm, retryDelays: ['5m', '20h'] }] },
      [delaysWithin('1 day', 'they take up to 25 h')],
    ],
    [{ webhooks: [{ ...crm, retryDelays: Array(20).fill('24h') }] }, []],
    [{ retention: { events: 1 }, webhooks: [{ ...crm, retryDelays: ['5m', '19h'] }] }, []],
    [{ retention: { events: 4 }, webhooks: [crm] }, []],
  ])('tells of %j what does not fit together: %j', (content, expected) => {
    expect(problemsOf(content)).toEqual(expected);
  });

  it('names a missing file', () => {
    expect(() => loadConfig(join(folder, 'missing.json'))).toThrow(
      /missing\.json cannot be used:\n {2}expected a readable/,
    );
  });
});

describe('millisecondsOf', () => {
  it.each([
    ['1s', 1_000],
    ['30s', 30_000],
    ['2m', 120_000],
    ['3h', 10_800_000],
  ])('converts %s to %i ms', (duration, milliseconds) => {
    expect(millisecondsOf(duration)).toBe(milliseconds);
  });
});

describe('configJsonSchema', () => {
  it('equals notifier.config.schema.json (npx vitest run -u renews it)', async () => {
    await expect(`${JSON.stringify(configJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
      '../../../notifier.config.schema.json',
    );
  });

  it('holds settings of at most 40 names, each of one meaning, so that an operator can take them in', () => {
    const settings = ({ properties, items = {} }: Schema): string[] =>
      Object.entries(properties ?? items.properties ?? {}).flatMap(([name, one]) => {
        const within = settings(one);
        return within.length > 0 ? within : [name];
      });
    const names = new Set(settings(configJsonSchema()));
    names.delete('$schema');
    expect([...names].length, [...names].join(' ')).toBeLessThanOrEqual(40);
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

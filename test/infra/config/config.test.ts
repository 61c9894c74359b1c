import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, configJsonSchema, loadConfig } from '#infra/config/config.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const load = (content: unknown) => {
  const file = join(folder, 'notifier.config.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return loadConfig(file);
};

const slack = (change: object) => ({
  server,
  watches,
  notify: { slack: { workspaceId: 'T0123ABCD', channelId: 'C0123ABCD', ...change } },
});

const problemsOf = (content: unknown): readonly string[] => {
  try {
    load(content);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

const server = { url: 'https://cryptshare.example.com' };
const watches = [{ mailbox: 'alice@example.com' }];

test('the least that is needed gets the documented defaults', () => {
  expect(load({ server, watches })).toEqual({
    stack: 'TransferNotifier',
    server: { url: 'https://cryptshare.example.com' },
    schedule: { every: '1m', fullListingEvery: 1, shards: 1 },
    watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
    notify: { email: [] },
    webhooks: [],
  });
});

test.each(['http://proxy.example.com:3128', 'https://proxy.example.com', 'http://10.0.0.1:8080'])(
  'webhooks may be sent through the proxy %s',
  (proxy) => expect(load({ server, watches, proxy }).proxy).toBe(proxy),
);

test.each([
  ['socks5://proxy.example.com', 'proxy: expected a proxy such as http://proxy.example.com:3128'],
  ['http://me:hidden@proxy.example.com', expect.stringMatching(/^proxy: expected neither .* variable WEBHOOK_PROXY/)],
])('the proxy %s is refused, without repeating it', (proxy, problem) => {
  const problems = problemsOf({ server, watches, proxy });
  expect(problems).toEqual([problem]);
  expect(problems.join()).not.toContain('hidden');
});

test.each<[string, (text: string) => Buffer]>([
  ['UTF-8', (text) => Buffer.from(`\ufeff${text}`)],
  ['UTF-16, as Windows editors call Unicode', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
  ['UTF-16 of the other order', (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
])('a file is read with a byte order mark before it, in %s', (_, bytes) => {
  const file = join(folder, 'marked.json');
  writeFileSync(file, bytes(JSON.stringify({ server, watches })));
  expect(loadConfig(file)).toEqual(load({ server, watches }));
});

test('a CA file is looked for beside the configuration', () => {
  expect(problemsOf({ server: { ...server, caFile: 'ca.pem' }, watches })).toEqual([
    'server.caFile: expected a readable file (ENOENT)',
  ]);
  writeFileSync(join(folder, 'ca.pem'), '');
  expect(load({ server: { ...server, caFile: 'ca.pem' }, watches }).server.caFile).toBe(join(folder, 'ca.pem'));
});

test('every mistake is named at once, with its path and what was expected', () => {
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
    notify: { email: [{ address: 'ops', types: ['transfer_failed'] }] },
    colour: 'blue',
  });
  expect(problems).toEqual([
    'server.url: expected https: (http: only for a server on this machine)',
    'server.maxConcurrentPages: Too small: expected number to be >=1',
    'schedule.every: expected a duration of at least one second, for example 30s, 1m or 2h',
    'watches[0].mailbox: expected an e-mail address, but it has no @',
    'watches[3].direction: Invalid option: expected one of "sent"|"received"',
    'watches[4]: expected object, received null',
    'notify.email[0].address: expected an e-mail address, but it has no @',
    'notify.email[0].types[0]: expected an event type such as transfer.failed, or transfer.*: docs/events.md lists them',
    'the file: Unrecognized key: "colour"',
    'watches[2]: expected each watch once, but watches[1] is the same',
  ]);
});

describe('the server address', () => {
  test.each([
    ['https://cryptshare.example.com/'],
    ['https://cryptshare.example.com:8443'],
    ['http://127.0.0.1:8080'],
    ['http://localhost:8080'],
    ['http://[::1]:8080'],
  ])('%s is accepted', (url) => {
    expect(problemsOf({ server: { url }, watches })).toEqual([]);
  });

  test.each([
    ['http://10.0.0.1'],
    ['https://cryptshare.example.com/api'],
    ['https://user@cryptshare.example.com'],
    ['https://cryptshare.example.com?x=1'],
    ['https://:example-password@cryptshare.example.com'],
    ['https://cryptshare.example.com#x'],
    ['ftp://cryptshare.example.com'],
    ['cryptshare.example.com'],
  ])('%s is refused', (url) => {
    expect(problemsOf({ server: { url }, watches })).toHaveLength(1);
  });
});

test.each(['Staging', 'notifier-eu-1', 'N', 'n'.repeat(64)])('the stack may be called %s', (stack) => {
  expect(load({ stack, server, watches })).toMatchObject({ stack });
});

test.each(['', '1st', '-notifier', 'transfer_notifier', 'Prod.EU', 'Übung', 'a b', 'n'.repeat(65)])(
  'CloudFormation takes no stack called "%s", and the sentence says what it takes',
  (stack) => {
    expect(problemsOf({ stack, server, watches })).toEqual([
      'stack: expected the name of a stack: 1 to 64 letters, digits and hyphens, the first of them a letter',
    ]);
  },
);

test.each([
  ['{"server":', /^expected JSON \(.*\)$/],
  ['[]', /^the file: expected object/],
  [{ server, watches: [] }, /^watches: expected at least one watch$/],
  [{ server, watches, schedule: { every: '600h' } }, /^schedule\.every: expected at most 24h$/],
  [{ server, watches: [{ ...watches[0], direction: { toString: 1 } }] }, /^watches\[0\]\.direction: Invalid option/],
  [{ server, watches: [{ mailbox: `${'a'.repeat(250)}@example.com` }] }, /^watches\[0\]\.mailbox: expected/],
  [slack({ workspaceId: 'T1' }), /^notify\.slack\.workspaceId: expected a Slack workspace id .* copy the id/],
  [slack({ channelId: `C${'0'.repeat(300)}` }), /^notify\.slack\.channelId: expected a Slack channel id/],
  [slack({ channelId: 'general' }), /^notify\.slack\.channelId: expected a Slack channel id .* not the name/],
])('%s is refused', (content, problem) => {
  expect(problemsOf(content)[0]).toMatch(problem);
});

test('a file that is not there is named', () => {
  expect(() => loadConfig(join(folder, 'missing.json'))).toThrow(
    /missing\.json cannot be used:\n {2}expected a readable/,
  );
});

test.each([
  ['1s', 1_000],
  ['30s', 30_000],
  ['2m', 120_000],
  ['3h', 10_800_000],
])('%s are %i milliseconds', (duration, milliseconds) => {
  expect(millisecondsOf(duration)).toBe(milliseconds);
});

test('the JSON Schema for editors is the one that the code checks by (npx vitest run -u renews it)', async () => {
  await expect(`${JSON.stringify(configJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
    '../../../notifier.config.schema.json',
  );
});

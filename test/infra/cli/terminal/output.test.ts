import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { ScriptedApi } from '#test/infra/cli/scripted-api.ts';

const eventAt = '2026-11-24T10:00:00.000Z';
const deliveries = [
  { event: 'evt_56mnp55kjea3y2ryfrhmpzps3', endpoint: 'crm', status: 'DELIVERED', attempt: 1, eventAt },
  {
    event: 'evt_56mnp55kjea3y2ryfrhmpzps4',
    endpoint: 'crm',
    status: 'FAILED',
    attempt: 10,
    reason: 'rejected',
    eventAt,
  },
];
const watch = { mailbox: 'alice@example.com', direction: 'sent', isDeclared: true, isDisabled: false };
const event = {
  id: 'evt_1',
  type: 'transfer.failed',
  timestamp: eventAt,
  data: { trackingId: 't-1', mailbox: 'a@example.com' },
};
const endpoint = {
  ...{
    name: 'crm',
    status: 'active',
    isDeclared: false,
    createdAt: eventAt,
    format: 'event',
    url: 'https://crm.example.com',
  },
  ...{ types: ['transfer.*'], headerNames: [], retryDelaysMs: [5000], maxInFlight: 10 },
};
const status = {
  version: '0.1.0',
  server: 'https://cryptshare.example.com',
  watches: { all: 2, failing: 1, disabled: 0 },
  endpoints: { active: 1, paused: 0, disabled: 0, failing: 0 },
  deliveries: { waiting: { count: 1000, more: true }, held: { count: 0, more: false }, oldestOverdueMs: 61_500 },
};

let api: ScriptedApi;

beforeAll(async () => {
  api = await ScriptedApi.start();
});
beforeEach(() => {
  api.reset();
  api.on('GET /deliveries', { body: { items: deliveries } });
  api.on('GET /watches', { body: { items: [watch] } });
  api.on('GET /endpoints', { body: { items: [endpoint] } });
  api.on('GET /events', { body: { items: [event] } });
  api.on('GET /status', { body: status });
});
afterAll(() => api.close());

const cli = (args: readonly string[], columns?: number) =>
  run([...args, '--url', api.url], columns === undefined ? {} : { columns });

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const colour = /\u001b\[/;

describe('a list', () => {
  test('is a table of aligned columns on a wide terminal, with colour', async () => {
    const { stdout } = await cli(['delivery', 'list'], 200);
    expect(stdout).toMatch(colour);
    expect(stdout.split('\n')).toHaveLength(4);
  });

  test('is a block for each row on a narrow terminal, and shortens nothing', async () => {
    const { stdout } = await cli(['delivery', 'list'], 60);
    for (const { event: id } of deliveries) expect(stdout).toContain(id);
    expect(stdout.split('\n').length).toBeGreaterThan(10);
  });

  test('has neither colour nor blocks where it is piped', async () => {
    const { stdout } = await cli(['delivery', 'list']);
    expect(stdout).not.toMatch(colour);
    const [head, first] = stdout.split('\n');
    expect(head).toMatch(/^EVENT AT \(UTC\) +TYPE +EVENT +ENDPOINT +STATUS +ATTEMPTS +NEXT AT \(UTC\) +REASON$/);
    expect(first).toMatch(/^2026-11-24 10:00:00 +evt_56mnp55kjea3y2ryfrhmpzps3 +crm +DELIVERED +1$/);
  });

  test('without anything in it says so on the other stream', async () => {
    api.on('GET /deliveries', { body: { items: [] } });
    expect(await cli(['delivery', 'list'])).toMatchObject({ code: 0, stdout: '', stderr: 'no such deliveries\n' });
  });

  test.each([['watch', 'list'], ['endpoint', 'list'], ['delivery', 'list'], ['event', 'list'], ['status']])(
    '%s %s prints valid JSON with --json, and nothing else',
    async (...args) => {
      const ran = await cli([...args.filter(Boolean), '--json'], 80);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(ran.stdout)).toBeTypeOf('object');
      expect(ran.stdout).not.toMatch(colour);
    },
  );

  test('reads pages until there are as many as were asked for, and says how to go on', async () => {
    api.on('GET /deliveries', ({ url }) => {
      const { searchParams } = new URL(url, api.url);
      const size = Number(searchParams.get('limit'));
      const first = Number(searchParams.get('cursor') ?? 0);
      const items = Array.from({ length: size }, (_, index) => ({ ...deliveries[0], event: `evt_${first + index}` }));
      return { body: { items, ...(first + size < 300 && { next: String(first + size) }) } };
    });
    const some = await cli(['delivery', 'list', '--limit', '130']);
    expect(some.stdout.trim().split('\n')).toHaveLength(131);
    expect(some.stderr).toBe('there are more: add --all, or --cursor 130\n');
    const rest = await cli(['delivery', 'list', '--cursor', '130', '--all', '--json']);
    expect(JSON.parse(rest.stdout).items[0].event).toBe('evt_130');
    expect(JSON.parse(rest.stdout).next).toBeUndefined();
  });

  test('hands on what was asked for', async () => {
    await cli([
      'delivery',
      'list',
      '--endpoint',
      'crm',
      '--status',
      'failed',
      '--from',
      '2026-11-24T10:00+01:00',
      '--tracking-id',
      't&1',
    ]);
    expect(api.requests[0]!.url).toBe(
      '/deliveries?endpoint=crm&status=FAILED&from=2026-11-24T09%3A00%3A00.000Z&trackingId=t%261&limit=50',
    );
  });
});

test('what others have written cannot steer the terminal', async () => {
  const response = '\u001b]0;title\u0007\u001b[2J\u001b[31mred\r\nsecond line';
  const attempts = [{ attempt: 1, startedAt: eventAt, durationMs: 12, outcome: 'rejected', status: 400, response }];
  api.on('GET /deliveries/evt_1/crm', { body: { ...deliveries[1], event: 'evt_1', attempts } });
  const { stdout } = await cli(['delivery', 'show', 'evt_1', 'crm']);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(stdout).toContain('red second line');
});

test('an event is shown with what became of it', async () => {
  api.on('GET /events/evt_1', { body: { ...event, deliveries: [{ ...deliveries[0], attempts: [] }] } });
  const { stdout } = await cli(['event', 'show', 'evt_1']);
  expect(stdout).toMatch(/trackingId +t-1/);
  expect(stdout).toContain('DELIVERED');
});

test('status says where counting has ended, and for how long something is overdue', async () => {
  const { stdout } = await cli(['status']);
  expect(stdout).toMatch(/deliveries +1000 or more waiting, 0 held/);
  expect(stdout).toMatch(/overdue +the oldest for 62s/);
});

test('cancel asks, resend does not', async () => {
  api.on('POST /deliveries/evt_1/crm/cancel', { body: deliveries[1] });
  api.on('POST /deliveries/evt_1/crm/resend', { status: 202, body: deliveries[1] });
  expect(await cli(['delivery', 'cancel', 'evt_1', 'crm'])).toMatchObject({ code: 2 });
  expect(await cli(['delivery', 'cancel', 'evt_1', 'crm', '--yes'])).toMatchObject({ code: 0 });
  expect(await cli(['delivery', 'resend', 'evt_1', 'crm'])).toMatchObject({ code: 0 });
});

test.each(['watch', 'endpoint', 'delivery', 'event', 'status', 'doctor'])(
  '%s --help shows examples, with exit code 0',
  async (noun) => {
    const ran = await run([noun, '--help']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('Examples:\n  npm run ');
  },
);

test.each([
  [[]],
  [['watch']],
  [['nonsense']],
  [['watch', 'list', '--colour']],
  [['watch', 'show']],
  [['watch', 'list', '--limit', '0']],
])('%j is a wrong command line, with exit code 2', async (args) => {
  expect(await run(args)).toMatchObject({ code: 2, stdout: '' });
});

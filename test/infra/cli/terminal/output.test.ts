import { beforeEach, describe, expect, it } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const eventAt = '2026-11-24T10:00:00.000Z';
const deliveries = [
  { event: 'evt_56mnp55kjea3y2ryfrhmpzps3', endpoint: 'crm', status: 'DELIVERED', attempt: 1, eventAt },
  { event: 'evt_56mnp55kjea3y2ryfrhmpzps4', endpoint: 'crm', status: 'FAILED', attempt: 10, reason: 'gone', eventAt },
];
const data = { trackingId: 't-1', mailbox: 'a@example.com' };
const event = { id: 'evt_1', type: 'transfer.failed', timestamp: eventAt, data };
const endpoint = {
  ...{ name: 'crm', status: 'active', isDeclared: false, createdAt: eventAt, format: 'event' },
  ...{ url: 'https://crm.example.com', types: ['transfer.*'], headerNames: [], retryDelaysMs: [5000], maxInFlight: 10 },
};
const status = {
  ...{ version: '0.1.0', server: 'https://cryptshare.example.com', watches: { all: 2, failing: 1, disabled: 0 } },
  endpoints: { active: 1, paused: 0, disabled: 0, failing: 0 },
  deliveries: { waiting: { count: 1000, more: true }, held: { count: 0, more: false }, oldestOverdueMs: 61_500 },
};

const api = await startOperatorApi();
beforeEach(() => {
  api.on('GET /deliveries', { body: { items: deliveries } });
  api.on('GET /watches', { body: { items: [{ mailbox: 'alice@example.com', direction: 'sent' }] } });
  api.on('GET /endpoints', { body: { items: [endpoint] } });
  api.on('GET /events', { body: { items: [event] } });
  api.on('GET /status', { body: status });
});

const cli = (args: readonly string[], columns?: number) =>
  run([...args, '--url', api.url], columns === undefined ? {} : { columns });

// biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for them
const colour = /\u001b\[/;

describe('Output', () => {
  it('prints a table of aligned columns with colour on a wide terminal', async () => {
    const { stdout } = await cli(['delivery', 'list'], 200);
    expect(stdout).toMatch(colour);
    expect(stdout.split('\n')).toHaveLength(4);
  });

  it('prints a block for each row on a narrow terminal, and shortens nothing', async () => {
    const { stdout } = await cli(['delivery', 'list'], 60);
    for (const { event: id } of deliveries) expect(stdout).toContain(id);
    expect(stdout.split('\n').length).toBeGreaterThan(10);
  });

  it('prints neither colour nor blocks into a pipe', async () => {
    const { stdout } = await cli(['delivery', 'list']);
    expect(stdout).not.toMatch(colour);
    const [head, first] = stdout.split('\n');
    expect(head).toMatch(/^EVENT AT \(UTC\) +TYPE +EVENT +ENDPOINT +STATUS +ATTEMPTS +NEXT AT \(UTC\) +REASON$/);
    expect(first).toMatch(/^2026-11-24 10:00:00 +evt_56mnp55kjea3y2ryfrhmpzps3 +crm +DELIVERED +1$/);
  });

  it.each([['watch', 'list'], ['endpoint', 'list'], ['delivery', 'list'], ['event', 'list'], ['status']])(
    'prints JSON alone with --json: %s %s',
    async (...args) => {
      const ran = await cli([...args.filter(Boolean), '--json'], 80);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(ran.stdout)).toBeTypeOf('object');
      expect(ran.stdout).not.toMatch(colour);
    },
  );
});

describe('printList', () => {
  it('reports an empty list on the other stream', async () => {
    api.on('GET /deliveries', { body: { items: [] } });
    expect(await cli(['delivery', 'list'])).toMatchObject({ code: 0, stdout: '', stderr: 'no such deliveries\n' });
  });

  it('reads pages up to the limit, and says how to go on', async () => {
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
});

describe('event show', () => {
  it('shows the deliveries of the event', async () => {
    api.on('GET /events/evt_1', { body: { ...event, deliveries: [{ ...deliveries[0], attempts: [] }] } });
    const { stdout } = await cli(['event', 'show', 'evt_1']);
    expect(stdout).toMatch(/trackingId +t-1/);
    expect(stdout).toContain('DELIVERED');
  });

  it('sums up the lists of a digest', async () => {
    const counted = { type: 'transfer.failed', mailbox: 'alice@example.com', count: 3 };
    const data = { totals: [{ type: 'transfer.failed', count: 3 }], counts: [counted, counted], told: [event, event] };
    api.on('GET /events/dig_1', { body: { ...event, id: 'dig_1', type: 'digest', data, deliveries: [] } });
    const { stdout } = await cli(['event', 'show', 'dig_1']);
    expect(stdout).toMatch(/totals +transfer\.failed 3\n/);
    expect(stdout).toMatch(/counts +transfer\.failed alice@example\.com 3, transfer\.failed alice@example\.com 3\n/);
    expect(stdout).toMatch(/told +evt_1, evt_1\n/);
  });
});

describe('status', () => {
  it('says where counting ended, and how long the oldest delivery has been overdue', async () => {
    const { stdout } = await cli(['status']);
    expect(stdout).toMatch(/deliveries +1000 or more waiting, 0 held/);
    expect(stdout).toMatch(/overdue +the oldest for 62s/);
  });
});

describe('runCli', () => {
  it.each(['watch', 'endpoint', 'delivery', 'event', 'notice', 'status', 'doctor'])(
    'shows examples in the help of %s, with exit code 0',
    async (noun) => {
      const ran = await run([noun, '--help']);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(ran.stdout).toContain('Examples:\n  npm run ');
    },
  );

  it.each([
    [[]],
    [['watch']],
    [['nonsense']],
    [['watch', 'list', '--colour']],
    [['watch', 'show']],
    [['watch', 'list', '--limit', '0']],
  ])('refuses the wrong command line %j with exit code 2', async (args) => {
    expect(await run(args)).toMatchObject({ code: 2, stdout: '' });
  });
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { problem, ScriptedApi } from '#test/infra/cli/scripted-api.ts';

interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: object;
}

const start = Date.parse('2026-11-24T12:00:00.000Z');
const iso = (milliseconds: number) => new Date(milliseconds).toISOString();
const event = (id: string, milliseconds: number, type = 'transfer.active'): StoredEvent => ({
  ...{ id, type, timestamp: iso(start + milliseconds) },
  data: {
    trackingId: `of-${id}`,
    mailbox: 'alice@example.com',
    direction: 'sent',
    state: 'ACTIVE',
    previousState: null,
  },
});

let api: ScriptedApi;
let stored: StoredEvent[];
/** What was asked for. */
let asked: Record<string, string>[];
/** By the clock here. */
let time = start;

beforeAll(async () => {
  api = await ScriptedApi.start();
});
beforeEach(() => {
  api.reset();
  stored = [];
  asked = [];
  // Two on a page, the oldest first, as the operator API has them.
  api.on('GET /events', ({ url }) => {
    const { searchParams } = new URL(url, api.url);
    asked.push(Object.fromEntries(searchParams));
    const items = stored
      .filter(({ timestamp }) => timestamp > searchParams.get('after')!)
      .toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
    const first = Number(searchParams.get('cursor') ?? 0);
    return {
      body: { items: items.slice(first, first + 2), ...(items.length > first + 2 && { next: String(first + 2) }) },
    };
  });
});
afterAll(() => api.close());

/** Follows while, look by look, something happens; Ctrl-C comes after the last. */
async function follow(happenings: readonly (() => void)[], args: readonly string[] = []) {
  const interruption = new AbortController();
  const left = [...happenings];
  time = start;
  const sleep = async (milliseconds: number) => {
    time += milliseconds;
    const next = left.shift();
    if (next) next();
    else interruption.abort();
  };
  const now = () => new Date(time);
  return run(['event', 'follow', '--url', api.url, '--json', ...args], {
    now,
    sleep,
    interrupted: interruption.signal,
  });
}

const idsIn = (stdout: string) =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as StoredEvent).id);

test('prints each event once as it comes, one JSON object a line, and ends by Ctrl-C with exit code 0', async () => {
  stored.push(event('old', -1000));
  const ran = await follow([
    () => stored.push(event('a', 1)),
    () => stored.push(event('b', 2), event('c', 3), event('d', 4)),
    () => {},
  ]);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(idsIn(ran.stdout)).toEqual(['a', 'b', 'c', 'd']);
});

test('prints what is stored late, after events of a later time', async () => {
  const ran = await follow([
    () => stored.push(event('late', 40_000)),
    () => stored.push(event('early', 10_000)),
    () => {},
  ]);
  expect(idsIn(ran.stdout)).toEqual(['late', 'early']);
});

test('begins earlier when it is told so, and has the operator API look for what is wanted alone', async () => {
  stored.push(event('a', -60_000), event('b', -50_000));
  const filters = [
    ...['--type', 'transfer.failed,watch.*', '--type', 'endpoint.*', '--mailbox', 'alice@example.com'],
    ...['--direction', 'sent', '--tracking-id', 'one'],
  ];
  const ran = await follow([], ['--from', '55s', ...filters]);
  expect(idsIn(ran.stdout)).toEqual(['b']);
  expect(asked).toMatchObject([
    {
      type: 'transfer.failed,watch.*,endpoint.*',
      mailbox: 'alice@example.com',
      direction: 'sent',
      trackingId: 'one',
    },
  ]);
});

test('ends by itself once all is printed of the time up to which events are wanted', async () => {
  stored.push(event('a', 1000), event('b', 200_000));
  const ran = await follow(
    Array.from({ length: 200 }, () => () => {}),
    ['--from', '2026-11-24T12:00', '--until', '2026-11-24T12:02'],
  );
  expect(ran.code).toBe(0);
  expect(idsIn(ran.stdout)).toEqual(['a']);
  expect(asked.length).toBeLessThan(130);
});

test.each([60_000, 3_600_000, 365 * 86_400_000])(
  'prints what comes after an event that is dated %i ms ahead, each once',
  async (ahead) => {
    const ran = await follow([
      () => stored.push(event('ahead', ahead)),
      () => stored.push(event('a', 5_000)),
      () => {},
      () => stored.push(event('b', 9_000)),
      () => {},
    ]);
    expect(idsIn(ran.stdout)).toEqual(['ahead', 'a', 'b']);
  },
);

test.each([60_000, 3_600_000, 365 * 86_400_000])('goes on when the clock here is set back by %i ms', async (back) => {
  const ran = await follow([
    () => {
      time -= back;
      stored.push(event('a', time - start));
    },
    () => stored.push(event('b', time - start)),
    () => {},
  ]);
  expect(idsIn(ran.stdout)).toEqual(['a', 'b']);
});

test('is lines for a person without --json', async () => {
  stored.push(event('a', 1));
  const interruption = new AbortController();
  const sleep = async () => interruption.abort();
  const ran = await run(['event', 'follow', '--url', api.url], {
    now: () => new Date(start),
    sleep,
    interrupted: interruption.signal,
  });
  expect(ran.stdout).toBe('2026-11-24 12:00:00  transfer.active  of-a  new → ACTIVE  sent by alice@example.com  a\n');
  expect(ran.stderr).toBe('waiting for events; Ctrl-C ends it\n');
});

test('ends with the problem when the operator API refuses', async () => {
  api.on('GET /events', problem(400, 'after: expected a time'));
  expect(await follow([])).toMatchObject({ code: 1, stderr: 'after: expected a time\n' });
});

test('bears that the operator API is away for a while, but not for ever', async () => {
  api.on('GET /events', { status: 403, body: { Message: 'Forbidden' } });
  expect(await follow(Array.from({ length: 20 }, () => () => {}))).toMatchObject({ code: 4 });
  expect(api.requests).toHaveLength(6);
});

test('ends at once by Ctrl-C while the operator API keeps it waiting', async () => {
  const interruption = new AbortController();
  const silent = createServer(() => interruption.abort());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const ran = await run(['event', 'follow', '--url', url], { interrupted: interruption.signal });
  silent.closeAllConnections();
  silent.close();
  expect(ran.code).toBe(0);
});

test('event list takes the same options', async () => {
  api.on('GET /events', ({ url }) => {
    asked.push(Object.fromEntries(new URL(url, api.url).searchParams));
    return { body: { items: [] } };
  });
  const options = [
    ...['--from', '2h', '--until', '1h', '--type', 'watch.*,transfer.failed', '--mailbox', 'alice@example.com'],
    ...['--direction', 'received', '--tracking-id', 'one'],
  ];
  await run(['event', 'list', '--url', api.url, ...options], { now: () => new Date(start) });
  expect(asked).toEqual([
    {
      from: '2026-11-24T10:00:00.000Z',
      until: '2026-11-24T11:00:00.000Z',
      type: 'watch.*,transfer.failed',
      mailbox: 'alice@example.com',
      direction: 'received',
      trackingId: 'one',
      limit: '50',
    },
  ]);
});

import { createServer } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const start = Date.parse('2026-11-24T12:00:00.000Z');
const about = { mailbox: 'alice@example.com', direction: 'sent', state: 'ACTIVE', previousState: null };
const event = (id: string, milliseconds: number) => ({
  ...{ id, type: 'transfer.active', timestamp: new Date(start + milliseconds).toISOString() },
  data: { trackingId: `of-${id}`, ...about },
});

const api = await startOperatorApi();
let stored: ReturnType<typeof event>[];
/** Queries of the requests. */
let asked: Record<string, string>[];
/** Time of the clock here. */
let time: number;

beforeEach(() => {
  stored = [];
  asked = [];
  time = start;
  // Two on a page, in the order of storing, as pulls have them; lists are empty.
  let before = new Set<string>();
  api.on('GET /events', ({ url }) => {
    const { searchParams } = new URL(url, api.url);
    asked.push(Object.fromEntries(searchParams));
    const after = searchParams.get('after');
    if (after === null && !searchParams.has('cursor')) return { body: { items: [] } };
    if (after !== null) before = new Set(stored.filter(({ timestamp }) => timestamp < after).map(({ id }) => id));
    const begin = Number(searchParams.get('cursor') ?? 0);
    const items = stored.filter(({ id }) => !before.has(id)).slice(begin, begin + 2);
    return { body: { items, next: String(begin + items.length) } };
  });
});

const cli = (args: readonly string[], options: RunOptions = {}) =>
  run(['event', ...args, '--url', api.url], { now: () => new Date(time), ...options });

/** Follows while one of these happens after each query; Ctrl-C comes after the last. */
async function follow(happenings: readonly (() => void)[], args: readonly string[] = ['--json']) {
  const interruption = new AbortController();
  const left = [...happenings];
  const sleep = async (milliseconds: number) => {
    time += milliseconds;
    const next = left.shift();
    if (next) next();
    else interruption.abort();
  };
  return cli(['follow', ...args], { sleep, interrupted: interruption.signal });
}

const store =
  (...events: typeof stored) =>
  () =>
    void stored.push(...events);
const nothing = () => {};

const idsIn = (stdout: string): string[] => [...stdout.matchAll(/^\{"id":"(\w+)"/gm)].map(([, id]) => id!);

const day = 86_400_000;

describe('event follow', () => {
  it('prints each event once as it comes, one JSON object a line, and ends by Ctrl-C with exit code 0', async () => {
    stored.push(event('old', -1000));
    const ran = await follow([store(event('a', 1)), store(event('b', 2), event('c', 3), event('d', 4)), nothing]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(idsIn(ran.stdout)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('prints an event that is stored days after its time', async () => {
    const ran = await follow([store(event('early', 10_000)), store(event('late', -3 * day)), nothing]);
    expect(idsIn(ran.stdout)).toEqual(['early', 'late']);
  });

  it('asks for the place at which it is, and repeats it after an answer that did not come', async () => {
    let isLost = false;
    const pulls: string[] = [];
    api.on('GET /events', ({ url }) => {
      const { searchParams } = new URL(url, api.url);
      pulls.push(searchParams.get('cursor') ?? searchParams.get('after') ?? '');
      isLost = pulls.length === 2;
      return isLost
        ? { status: 403, body: { Message: 'Forbidden' } }
        : { body: { items: [], next: `c${pulls.length}` } };
    });
    await follow([nothing, nothing]);
    expect(pulls).toEqual(['2026-11-24T12:00:00.000Z', 'c1', 'c1']);
  });

  it('begins at an earlier time with --from', async () => {
    stored.push(event('a', -60_000), event('b', -50_000));
    expect(idsIn((await follow([], ['--json', '--from', '55s'])).stdout)).toEqual(['b']);
  });

  it('ends by itself once all events before --until are printed', async () => {
    stored.push(event('a', 1000), event('b', 200_000));
    const args = ['--json', '--from', '2026-11-24T12:00', '--until', '2026-11-24T12:02'];
    const ran = await follow(
      Array.from({ length: 200 }, () => nothing),
      args,
    );
    expect(ran.code).toBe(0);
    expect(idsIn(ran.stdout)).toEqual(['a']);
    expect(asked.length).toBeLessThan(130);
  });

  it.each([60_000, 365 * day])('prints later events once after one that is dated %i ms ahead', async (ahead) => {
    const before = [store(event('ahead', ahead)), store(event('a', 5_000)), nothing];
    const ran = await follow([...before, store(event('b', 9_000)), nothing]);
    expect(idsIn(ran.stdout)).toEqual(['ahead', 'a', 'b']);
  });

  it.each([60_000, 365 * day])('goes on when its clock is set back by %i ms', async (back) => {
    const setBack = () => {
      time -= back;
      stored.push(event('a', time - start));
    };
    const ran = await follow([setBack, () => stored.push(event('b', time - start)), nothing]);
    expect(idsIn(ran.stdout)).toEqual(['a', 'b']);
  });

  it('prints lines for a person without --json', async () => {
    stored.push(event('a', 1));
    const ran = await follow([], []);
    expect(ran.stdout).toBe('2026-11-24 12:00:00  transfer.active  of-a  new → ACTIVE  sent by alice@example.com  a\n');
    expect(ran.stderr).toBe('waiting for events; Ctrl-C ends it\n');
  });

  it('prints a fact that a watch follows in words', async () => {
    const { data, ...rest } = event('a', 1);
    const problems = ['files_removed', 'of_a_later_version'];
    stored.push({ ...rest, type: 'transfer.problem', data: { ...data, ...{ problems } } });
    expect((await follow([], [])).stdout).toBe(
      '2026-11-24 12:00:00  transfer.problem  of-a  files were removed (virus check or file filter) and a problem unknown to the notifier  sent by alice@example.com  a\n',
    );
  });

  it('ends with the problem when the operator API refuses', async () => {
    api.on('GET /events', problem(400, 'after: expected a time'));
    expect(await follow([])).toMatchObject({ code: 1, stderr: 'after: expected a time\n' });
  });

  it('gives up after six queries that do not reach the operator API', async () => {
    api.on('GET /events', { status: 403, body: { Message: 'Forbidden' } });
    expect(await follow(Array.from({ length: 20 }, () => nothing))).toMatchObject({ code: 4 });
    expect(api.requests).toHaveLength(6);
  });

  it('ends at once by Ctrl-C while the operator API does not answer', async () => {
    const interruption = new AbortController();
    const silent = createServer(() => interruption.abort());
    const url = await listenOnLoopback(silent);
    const began = performance.now();
    const ran = await run(['event', 'follow', '--url', url], { interrupted: interruption.signal });
    // Without Ctrl-C, the request would end after 60 s.
    expect(performance.now() - began).toBeLessThan(50_000);
    silent.closeAllConnections();
    silent.close();
    expect(ran.code).toBe(0);
  });
});

describe('filterOf', () => {
  const filter = { type: 'transfer.failed,watch.*,endpoint.*', direction: 'received', trackingId: 'one' };
  const options = [
    ...['--type', 'transfer.failed,watch.*', '--type', 'endpoint.*', '--mailbox', 'alice@example.com'],
    ...['--direction', 'received', '--tracking-id', 'one', '--from', '2h', '--until', '1h', '--json'],
  ];

  it.each([
    ['list', { from: '2026-11-24T10:00:00.000Z', until: '2026-11-24T11:00:00.000Z', limit: '50' }],
    ['follow', { after: '2026-11-24T10:00:00.000Z', limit: '100' }],
  ])('passes the options of event %s to the operator API', async (verb, range) => {
    await cli([verb, ...options]);
    expect(asked).toEqual([{ ...filter, mailbox: 'alice@example.com', ...range }]);
  });

  it.each(['list', 'follow'])(
    'refuses a type that no event has at event %s, and names the types that there are',
    async (verb) => {
      for (const types of ['transfer.foo', 'transfer.failed,transfer.foo', 'foo.*']) {
        const { code, stderr } = await cli([verb, '--type', types]);
        expect(code).toBe(2);
        expect(stderr).toMatch(
          /Unknown: (transfer\.foo|foo\.\*)\. Expected some of transfer\.failed, .*transfer\.\*, watch\.\*/,
        );
      }
      expect(asked).toEqual([]);
    },
  );
});

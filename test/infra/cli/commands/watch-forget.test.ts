import { describe, expect, it } from 'vitest';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const api = await startOperatorApi();
const route = 'POST /mailboxes/alice%40example.com/forget';

/** Runs the command with the API's answers in order, and those for the queues. */
async function forget(args: string[], options: RunOptions, steps: readonly object[], waiting = 0) {
  const left = [...steps];
  api.on(route, () => ({ body: { found: {}, unremovable: [], scanned: 10, isWaiting: false, ...left.shift() } }));
  const queues = [{ name: 'Announcements', waiting, inProgress: 0 }];
  api.on('GET /services', { body: { tables: [], topics: [], queues } });
  const slept: number[] = [];
  const sleep = async (milliseconds: number) => void slept.push(milliseconds);
  const ran = await run(['watch', 'forget', 'alice@example.com', '--url', api.url, ...args], { sleep, ...options });
  return { ...ran, slept, sent: api.requests.flatMap(({ method, body }) => (method === 'POST' ? [body] : [])) };
}

describe('watch forget', () => {
  it('counts, asks, removes step by step, and ends with a run that has found nothing', async () => {
    const steps = [
      { found: { watches: 2, transfers: 7 }, next: 'a' },
      { found: { transfers: 1, deliveries: 3 } },
      { isWaiting: true, scanned: 0, next: 'b' },
      { found: { deliveries: 3 } },
      {},
    ];
    const ran = await forget([], { answers: [true] }, steps);
    expect(ran).toMatchObject({ code: 0, stderr: '', slept: [2000, 25_000] });
    expect(ran.questions).toEqual(['Forget alice@example.com for good: 2 watches, 8 transfers, 3 deliveries?']);
    expect(ran.stdout).toBe(
      'removed: 3 deliveries\nalice@example.com is forgotten: none of all 10 rows names it, in any spelling\n',
    );
    expect(ran.sent).toEqual([
      { dryRun: true },
      { dryRun: true, cursor: 'a' },
      { dryRun: false },
      { dryRun: false, cursor: 'b' },
      { dryRun: false },
    ]);
  });

  it.each<[string[], RunOptions, number, RegExp]>([
    [[], { answers: [false] }, 1, /^nothing was done\n$/],
    [[], {}, 2, /--yes/],
  ])('removes nothing unless a person or --yes agrees: %j, %j', async (args, options, code, stderr) => {
    const ran = await forget(args, options, []);
    expect(ran).toMatchObject({ code, stderr: expect.stringMatching(stderr), sent: [{ dryRun: true }] });
  });

  it('prints JSON for scripts, and warns of messages that may still name the mailbox', async () => {
    const ran = await forget(['--yes', '--json'], {}, [{ found: { events: 2 } }, {}], 4);
    expect(JSON.parse(ran.stdout)).toEqual({
      ...{ mailbox: 'alice@example.com', isForgotten: true, removed: { events: 2 } },
      ...{ unremovable: [], scanned: 10, messages: 4 },
    });
    expect(ran.stderr).toContain('4 messages in queues may still name it; once they are gone: npm run notifier -- ');
  });

  it('ends with 1 while something that only a person can change names the mailbox', async () => {
    const left = { unremovable: ['endpoint crm'] };
    const ran = await forget(['--yes'], {}, [left]);
    expect(ran).toMatchObject({ code: 1, stdout: 'removed: nothing\n' });
    expect(ran.stderr).toContain('endpoint crm still names it: change the filter, then run npm run notifier -- ');
  });

  it('ends with 1 and says why when the mailbox keeps coming back, or is declared', async () => {
    const found = { found: { watches: 1 } };
    const ran = await forget(
      ['--yes'],
      {},
      Array.from({ length: 20 }, () => found),
    );
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('keeps coming back') });
    api.on(route, problem(409, 'the configuration file declares this mailbox: take it out'));
    const declared = await run(['watch', 'forget', 'alice@example.com', '--url', api.url, '--yes']);
    expect(declared).toMatchObject({ code: 1, stderr: 'the configuration file declares this mailbox: take it out\n' });
  });
});

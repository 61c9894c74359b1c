import { describe, expect, it } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const api = await startOperatorApi();

const transfer = (trackingId: string, since: string, state = 'ACTIVE', isListed = true) => ({
  ...{ trackingId, state, since, isListed },
  firstSeenAt: '2026-11-20T08:00:00.000Z',
});
const list = (...args: string[]) => run(['transfer', 'list', '--url', api.url, ...args]);

describe('transfer list', () => {
  it('lists transfers with their states, the last change first', async () => {
    api.on('GET /watches/received/alice%40example.com/transfers', {
      body: {
        items: [
          transfer('one', '2026-11-24T10:00:00.000Z', 'DELETED_BY_EXPIRATION', false),
          transfer('two', '2026-11-24T11:00:00.000Z', '\u001b[2JODD'),
        ],
      },
    });
    const ran = await list('--mailbox', 'alice@example.com', '--direction', 'received', '--state', 'ACTIVE');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const [head, first, second] = ran.stdout.split('\n');
    expect(head).toMatch(/^TRACKING ID +STATE +SINCE \(UTC\) +FIRST SEEN \(UTC\) +LISTED$/);
    expect(first).toMatch(/^two +\S*ODD +2026-11-24 11:00:00 +2026-11-20 08:00:00 +yes$/);
    expect(second).toMatch(/^one +DELETED_BY_EXPIRATION +2026-11-24 10:00:00 +2026-11-20 08:00:00 +no more$/);
    expect(ran.stdout).not.toContain('\u001b');
    expect(api.calls).toEqual(['GET /watches/received/alice%40example.com/transfers?state=ACTIVE&limit=50']);
  });

  it('reads on after short and empty pages up to the limit', async () => {
    const pages = [[], [transfer('one', 'x')], [], [transfer('two', 'x'), transfer('three', 'x')]];
    api.on('GET /watches/sent/alice%40example.com/transfers', () => ({ body: { items: pages.shift(), next: 'more' } }));
    const ran = await list('--mailbox', 'alice@example.com', '--limit', '3', '--json');
    const { items } = JSON.parse(ran.stdout) as { items: { trackingId: string }[] };
    expect(items.map(({ trackingId }) => trackingId).toSorted()).toEqual(['one', 'three', 'two']);
  });

  it('requires a mailbox, and has exit code 3 for one that is not watched', async () => {
    expect(await list()).toMatchObject({ code: 2 });
    api.on('GET /watches/sent/a%40b.example/transfers', problem(404, 'there is no watch of what a@b.example has sent'));
    expect(await list('--mailbox', 'a@b.example')).toMatchObject({ code: 3 });
  });
});

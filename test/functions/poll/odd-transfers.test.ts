import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import {
  followedMailbox,
  pollLater,
  resetServer,
  startMailboxWorld,
  told,
  world,
} from '#test/support/mailbox-world.ts';

beforeAll(startMailboxWorld);
beforeEach(() => {
  resetServer();
  // No server that an earlier test has asked.
  world.clock.advance(7_200_000);
});

const bob = 'bob@example.com';
const store = () => world.cryptshare.transfers;

/** A row of a list, or the answer about a single transfer. */
interface Row {
  trackingId?: string;
  status: { state?: string; recipients?: Record<string, unknown>[] | null };
  transfer?: { sender?: unknown; expirationDate?: unknown };
}

/** Dependencies of a poll whose server's rows are changed on the way. */
function depsWith(edit: (row: Row) => unknown) {
  const server = world.client();
  const send = server.calls.send.bind(server.calls);
  server.calls.send = async (call, deadline) => {
    const answer = await send(call, deadline);
    if (answer.status !== 200 || !call.path.includes('transfers')) return answer;
    const body = JSON.parse(answer.body);
    const trackingId = decodeURIComponent(call.path.split('/').at(-1)!);
    for (const row of Array.isArray(body.data) ? body.data : [Object.assign(body.data, { trackingId })]) edit(row);
    return { ...answer, body: JSON.stringify(body) };
  };
  return { ...world.deps, server };
}

const editRecipient = (edit: (recipient: Record<string, unknown>) => unknown) => (row: Row) =>
  row.status.recipients?.[0] && edit(row.status.recipients[0]);

const lacksEnd = (row: Row) => delete row.transfer?.expirationDate;

describe('pollWatch of a watch that follows, where one transfer is odd', () => {
  it.each([
    ['has no end', 'sent', lacksEnd],
    ['has a recipient without id', 'sent', editRecipient((recipient) => delete recipient.id)],
    ['has no fetches', 'sent', editRecipient((recipient) => Object.assign(recipient, { fileDownloads: null }))],
    ['has no recipients', 'sent', (row: Row) => Object.assign(row.status, { recipients: null })],
    [
      'names the mailbox twice',
      'received',
      (row: Row) => row.status.recipients?.push({ ...row.status.recipients[0], id: 'another' }),
    ],
    [
      'names the mailbox by an alias',
      'received',
      editRecipient((recipient) => Object.assign(recipient, { mail: 'alias@example.com' })),
    ],
  ] as const)('tells the facts of others beside one that %s (%s)', async (_, direction, edit) => {
    const { watch, ids } = await followedMailbox(10, { direction });
    const deps = depsWith((row) => row.trackingId === ids[3] && edit(row));
    const poll = () => {
      world.clock.advance(60_000);
      return pollWatch(deps, watch, world.terms());
    };
    await poll();
    store().download(ids[0]!, direction === 'sent' ? bob : watch.mailbox);
    await poll();
    expect(await told()).toContain(`transfer.downloaded ${ids[0]}`);
    expect(await poll()).toMatchObject({ outcome: 'unchanged', units: { write: 0 }, lacksFacts: true });
    deps.server.calls.close();
  });

  it.each([
    ['has no state', (row: Row) => delete row.status.state],
    ['has no recipients', (row: Row) => delete row.status.recipients],
    ['has no end', lacksEnd],
  ] as const)('tells the facts of others beside one whose own answer %s', async (_, edit) => {
    Object.assign(world.cryptshare.switches, { detailsInLists: 'none' });
    const { watch, ids } = await followedMailbox(10);
    const deps = depsWith((row) => row.trackingId === ids[5] && row.transfer?.sender && edit(row));
    const poll = () => {
      world.clock.advance(20 * 60_000);
      return pollWatch(deps, watch, world.terms());
    };
    for (let n = 0; n < 4; n += 1) await poll();
    store().download(ids[0]!, bob);
    for (let n = 0; n < 4; n += 1) await poll();
    expect(await told()).toContain(`transfer.downloaded ${ids[0]}`);
    deps.server.calls.close();
  });

  it('tells the facts of others, and of other watches, beside one with 60,000 downloads', async () => {
    const other = await followedMailbox(2);
    const { watch, ids } = await followedMailbox(5);
    await pollLater(watch);
    store().download(ids[3]!, bob, { times: 60_000 });
    for (let n = 0; n < 2; n += 1) await pollLater(watch);
    store().download(ids[0]!, bob);
    store().download(other.ids[0]!, bob);
    store().setState(other.ids[0]!, 'DELETED_BY_EXPIRATION');
    for (const one of [watch, other.watch]) await pollLater(one);
    const events = await told();
    expect(events).toContain(`transfer.downloaded ${ids[0]}`);
    expect(events).toContain(`transfer.downloaded ${other.ids[0]}`);
  });

  it('tells what happened to it once the server gives its details again', async () => {
    const { watch, ids } = await followedMailbox(3);
    const deps = depsWith((row) => row.trackingId === ids[1] && lacksEnd(row));
    store().download(ids[1]!, bob);
    world.clock.advance(60_000);
    await pollWatch(deps, watch, world.terms());
    expect(await told()).toEqual([]);
    await pollLater(watch);
    expect(await told()).toEqual([`transfer.downloaded ${ids[1]}`, `transfer.downloaded_by_all ${ids[1]}`]);
    deps.server.calls.close();
  });
});

describe('pollWatch of a watch that follows, where all transfers are odd', () => {
  it.each(['2026-12-01', '2026-11-30T12:00:00', 1_796_000_000_000])(
    'says that ends are missing where they cannot be read: %s',
    async (expirationDate) => {
      const { watch } = await followedMailbox(5, { follow: ['overdue'] });
      const deps = depsWith((row) => row.transfer && Object.assign(row.transfer, { expirationDate }));
      world.clock.advance(60_000);
      expect(await pollWatch(deps, watch, world.terms())).toMatchObject({ lacksFacts: true });
      deps.server.calls.close();
    },
  );

  it('tells of an overdue transfer in rows without a level for its status', async () => {
    Object.assign(world.cryptshare.switches, { itemShape: 'flat' });
    const { watch, ids } = await followedMailbox(3, { direction: 'received' });
    store().moveExpiry(ids[0]!, new Date(world.clock.steady() + 3_600_000));
    await pollLater(watch);
    expect(await told()).toEqual([`transfer.overdue ${ids[0]}`]);
  });
});

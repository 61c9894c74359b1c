import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { followable } from '#functions/transfers/follow.ts';
import {
  followedMailbox,
  newMailbox,
  pollLater,
  resetServer,
  startMailboxWorld,
  takeTransferEvents,
  world,
} from '#test/support/mailbox-world.ts';

beforeAll(startMailboxWorld);
beforeEach(() => {
  resetServer();
  listInFullEvery(1);
});

const dayMs = 86_400_000;
const bob = 'bob@example.com';
const listInFullEvery = (fullListingEvery: number) =>
  Object.assign(world.deps, { schedule: { ...world.deps.schedule, fullListingEvery } });
const failing = {
  ...{ failingSince: '2026-11-24T00:00:00Z', failures: 3, isAnnounced: true },
  problem: { cause: 'timeout', message: 'the server did not answer in time' },
};
const quiet = { outcome: 'unchanged', units: { read: 1, write: 0 } } as const;
const active = { scope: 'active' } as const;

const store = () => world.cryptshare.transfers;
const endIn = (trackingId: string, milliseconds: number) =>
  store().moveExpiry(trackingId, new Date(world.clock.steady() + milliseconds));
const told = async () => (await takeTransferEvents()).map(({ type }) => type);

/** Paths of the requests for a mailbox since the last call. */
function takeQueries(): string[] {
  const { recent } = world.cryptshare.requests.report();
  return recent.map(({ url }) => decodeURIComponent(url));
}

describe('pollWatch of a watch that follows', () => {
  it('tells the first fetch of a recipient and that all have fetched, and stays quiet for one read unit', async () => {
    const { watch, ids } = await followedMailbox(2);
    expect(await pollLater(watch)).toMatchObject(quiet);
    store().download(ids[1]!, bob, { method: 'VIEWED' });
    await pollLater(watch);
    const [first, second, ...others] = await takeTransferEvents();
    expect(first).toMatchObject({
      type: 'transfer.downloaded',
      data: {
        ...{ trackingId: ids[1], state: 'ACTIVE', previousState: 'ACTIVE', sequence: 1 },
        ...{ recipient: 1, recipients: 1, downloadedBy: 1, method: 'viewed' },
      },
    });
    expect(first!.data.downloadedAt).toMatch(/:00\.000Z$/);
    expect(second).toMatchObject({ type: 'transfer.downloaded_by_all', data: { sequence: 2, downloadedBy: 1 } });
    expect(others).toEqual([]);
    expect(await pollLater(watch)).toMatchObject(quiet);
  });

  it('tells in full polls where each poll is one, and where the watch fails', async () => {
    const { watch, ids } = await followedMailbox(130, {}, 400);
    await pollLater(watch);
    await takeTransferEvents();
    store().download(ids[7]!, bob);
    expect(await pollLater(watch)).toMatchObject({ scope: 'all', requests: 6 + 2 });
    expect(await told()).toEqual(['transfer.downloaded', 'transfer.downloaded_by_all']);
    listInFullEvery(10);
    store().download(ids[8]!, bob);
    await pollLater({ ...watch, health: failing });
    expect(await told()).toEqual(['transfer.downloaded', 'transfer.downloaded_by_all']);
  });

  it('tells in active polls, which alternate with full ones', async () => {
    listInFullEvery(10);
    const { watch, ids } = await followedMailbox(230, {}, 800);
    await pollLater(watch);
    await takeTransferEvents();
    store().download(ids[7]!, bob);
    expect(await pollLater(watch, active)).toMatchObject({ scope: 'active', requests: 3 });
    expect(await told()).toEqual(['transfer.downloaded', 'transfer.downloaded_by_all']);
    // The next poll lists the active transfers anyway, so a full one does without their facts.
    store().download(ids[8]!, bob);
    expect(await pollLater(watch)).toMatchObject({ ...quiet, scope: 'all', requests: 11 });
    await pollLater(watch, active);
    expect(await told()).toEqual(['transfer.downloaded', 'transfer.downloaded_by_all']);
  });

  it('asks for nothing new when the watch follows nothing, and for facts of active transfers alone', async () => {
    const { watch } = await followedMailbox(3);
    const plain = newMailbox(3);
    await world.poll(plain.watch);
    const of = (mailbox: string) => takeQueries().filter((url) => url.includes(mailbox) && url.includes('page='));
    expect(of(plain.watch.mailbox).map((url) => url.split('?')[1])).toEqual([
      'fields=trackingId,status(state)&page=1&page-size=100',
    ]);
    const queries = of(watch.mailbox);
    expect(queries.filter((url) => url.includes('recipients(') && !url.includes('active=true'))).toEqual([]);
    expect(queries.filter((url) => url.includes('recipients('))).toHaveLength(1);
  });

  it('tells of the fetches of a transfer that is new since the last poll', async () => {
    const { watch, people } = await followedMailbox(1);
    const { trackingId } = store().create(people);
    await pollLater(watch);
    store().setState(trackingId, 'ACTIVE');
    store().download(trackingId, bob);
    await pollLater(watch);
    const events = await takeTransferEvents();
    expect(events.map(({ type, data }) => `${data.sequence} ${type}`)).toEqual([
      '1 transfer.processing',
      '2 transfer.active',
      '3 transfer.downloaded',
      '4 transfer.downloaded_by_all',
    ]);
  });

  it('tells the last fetches of a transfer before its end', async () => {
    const { watch, ids } = await followedMailbox(2);
    for (const [index, terms] of [{}, active].entries()) {
      store().download(ids[index]!, bob);
      // Being overdue is no news of a transfer that has ended.
      endIn(ids[index]!, -1000);
      store().setState(ids[index]!, 'DELETED_BY_EXPIRATION');
      await pollLater(watch, terms);
      expect(await told()).toEqual([
        'transfer.downloaded',
        'transfer.downloaded_by_all',
        'transfer.deleted_by_expiration',
      ]);
    }
    expect(await pollLater(watch)).toMatchObject(quiet);
  });

  it('tells that a transfer is overdue as time passes, and again when its end has moved', async () => {
    const { watch, ids } = await followedMailbox(2);
    endIn(ids[0]!, 3 * dayMs);
    expect(await pollLater(watch)).toMatchObject(quiet);
    world.clock.advance(dayMs);
    await pollLater(watch);
    const [event] = await takeTransferEvents();
    expect(event).toMatchObject({ type: 'transfer.overdue', data: { recipients: 1, downloadedBy: 0, sequence: 1 } });
    expect(Date.parse(event!.data.expiresAt!) - world.clock.steady()).toBeLessThan(2 * dayMs);
    expect(await pollLater(watch)).toMatchObject(quiet);
    endIn(ids[0]!, 5 * dayMs);
    await pollLater(watch);
    expect(await told()).toEqual([]);
    world.clock.advance(4 * dayMs);
    await pollLater(watch);
    expect(await told()).toEqual(['transfer.overdue']);
  });

  it('tells nothing twice when a clock jumps (P26)', async () => {
    const { watch, ids } = await followedMailbox(1);
    endIn(ids[0]!, dayMs);
    await pollLater(watch);
    expect(await told()).toEqual(['transfer.overdue']);
    for (const jump of [-7 * dayMs, 7 * dayMs, 3 * dayMs, -3 * dayMs]) {
      world.cryptshare.switches.clockOffsetMs += jump;
      await pollLater(watch);
      await pollLater(watch);
    }
    expect(await told()).toEqual([]);
  });

  it('is silent when following begins, and forgets when it ends', async () => {
    const { watch, ids } = await followedMailbox(40, { follow: undefined });
    const followedRows = async () => {
      const rows = await world.deps.snapshotOf(watch).readBuckets(new Set([0]), 0);
      return [...rows.values()].filter(({ followed: facts }) => facts).length;
    };
    store().download(ids[0]!, bob);
    endIn(ids[1]!, dayMs);
    const following = { ...watch, follow: followable };
    await pollLater(following);
    expect(await pollLater(following)).toMatchObject(quiet);
    expect(await told()).toEqual([]);
    expect(await followedRows()).toBe(40);
    await pollLater({ ...watch, follow: ['problems'] });
    expect(await pollLater({ ...watch, follow: ['problems'] })).toMatchObject(quiet);
    await pollLater(watch);
    expect(await pollLater(watch)).toMatchObject(quiet);
    expect(await followedRows()).toBe(0);
    await pollLater(following);
    expect(await told()).toEqual([]);
  });

  it('keeps the number of a recipient whose data is deleted', async () => {
    const { watch, people } = newMailbox(0);
    const following = { ...watch, follow: followable };
    const to = [bob, 'carol@example.com'];
    const { trackingId } = store().seed({ ...people, to, count: 1, state: 'ACTIVE' })[0]!;
    await world.poll(following);
    store().download(trackingId, bob);
    await pollLater(following);
    expect(await told()).toEqual(['transfer.downloaded']);
    for (const keepsId of [true, false]) {
      world.cryptshare.switches.deletedUserKeepsRecipientId = keepsId;
      store().deleteUserData(keepsId ? bob : 'carol@example.com');
      await pollLater(following);
      await pollLater(following);
    }
    expect(await told()).toEqual([]);
  });

  it('tells a received watch what it has fetched itself, and never of others', async () => {
    const { watch, ids } = await followedMailbox(0, { direction: 'received' });
    expect(ids).toEqual([]);
    const to = [watch.mailbox, bob];
    const seeded = store().seed({ sender: 'eve@example.com', to, bcc: ['dan@example.com'], count: 2, state: 'ACTIVE' });
    const [first, second] = seeded.map(({ trackingId }) => trackingId);
    endIn(second!, dayMs);
    await pollLater(watch);
    store().download(first!, bob);
    store().download(first!, 'dan@example.com');
    await pollLater(watch);
    store().download(first!, watch.mailbox);
    await pollLater(watch);
    const events = await takeTransferEvents();
    expect(events.map(({ type }) => type).toSorted()).toEqual([
      ...['transfer.active', 'transfer.active', 'transfer.downloaded', 'transfer.overdue'],
    ]);
    expect(events.find(({ type }) => type === 'transfer.downloaded')?.data).toMatchObject({
      recipient: 1,
      recipients: 1,
    });
  });
});

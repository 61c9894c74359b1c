import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { followable } from '#functions/transfers/follow.ts';
import type { Switches } from '#infra/simulator/switches.ts';
import {
  followedMailbox,
  pollLater,
  resetServer,
  startMailboxWorld,
  statusRequests,
  takeTransferEvents,
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
const quiet = { outcome: 'unchanged', units: { read: 1, write: 0 }, problem: undefined } as const;
const store = () => world.cryptshare.transfers;
const switchTo = (switches: Partial<Switches>) => Object.assign(world.cryptshare.switches, switches);

describe('pollWatch of a watch that follows, at a server without details', () => {
  it.each([
    ['gives none', { detailsInLists: 'no-downloads' }],
    ['refuses their fields', { detailsInLists: 'none', unknownFields: 'reject' }],
    ['has only the older list', { minor: 11, detailsInLists: 'none' }],
  ] as const)('asks for single transfers where the list %s, in turns and within its budget', async (_, switches) => {
    switchTo(switches);
    // Two buckets, each of which has more than the budget of one poll.
    const { watch, ids } = await followedMailbox(70, { follow: ['downloads'] });
    const polls = [1, 2];
    // The first look at a transfer is silent.
    for (const _ of polls) await pollLater(watch);
    expect(await told()).toEqual([]);
    for (const trackingId of ids) store().download(trackingId, bob);
    const seen = new Set<string>();
    for (const _ of polls) {
      const { requests, problem } = await pollLater(watch);
      expect(requests).toBeLessThanOrEqual(2 + 64);
      expect(problem).toBeUndefined();
      for (const event of await told()) seen.add(event);
    }
    const types = ['transfer.downloaded', 'transfer.downloaded_by_all'];
    expect([...seen].toSorted()).toEqual(types.flatMap((type) => ids.map((id) => `${type} ${id}`)).toSorted());
    const { requests, lacksFacts, ...last } = await pollLater(watch);
    expect(last).toMatchObject(quiet);
    expect(lacksFacts).not.toBe(true);
  });

  it('asks the list again after an hour', async () => {
    switchTo({ detailsInLists: 'none' });
    const { watch, ids } = await followedMailbox(3, { follow: ['downloads'] });
    await pollLater(watch);
    switchTo({ detailsInLists: 'all' });
    store().download(ids[0]!, bob);
    world.clock.advance(3_600_000);
    expect(await pollLater(watch)).toMatchObject({ requests: 2, lacksFacts: false });
    expect(await told()).toHaveLength(2);
  });

  it('asks the list again after a clock that was ahead has been set back (P20)', async () => {
    const yearMs = 365 * 86_400_000;
    const { watch, ids } = await followedMailbox(3, { follow: ['downloads'] });
    switchTo({ detailsInLists: 'none' });
    world.clock.set(yearMs);
    for (let poll = 0; poll < 2; poll += 1) await pollLater(watch);
    world.clock.set(-yearMs);
    switchTo({ detailsInLists: 'all' });
    store().download(ids[0]!, bob);
    expect(await pollLater(watch)).toMatchObject({ requests: 2, lacksFacts: false });
  });

  it.each([
    ['a sender', {}, { detailsInLists: 'none', detailsInStatus: false }],
    ['a recipient', { direction: 'received' }, { receivedDownloads: 'none' }],
    ['a recipient', { direction: 'received' }, { detailsInLists: 'odd-pages', maximumPageSize: 10 }],
  ] as const)('goes on with the states of %s where no answer has details', async (_, settings, switches) => {
    switchTo(switches);
    const { watch, ids } = await followedMailbox(20, { follow: ['downloads'], ...settings });
    for (let poll = 0; poll < 3; poll += 1) {
      // The first poll notes transfers without details beside others.
      expect(await pollLater(watch)).toMatchObject({ ...(poll > 0 && quiet), lacksFacts: true });
    }
    store().setState(ids[1]!, 'DELETED_BY_ADMIN');
    const before = statusRequests();
    await pollLater(watch);
    expect(await told()).toEqual([`transfer.deleted_by_admin ${ids[1]}`]);
    // Recipients may not ask for single transfers.
    expect(statusRequests() - before).toBe(watch.direction === 'sent' ? 19 : 0);
  });

  it('makes no active pass in vain, and needs a full listing for each poll', async () => {
    const { watch } = await followedMailbox(230, { follow: ['downloads'] }, 800);
    await pollLater(watch);
    expect(await pollLater(watch, { scope: 'active' })).toMatchObject({ scope: 'active', requests: 3 });
    switchTo({ detailsInLists: 'none', detailsInStatus: false });
    await pollLater(watch, { scope: 'active' });
    const looks = 64;
    const { scope, requests } = await pollLater(watch, { scope: 'active' });
    expect(scope).toBe('all');
    expect(requests).toBeLessThanOrEqual(11 + looks);
  });

  it('finds changes of state among transfers without details in an active pass, too, and keeps the details of others', async () => {
    const { watch, ids } = await followedMailbox(230, { follow: ['downloads'] }, 800);
    await pollLater(watch);
    await takeTransferEvents();
    switchTo({ detailsInLists: 'odd-pages' });
    // The newest transfers are on the first page, which has details.
    const [oldest, newest] = [ids[0]!, ids.at(-1)!];
    store().setState(oldest, 'DELETED_BY_EXPIRATION');
    store().download(newest, bob);
    await pollLater(watch, { scope: 'active' });
    const first = await told();
    expect(first).toContain(`transfer.deleted_by_expiration ${oldest}`);
    // Each poll asks for 20 of the 100 transfers without details, and so completes some buckets.
    for (let poll = 0; poll < 8; poll += 1) await pollLater(watch, { scope: 'active' });
    expect([...first, ...(await told())]).toContain(`transfer.downloaded ${newest}`);
  });

  it('tells of the pages that have details, and asks for single transfers of the others', async () => {
    switchTo({ detailsInLists: 'odd-pages', maximumPageSize: 10 });
    const { watch, ids } = await followedMailbox(20, { follow: ['downloads'] });
    for (let poll = 0; poll < 3; poll += 1) await pollLater(watch);
    for (const trackingId of ids) store().download(trackingId, bob);
    for (let poll = 0; poll < 3; poll += 1) await pollLater(watch);
    expect(await told()).toHaveLength(40);
    expect(await pollLater(watch)).toMatchObject(quiet);
  });

  it('tells no fetch twice while details come and go', async () => {
    const { watch, ids } = await followedMailbox(3, { follow: ['downloads'] });
    store().download(ids[0]!, bob);
    for (const detailsInLists of ['none', 'all', 'no-downloads', 'all'] as const) {
      switchTo({ detailsInLists });
      world.clock.advance(3_600_000);
      await pollLater(watch);
      await pollLater(watch);
    }
    expect(await told()).toEqual([`transfer.downloaded ${ids[0]}`, `transfer.downloaded_by_all ${ids[0]}`]);
  });
});

describe('pollWatch of a watch that follows, at a server with bad details', () => {
  it('reads a page that is too large in halves, down to single transfers', async () => {
    const { watch, ids } = await followedMailbox(12, { follow: ['downloads'] });
    switchTo({ rowPaddingBytes: 1_500_000 });
    store().download(ids[0]!, bob);
    store().download(ids[11]!, bob);
    const before = statusRequests();
    expect(await pollLater(watch)).toMatchObject({ isComplete: true, problem: undefined });
    expect(await told()).toHaveLength(4);
    expect(statusRequests()).toBe(before);
  });

  it('does without the details of a single transfer that is too large', async () => {
    const { watch, ids } = await followedMailbox(2, { follow: ['downloads'] });
    switchTo({ rowPaddingBytes: 5_000_000 });
    store().setState(ids[0]!, 'DELETED_BY_ADMIN');
    expect(await pollLater(watch)).toMatchObject({ isComplete: true });
    expect(await told()).toEqual([`transfer.deleted_by_admin ${ids[0]}`]);
  });

  it.each(['other-zones', 'future', 'null', 'missing', 'malformed'] as const)(
    'tells each fetch once with dates that are %s',
    async (downloadDates) => {
      switchTo({ downloadDates, downloadFileIds: false });
      const { watch, ids } = await followedMailbox(2, { follow: ['downloads'] });
      store().download(ids[0]!, bob, { times: 3000 });
      store().download(ids[0]!, bob, { method: 'VIEWED' });
      await pollLater(watch);
      store().download(ids[0]!, bob);
      expect(await pollLater(watch)).toMatchObject(quiet);
      expect(await told()).toEqual([`transfer.downloaded ${ids[0]}`, `transfer.downloaded_by_all ${ids[0]}`]);
    },
  );

  it.each(['null', 'missing', 'malformed'] as const)('calls no transfer overdue while ends are %s', async (ends) => {
    const { watch, ids } = await followedMailbox(1, { follow: followable });
    store().moveExpiry(ids[0]!, new Date(world.clock.steady() + 3_600_000));
    switchTo({ expirationDates: ends });
    expect(await pollLater(watch)).toMatchObject(quiet);
    switchTo({ expirationDates: 'usual' });
    await pollLater(watch);
    expect(await told()).toEqual([`transfer.overdue ${ids[0]}`]);
  });

  it('tells nothing new when recipients appear, vanish and return', async () => {
    const { watch, ids } = await followedMailbox(1, { follow: ['downloads'] });
    const [trackingId] = ids;
    store().changeRecipients(trackingId!, { kind: 'appear', mail: 'carol@example.com' });
    store().download(trackingId!, bob);
    await pollLater(watch);
    expect(await told()).toEqual([`transfer.downloaded ${trackingId}`]);
    for (const kind of ['vanish', 'return'] as const) {
      store().changeRecipients(trackingId!, { kind, mail: bob });
      await pollLater(watch);
      expect(await pollLater(watch)).toMatchObject(quiet);
    }
    expect(await told()).toEqual([]);
  });
});

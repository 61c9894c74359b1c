import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { ListingMemory } from '#functions/cryptshare/listing-memory.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { followable } from '#functions/transfers/follow.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  followedMailbox,
  newMailbox,
  pollLater,
  resetServer,
  startMailboxWorld,
  statusRequests,
  takeTransferEvents,
  told,
  world,
} from '#test/support/mailbox-world.ts';
import { given, serverCalls, token } from '#test/support/poll-world.ts';

beforeAll(startMailboxWorld);
beforeEach(() => {
  resetServer();
  listInFullEvery(1);
  world.clock.advance(7_200_000);
});

const bob = 'bob@example.com';
const hourMs = 3_600_000;
const listInFullEvery = (fullListingEvery: number) =>
  Object.assign(world.deps, { schedule: { ...world.deps.schedule, fullListingEvery } });
const store = () => world.cryptshare.transfers;
const refuse = (path: string, status: number, page?: number, body = '') =>
  world.cryptshare.faults.inject({
    path,
    times: 1000,
    ...(page && { page }),
    answer: { kind: 'response', status, body },
  });

/** Types of the events about one transfer, by number: batches that are published at once may arrive in another order. */
const typesInOrder = async () =>
  (await takeTransferEvents()).toSorted((a, b) => a.data.sequence - b.data.sequence).map(({ type }) => type);

describe('pollWatch of a watch that follows, as transfers begin and end', () => {
  it.each([
    ['followed nothing', undefined, 'downloaded'],
    ['followed less', ['downloads'] as const, 'problem'],
  ])('tells the facts of a transfer that was in processing when the watch %s', async (_, follow, news) => {
    const { watch, people } = await followedMailbox(2, { follow });
    const { trackingId } = store().create(people);
    await pollLater(watch);
    const following = { ...watch, follow: followable };
    await pollLater(following);
    await told();
    store().setState(trackingId, 'ACTIVE');
    store().download(trackingId, bob);
    store().setProblems(trackingId, { senderNotNotified: true });
    await pollLater(following);
    expect(await told()).toContain(`transfer.${news} ${trackingId}`);
  });

  it('tells each of 500 fetches before the end of their transfer', async () => {
    const { watch, people } = await followedMailbox(3);
    const to = Array.from({ length: 500 }, (_, index) => `r-${index}@example.com`);
    const { trackingId } = store().seed({ ...people, to, count: 1, state: 'ACTIVE' })[0]!;
    await pollLater(watch);
    await told();
    for (const mail of to) store().download(trackingId, mail);
    store().setState(trackingId, 'DELETED_BY_EXPIRATION');
    for (let n = 0; n < 4; n += 1) await pollLater(watch);
    const types = await typesInOrder();
    expect(types.filter((type) => type === 'transfer.downloaded')).toHaveLength(500);
    expect(types.slice(500)).toEqual(['transfer.downloaded_by_all', 'transfer.deleted_by_expiration']);
  });

  it('tells each of 500 fetches before the end although their events wait for two polls', async () => {
    const { watch, people } = await followedMailbox(3);
    const to = Array.from({ length: 500 }, (_, index) => `r-${index}@example.com`);
    const { trackingId } = store().seed({ ...people, to, count: 1, state: 'ACTIVE' })[0]!;
    await pollLater(watch);
    await told();
    for (const mail of to) store().download(trackingId, mail);
    store().setState(trackingId, 'DELETED_BY_EXPIRATION');
    const silent = () => new FaultPlan([['PublishBatchCommand', 'refused']]);
    for (let n = 0; n < 3; n += 1) await world.faults.run(silent(), () => pollLater(watch));
    for (let n = 0; n < 4; n += 1) await pollLater(watch);
    const types = await typesInOrder();
    expect(types.filter((type) => type === 'transfer.downloaded')).toHaveLength(500);
    expect(types.slice(-2)).toEqual(['transfer.downloaded_by_all', 'transfer.deleted_by_expiration']);
  });

  it('tells no problem of files that the server removes because the transfer ends during a poll', async () => {
    Object.assign(world.cryptshare.switches, { detailsInLists: 'none' });
    const { watch, ids } = await followedMailbox(3);
    const server = world.client();
    const deps = { ...world.deps, server };
    const poll = () => {
      world.clock.advance(60_000);
      return pollWatch(deps, watch, world.terms());
    };
    for (let n = 0; n < 3; n += 1) await poll();
    await told();
    const send = server.calls.send.bind(server.calls);
    server.calls.send = async (call, deadline) => {
      if (/transfers\/2/.test(call.path) && store().find(ids[0]!)!.state === 'ACTIVE') {
        store().setProblems(ids[0]!, { removedFiles: [1] });
        store().setState(ids[0]!, 'DELETED_BY_REVOCATION');
      }
      return send(call, deadline);
    };
    for (let n = 0; n < 2; n += 1) await poll();
    expect(await told()).toEqual([`transfer.deleted_by_revocation ${ids[0]}`]);
    server.calls.close();
  });

  it('tells no end twice that was missing while the transfer returned', async () => {
    world.cryptshare.switches.finalStatesChange = true;
    const { watch, ids } = await followedMailbox(2);
    store().moveExpiry(ids[0]!, new Date(world.clock.steady() + 24 * hourMs));
    await pollLater(watch);
    store().setState(ids[0]!, 'DELETED_BY_EXPIRATION');
    await pollLater(watch);
    store().setState(ids[0]!, 'ACTIVE');
    world.cryptshare.switches.expirationDates = 'null';
    for (let n = 0; n < 3; n += 1) await pollLater(watch);
    world.cryptshare.switches.expirationDates = 'usual';
    for (let n = 0; n < 3; n += 1) await pollLater(watch);
    expect((await told()).filter((event) => event.startsWith('transfer.overdue'))).toHaveLength(1);
  });

  it('leaves the time since when the transfer is in its state', async () => {
    const { watch, ids } = await followedMailbox(2);
    const rowOf = async () => (await world.deps.snapshotOf(watch).readBuckets(new Set([0]), 0)).get(ids[0]!)!;
    const { observedAt } = await rowOf();
    store().download(ids[0]!, bob);
    await pollLater(watch);
    expect(await told()).toHaveLength(2);
    expect((await rowOf()).observedAt).toBe(observedAt);
  });

  it('forgets the facts of unlisted transfers, too, once it follows nothing', async () => {
    const { watch, ids } = await followedMailbox(20);
    store().purge(ids[0]!);
    for (let n = 0; n < 4; n += 1) await pollLater(watch);
    for (let n = 0; n < 3; n += 1) await pollLater({ ...watch, follow: undefined });
    const rows = await world.deps.snapshotOf(watch).readBuckets(new Set([0]), 0);
    expect([...rows.values()].filter(({ followed }) => followed)).toEqual([]);
  });
});

describe('pollWatch of a watch that follows, beside failures', () => {
  it.each([
    [403, ''],
    [500, ''],
    [404, '{"errorCode":1006}'],
  ])('tells the last fetches of a mailbox while requests for another answer %i (P16)', async (status, body) => {
    const bad = await followedMailbox(3);
    const good = await followedMailbox(3);
    refuse(`${encodeURIComponent(bad.watch.mailbox)}/transfers/2`, status, undefined, body);
    store().setState(bad.ids[0]!, 'DELETED_BY_EXPIRATION');
    await pollLater(bad.watch);
    await told();
    store().download(good.ids[0]!, bob);
    store().setState(good.ids[0]!, 'DELETED_BY_EXPIRATION');
    await pollLater(good.watch);
    expect(await told()).toContain(`transfer.downloaded ${good.ids[0]}`);
  });

  it('asks about transfers of no mailbox for a while once the server asks to slow down', async () => {
    const bad = await followedMailbox(3);
    const good = await followedMailbox(3);
    refuse(`${encodeURIComponent(bad.watch.mailbox)}/transfers/2`, 429);
    store().setState(bad.ids[0]!, 'DELETED_BY_EXPIRATION');
    await pollLater(bad.watch);
    const before = statusRequests();
    store().setState(good.ids[0]!, 'DELETED_BY_EXPIRATION');
    await pollLater(good.watch);
    expect(statusRequests()).toBe(before);
  });

  it('writes nothing because a page of the active transfers fails', async () => {
    const { watch } = await followedMailbox(150, { direction: 'received' });
    await pollLater(watch);
    listInFullEvery(1);
    let pages = 0;
    world.setDrift(() => {
      pages += 1;
      // The third page is the first of the active transfers alone.
      if (pages === 3) refuse('received-transfers', 500, 2);
    });
    expect((await pollLater(watch)).units.write).toBe(0);
    world.setDrift(() => {});
    world.cryptshare.faults.clear();
    expect((await pollLater(watch)).units.write).toBe(0);
  });

  it('releases the memory of its lists when the table fails while it asks about transfers', async () => {
    Object.assign(world.cryptshare.switches, { detailsInLists: 'none' });
    const { watch } = await followedMailbox(3);
    const memory = new ListingMemory();
    const server = new CryptshareClient(serverCalls(world.cryptshare.url, world.clock), given(token), memory);
    vi.spyOn(server, 'status').mockRejectedValue(new Error('the table is throttled'));
    world.clock.advance(60_000);
    await expect(pollWatch({ ...world.deps, server }, watch, world.terms())).rejects.toThrow('throttled');
    expect(memory.used).toBe(0);
    server.calls.close();
  });

  it.each([1, 10])(
    'tells the facts of active transfers while a page of ended ones fails, 1 of %i in full',
    async (every) => {
      const { watch, people } = newMailbox(0);
      store().seed({ ...people, count: 400, state: 'DELETED_BY_ADMIN' });
      const ids = store()
        .seed({ ...people, count: 5, state: 'ACTIVE' })
        .map(({ trackingId }) => trackingId);
      const following = { ...watch, follow: followable };
      listInFullEvery(every);
      await world.poll(following);
      await pollLater(following, { scope: 'active' });
      await told();
      refuse('sent-transfers', 500, 3);
      const problem = { cause: 'server_fault', message: 'it answers with an error' };
      const health = { failingSince: '2026-11-24T00:00:00Z', failures: 3, isAnnounced: true, problem };
      store().download(ids[0]!, bob);
      store().setState(ids[1]!, 'DELETED_BY_ADMIN');
      store().moveExpiry(ids[2]!, new Date(world.clock.steady() + 2 * hourMs));
      await pollLater({ ...following, health });
      expect(await told()).toEqual(
        expect.arrayContaining([
          `transfer.downloaded ${ids[0]}`,
          `transfer.deleted_by_admin ${ids[1]}`,
          `transfer.overdue ${ids[2]}`,
        ]),
      );
    },
  );

  it('tells of an overdue transfer although the server has once refused the fields of details', async () => {
    const { watch, ids } = await followedMailbox(3, { direction: 'received', overdueBeforeMs: hourMs });
    store().moveExpiry(ids[0]!, new Date(world.clock.steady() + 1.5 * hourMs));
    let pages = 0;
    world.setDrift(() => {
      pages += 1;
      if (pages === 1) {
        const answer = { kind: 'response' as const, status: 400, body: '' };
        world.cryptshare.faults.inject({ path: 'received-transfers', answer });
      }
    });
    await pollLater(watch);
    world.clock.advance(0.9 * hourMs);
    await pollLater(watch);
    expect(await told()).toContain(`transfer.overdue ${ids[0]}`);
  });

  it('calls no transfer overdue because the clock here has been set ahead by less than an hour', async () => {
    const { watch, people, ids } = await followedMailbox(5);
    store().seed({ ...people, count: 500, state: 'DELETED_BY_ADMIN' });
    await pollLater(watch);
    listInFullEvery(10);
    store().moveExpiry(ids[0]!, new Date(world.cryptshare.clock.now() + 48.75 * hourMs));
    await pollLater(watch, { scope: 'active' });
    await told();
    world.clock.set(50 * 60_000);
    await pollLater(watch, { scope: 'active' });
    world.clock.set(-50 * 60_000);
    expect(await told()).toEqual([]);
  });
});

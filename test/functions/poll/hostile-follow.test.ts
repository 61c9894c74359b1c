import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { ListingMemory } from '#functions/cryptshare/listing-memory.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import type { Switches } from '#infra/simulator/switches.ts';
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
  world.clock.advance(7_200_000);
});

const bob = 'bob@example.com';
const quiet = { outcome: 'unchanged', units: { read: 1, write: 0 } } as const;
const store = () => world.cryptshare.transfers;
const switchTo = (switches: Partial<Switches>) => Object.assign(world.cryptshare.switches, switches);
const fault = (path: string, status: number, times = 1000) =>
  world.cryptshare.faults.inject({ path, times, answer: { kind: 'response', status, body: '' } });

describe('pollWatch of a watch that follows, when much goes wrong', () => {
  it('announces states where the memory does not suffice for facts, and releases all memory', async () => {
    const { watch, ids } = await followedMailbox(300);
    store().setState(ids[0]!, 'DELETED_BY_ADMIN');
    for (const kib of [100, 180, 220, 260]) {
      const memory = new ListingMemory(kib * 1024);
      const server = new CryptshareClient(serverCalls(world.cryptshare.url, world.clock), given(token), memory);
      world.clock.advance(60_000);
      await pollWatch({ ...world.deps, server }, watch, world.terms());
      server.calls.close();
      expect(memory.used).toBe(0);
    }
    expect(await told()).toEqual([`transfer.deleted_by_admin ${ids[0]}`]);
  });

  it('tells a thousand fetches of one transfer in parts that fit into its row', async () => {
    const { watch, people } = await followedMailbox(0);
    const to = Array.from({ length: 1000 }, (_, index) => `recipient-${index}@example.com`);
    const [transfer] = store().seed({ ...people, to, count: 1, state: 'ACTIVE' });
    await pollLater(watch);
    await takeTransferEvents();
    for (const mail of to) store().download(transfer!.trackingId, mail);
    const counts: number[] = [];
    for (let poll = 0; poll < 5; poll += 1) {
      const { problem } = await pollLater(watch);
      expect(problem).toBeUndefined();
      counts.push((await told()).length);
    }
    expect(counts).toEqual([200, 200, 200, 200, 201]);
    expect(await pollLater(watch)).toMatchObject(quiet);
  });

  it('is silent about a fetch between an interrupted baseline and the next', async () => {
    const { watch, ids } = newMailbox(60);
    const following = { ...watch, follow: followable };
    const snapshotOf = (one: FollowingWatch) =>
      Object.assign(world.deps.snapshotOf(one), { settle: () => Promise.reject(new Error('interrupted')) });
    await expect(pollWatch({ ...world.deps, snapshotOf }, following, world.terms())).rejects.toThrow('interrupted');
    store().download(ids[0]!, bob);
    store().moveExpiry(ids[1]!, new Date(world.clock.steady() + 3_600_000));
    world.clock.advance(900_000);
    expect(await world.poll(following)).toMatchObject({ outcome: 'baseline' });
    expect(await told()).toEqual([]);
    expect(await pollLater(following)).toMatchObject(quiet);
  });

  it('tells facts of a received watch beside another whose details are missing', async () => {
    const poor = await followedMailbox(1, { direction: 'received' });
    const rich = await followedMailbox(1, { direction: 'received' });
    for (let index = 0; index < 1000; index += 1) {
      store().changeRecipients(poor.ids[0]!, { kind: 'appear', mail: `recipient-${index}@example.com` });
    }
    await pollLater(rich.watch);
    await pollLater(poor.watch);
    store().download(rich.ids[0]!, rich.watch.mailbox);
    await pollLater(rich.watch);
    expect(await told()).toEqual([`transfer.downloaded ${rich.ids[0]}`]);
  });

  it('lets no failing requests for single transfers stop the polls of other watches', async () => {
    switchTo({ detailsInLists: 'none' });
    const following = await followedMailbox(20);
    const plain = newMailbox(20);
    await world.poll(plain.watch);
    fault('/transfers/2', 429);
    const outcomes: string[] = [];
    for (let poll = 0; poll < 10; poll += 1) {
      store().setState(plain.ids[poll]!, 'DELETED_BY_ADMIN');
      await pollLater(following.watch);
      outcomes.push((await world.poll(plain.watch)).outcome);
    }
    expect(outcomes.filter((outcome) => outcome !== 'changed').length).toBeLessThanOrEqual(1);
  });

  it('lets no failing requests for ended transfers stop the polls of other watches', async () => {
    const following = await followedMailbox(20);
    const plain = newMailbox(20);
    await world.poll(plain.watch);
    fault('/transfers/2', 429);
    const outcomes: string[] = [];
    for (let poll = 0; poll < 10; poll += 1) {
      store().setState(following.ids[poll]!, 'DELETED_BY_EXPIRATION');
      store().setState(plain.ids[poll]!, 'DELETED_BY_ADMIN');
      await pollLater(following.watch);
      outcomes.push((await world.poll(plain.watch)).outcome);
    }
    expect(outcomes.filter((outcome) => outcome !== 'changed').length).toBeLessThanOrEqual(1);
  });

  it('tells states after 10 s of slow answers about single transfers', async () => {
    switchTo({ detailsInLists: 'none' });
    const { watch, ids } = await followedMailbox(20);
    await pollLater(watch);
    store().setState(ids[0]!, 'DELETED_BY_ADMIN');
    const { server } = world.deps;
    const status = server.status.bind(server);
    const slow = vi.spyOn(server, 'status').mockImplementation((...asked) => {
      world.clock.advance(2_000);
      return status(...asked);
    });
    const [before, start] = [statusRequests(), world.clock.steady()];
    expect(await pollLater(watch)).toMatchObject({ outcome: 'changed', problem: undefined });
    slow.mockRestore();
    expect(statusRequests() - before).toBeLessThan(10);
    expect(world.clock.steady() - start).toBeLessThan(90_000);
    expect(await told()).toEqual([`transfer.deleted_by_admin ${ids[0]}`]);
  });

  it.each([500, 403, 413])('has a problem when its list of active transfers alone answers %i', async (status) => {
    const { watch, ids } = await followedMailbox(3);
    let pages = 0;
    world.setDrift(() => {
      pages += 1;
      if (pages === 1) fault('/sent-transfers', status, 3);
    });
    store().setState(ids[0]!, 'DELETED_BY_ADMIN');
    const { isComplete, problem } = await pollLater(watch);
    expect(isComplete).toBe(true);
    expect(problem).toBeDefined();
    expect(await told()).toEqual([`transfer.deleted_by_admin ${ids[0]}`]);
  });

  it('keeps to its budget after many transfers at once', async () => {
    switchTo({ detailsInLists: 'none' });
    const { watch, people } = await followedMailbox(3);
    await pollLater(watch);
    store().seed({ ...people, count: 200, state: 'ACTIVE' });
    const before = statusRequests();
    await pollLater(watch);
    expect(statusRequests() - before).toBeLessThanOrEqual(100);
  });

  it.each(['sent', 'received'] as const)('tells the facts of %s transfers beside an odd one', async (direction) => {
    const { watch, ids } = await followedMailbox(10, { direction });
    for (let number = 0; number < 1000; number += 1) {
      store().changeRecipients(ids[3]!, { kind: 'appear', mail: `other-${number}@example.com` });
    }
    await pollLater(watch);
    await takeTransferEvents();
    store().download(ids[0]!, direction === 'sent' ? bob : watch.mailbox);
    await pollLater(watch);
    expect(await told()).toContain(`transfer.downloaded ${ids[0]}`);
  });

  it('announces states where the memory does not suffice for facts of single transfers', async () => {
    switchTo({ detailsInLists: 'none' });
    const { watch, ids } = await followedMailbox(20);
    for (const trackingId of ids) {
      for (let number = 0; number < 30; number += 1) {
        store().changeRecipients(trackingId, { kind: 'appear', mail: `other-${number}@example.com` });
      }
    }
    const memory = new ListingMemory(40 * 1024);
    const server = new CryptshareClient(world.deps.server.calls, given(token), memory);
    store().setState(ids[0]!, 'DELETED_BY_ADMIN');
    for (let poll = 0; poll < 2; poll += 1) {
      world.clock.advance(60_000);
      await pollWatch({ ...world.deps, server }, watch, world.terms());
    }
    expect(await told()).toEqual([`transfer.deleted_by_admin ${ids[0]}`]);
    expect(memory.used).toBe(0);
  });
});

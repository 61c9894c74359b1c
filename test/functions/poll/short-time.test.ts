import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  day,
  declare,
  deps,
  mailboxes,
  minute,
  now,
  poll,
  pollAfter,
  pollWith,
  registry,
  slowDown,
  snapshotRows,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(startShards);

describe('pollShard without time for all watches', () => {
  it('counts watches that it did not begin as skipped', async () => {
    await declare(3);
    expect(await poll({ budget: 0 })).toEqual({ polls: [], skipped: 3 });
  });

  it('skips other watches each time', async () => {
    const watches = await declare(12);
    const everPolled = new Set<string>();
    slowDown();
    for (let tick = 0; tick < 12; tick += 1) {
      const shardPoll = await poll();
      expect(shardPoll.polls.length + shardPoll.skipped).toBe(12);
      expect(shardPoll.polls.length).toBeGreaterThan(0);
      expect(shardPoll.skipped).toBeGreaterThan(0);
      for (const mailbox of mailboxes(shardPoll)) everPolled.add(mailbox);
      world.clock.advance(minute);
    }
    expect([...everPolled].sort()).toEqual(watches.map(({ mailbox }) => mailbox).sort());
  });

  it('polls a skipped watch at one of the next ticks, and then in its interval again', async () => {
    const watches = await declare(24, { pollIntervalMs: day });
    world.clock.advance(15_000);
    slowDown();
    const polled: string[] = [];
    for (let tick = 0; tick < 15; tick += 1) {
      polled.push(...mailboxes(await poll({ at: now() })));
      world.clock.advance(minute);
    }
    expect(new Set(polled)).toEqual(new Set(watches.map(({ mailbox }) => mailbox)));
    // A watch or two have come to their own moment.
    expect(polled.length).toBeLessThan(28);
  });

  it('polls a skipped watch before those that have just become due', async () => {
    const [left, ...others] = await declare(30, { pollIntervalMs: day });
    await pollAfter(15_000);
    await registry().configure(left!, { pollIntervalMs: minute }, now());
    expect(await pollAfter(minute, { budget: 0 })).toEqual({ polls: [], skipped: 1 });
    for (const watch of others) await registry().configure(watch, { pollIntervalMs: minute }, now());
    slowDown();
    const shardPoll = await pollAfter(minute);
    expect(shardPoll.skipped).toBeGreaterThan(0);
    expect(mailboxes(shardPoll)).toContain(left!.mailbox);
  });

  it('lists a skipped watch in the scope that was its turn', async () => {
    const [watch] = await declare(1, { pollIntervalMs: day });
    const people = { sender: watch!.mailbox, to: ['bob@example.com'] };
    world.cryptshare.transfers.seed({ ...people, count: 110, state: 'DELETED_BY_EXPIRATION' });
    await pollAfter(15_000);
    pollWith({ schedule: { ...deps.schedule, fullListingEvery: 2 } });
    const scopes: string[] = [];
    for (let days = 0; days < 4; days += 1) {
      expect(await pollAfter(day, { budget: 0 })).toEqual({ polls: [], skipped: 1 });
      scopes.push(...(await pollAfter(minute)).polls.map(({ scope }) => scope));
    }
    expect(scopes.slice(0, 2).toSorted()).toEqual(['active', 'all']);
    expect(scopes.slice(2)).toEqual(scopes.slice(0, 2));
  });

  it('polls a watch again that timed out once', async () => {
    const [late] = await declare(12);
    await poll();
    const problem = { cause: 'timeout', message: 'x' } as never;
    const health = { failingSince: now(), failures: 1, problem, isAnnounced: false };
    await registry().commitHealth((await registry().find(late!))!, { health, event: undefined });
    slowDown();
    let isPolled = false;
    for (let tick = 0; tick < 60 && !isPolled; tick += 1) {
      const shardPoll = await pollAfter(minute);
      expect(shardPoll.skipped).toBeGreaterThan(0);
      isPolled = mailboxes(shardPoll).includes(late!.mailbox);
    }
    expect(isPolled).toBe(true);
  });

  it.each([7, 12])('deletes the snapshot of a removed watch after 30 days, beside %i watches', async (count) => {
    const [removed] = await declare(1 + count);
    await pollAfter(minute);
    await registry().remove(removed!, now());
    world.clock.advance(31 * day);
    // Ticks have time for eight watches.
    if (count > 8) slowDown();
    expect(await snapshotRows(removed!)).toBe(3);
    for (let tick = 0; tick < 60 && (await snapshotRows(removed!)) > 0; tick += 1) {
      expect((await pollAfter(2 * minute)).skipped > 0).toBe(count > 8);
    }
    expect(await snapshotRows(removed!)).toBe(0);
  });
});

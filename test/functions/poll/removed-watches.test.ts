import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { forgottenAt } from '#functions/watches/polled-watches.ts';
import { FaultPlan, faultsAt } from '#test/support/aws-faults.ts';
import {
  day,
  deps,
  hour,
  mailboxOf,
  minute,
  now,
  pollAfter,
  pollWith,
  registry,
  rowsOf,
  seed,
  snapshotRows,
  startShards,
  startShardWorld,
  takeTold,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);

let watch: Watch;
let trackingIds: string[];
beforeEach(async () => {
  const end = await startShards();
  pollWith({ schedule: { ...deps.schedule, pollIntervalMs: day } });
  watch = world.watch(mailboxOf('removed'));
  trackingIds = seed(watch, 3);
  return end;
});

const tick = (plan = new FaultPlan()) => world.faults.run(plan, () => pollAfter(90_000));
const add = () => registry().addAll([watch], false, now());
/** Rows of the watch's snapshot and rows of the registry. */
const left = async () => [await snapshotRows(watch), await rowsOf('WATCHES')];
async function transferRows(): Promise<number> {
  const { bits } = await new Snapshot(deps, watch).readRoot();
  const buckets = new Set(Array.from({ length: 2 ** bits }, (_, bucket) => bucket));
  return (await new Snapshot(deps, watch).readBuckets(buckets, bits)).size;
}

/** Adds the watch, polls it, and removes it. */
async function addAndRemove(): Promise<void> {
  await add();
  await tick();
  await registry().remove(watch, now());
  await takeTold();
}
/** Declares the watch, polls it, and declares it no more. */
async function declareAndDrop(): Promise<void> {
  await registry().declare([watch], false, now());
  await tick();
  await registry().declare([], false, now());
}
/** Ends the time for which a removed watch is kept. */
const wait = () => world.clock.advance(30 * day);

/** A tick that deletes calls: two reads, lease, root, claim, transfers, three of them, blocks, one, root, watch, lease. */
const calls = Array.from({ length: 16 }, (_, call) => call);

describe('deleteExpired', () => {
  it.each<[string, () => Promise<unknown>, object[]]>([
    ['was removed', addAndRemove, []],
    ['left the configuration file', declareAndDrop, [{ isDisabled: true }]],
  ])('deletes a watch and its snapshot 30 days after it %s, and not before', async (_, end, listed) => {
    await end();
    expect(await registry().list()).toMatchObject(listed);
    world.clock.advance(29 * day);
    await tick();
    expect(await left()).toEqual([5, 1]);
    world.clock.advance(day);
    await tick();
    expect(await left()).toEqual([0, 0]);
  });

  it.each([1, 365])('keeps the data of a removed watch for the %i days of the configuration', async (days) => {
    pollWith({ keptForMs: days * day });
    await addAndRemove();
    world.clock.advance((days - 1) * day);
    await tick();
    expect(await left()).toEqual([5, 1]);
    world.clock.advance(day);
    await tick();
    expect(await left()).toEqual([0, 0]);
  });

  it('keeps a paused watch', async () => {
    await registry().declare([watch], false, now());
    await tick();
    await registry().pause(watch);
    wait();
    await tick();
    expect(await left()).toEqual([5, 1]);
  });

  it('deletes a watch that was never polled', async () => {
    await add();
    await registry().remove(watch, now());
    wait();
    await tick();
    expect(await left()).toEqual([0, 0]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['added again', add],
    ['declared', () => registry().declare([watch], false, now())],
  ])('keeps a watch that is %s in time, and announces what has changed since', async (_, again) => {
    await addAndRemove();
    world.clock.advance(29 * day);
    world.cryptshare.transfers.setState(trackingIds[0]!, 'FAILED');
    await again();
    wait();
    await tick();
    expect(await takeTold()).toEqual([`transfer.failed ${trackingIds[0]}`]);
    expect(await left()).toEqual([5, 1]);
    expect(await registry().list()).toHaveLength(1);
  });

  it('deletes 500 transfers at each tick', async () => {
    seed(watch, 520);
    await addAndRemove();
    wait();
    const plan = new FaultPlan();
    await tick(plan);
    expect(plan.calls.filter((command) => command === 'DeleteItemCommand')).toHaveLength(500);
    expect(await snapshotRows(watch)).toBeGreaterThan(23);
    await tick();
    expect(await left()).toEqual([0, 0]);
  });

  it('deletes a forgotten watch at the next tick, thousands of transfers at once, even without the server', async () => {
    seed(watch, 1200);
    await addAndRemove();
    await registry().remove(watch, forgottenAt);
    const server = world.client();
    onTestFinished(() => server.calls.close());
    pollWith({ server });
    world.cryptshare.faults.inject({ times: 5, answer: { kind: 'dropped' } });
    await tick();
    expect(await left()).toEqual([0, 0]);
  });

  it.each<[string, () => unknown]>([
    ['has answered this process before', () => {}],
    [
      'has not answered this process yet',
      () => {
        const server = world.client();
        onTestFinished(() => server.calls.close());
        pollWith({ server });
      },
    ],
    ['lists another mailbox in that tick', () => registry().addAll([world.watch(mailboxOf('other'))], false, now())],
    ['does not answer', () => world.cryptshare.faults.inject({ times: 5, answer: { kind: 'dropped' } })],
  ])('keeps a watch though the clock is a month ahead for a tick, if the server %s (P20)', async (_, prepare) => {
    await addAndRemove();
    await prepare();
    world.clock.set(31 * day);
    await tick().finally(() => world.clock.set(-31 * day));
    world.cryptshare.faults.clear();
    await tick();
    expect(await snapshotRows(watch)).toBe(5);
    expect(await rowsOf('WATCHES')).toBeGreaterThan(0);
    wait();
    await tick();
    expect(await snapshotRows(watch)).toBe(0);
  });

  it.each(faultsAt(calls.length, ['lost', 'crash after']))(
    'leaves no row behind once later ticks have continued: $kind at call $call',
    async ({ call, kind }) => {
      await addAndRemove();
      wait();
      await tick(new FaultPlan([[call, kind]])).catch(() => undefined);
      await tick();
      await tick();
      expect(await left()).toEqual([0, 0]);
    },
  );

  it.each(calls)(
    'deletes nothing of the new snapshot of a watch that is added again before call %i (P10)',
    async (call) => {
      await addAndRemove();
      wait();
      const plan = new FaultPlan([[call, 'pause']]);
      const deleting = tick(plan);
      await Promise.race([plan.reachedPause, deleting]);
      const rest = trackingIds.concat(seed(watch, 1));
      await add();
      // As an invocation of another deployment would poll, which does not know this lease.
      const poll = () => pollWatch(deps, watch, world.terms());
      await poll();
      plan.resume();
      await deleting;
      world.clock.advance(90_000);
      await poll();
      await poll();
      // A poll that came before the deletion has continued with the old snapshot.
      expect([[], [`transfer.active ${rest[3]}`]]).toContainEqual(await takeTold());
      expect(await transferRows()).toBe(4);
      for (const trackingId of rest) world.cryptshare.transfers.setState(trackingId, 'FAILED');
      world.clock.advance(90_000);
      await poll();
      expect((await takeTold()).toSorted()).toEqual(
        rest.map((trackingId) => `transfer.failed ${trackingId}`).toSorted(),
      );
      await tick();
      expect(await transferRows()).toBe(4);
      expect(await registry().find(watch)).toMatchObject(watch);
    },
  );

  /** Polls the watch at once, in the time that a tick has on AWS. */
  async function pollAgain(times: number, after: number): Promise<void> {
    for (let poll = 0; poll < times; poll += 1) {
      world.clock.advance(after);
      await registry().hasten(watch.mailbox, now());
      await pollAfter(0, { budget: 110_000 });
    }
  }

  it.each([
    ['forward by an hour', hour],
    ['back by an hour', -hour],
    ['not at all', 0],
  ])('deletes nothing of a new snapshot by a clock that is set %s during the deletion', async (_, by) => {
    await addAndRemove();
    wait();
    // After the claim, before the rows to delete are read: two reads, lease, root, claim, transfers.
    const plan = new FaultPlan([[5, 'pause']]);
    const deleting = tick(plan);
    await plan.reachedPause;
    await add();
    world.clock.set(by);
    await pollAfter(2000, { budget: 110_000 });
    plan.resume();
    await deleting;
    await pollAgain(3, by < 0 ? 700_000 : 90_000);
    expect(await takeTold()).toEqual([]);
    world.cryptshare.transfers.setState(trackingIds[0]!, 'FAILED');
    await pollAgain(2, 90_000);
    expect(await takeTold()).toEqual([`transfer.failed ${trackingIds[0]}`]);
    expect(await transferRows()).toBe(3);
  });
});

describe('pollShard', () => {
  it.each([false, true])(
    'polls a watch within minutes that is added again (during its deletion: %s)',
    async (isDeleting) => {
      seed(watch, 520);
      await addAndRemove();
      if (isDeleting) wait();
      await pollAfter(minute, { budget: 110_000 });
      await add();
      const outcomes: string[] = [];
      for (let passed = 1; passed <= 60; passed += 1) {
        const { polls } = await pollAfter(minute, { budget: 110_000 });
        outcomes.push(...polls.map(({ outcome }) => `${passed} min: ${outcome}`));
      }
      expect(outcomes.filter((one) => !one.endsWith('superseded'))).toEqual([
        expect.stringMatching(/^\d min: (baseline|unchanged)$/),
      ]);
    },
  );
});

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pollOnDemand } from '#functions/poll/on-demand-poll.ts';
import type { ShardPoll } from '#functions/poll/poll-shard.ts';
import type { WantedWatch } from '#functions/watches/watches.ts';
import { freeShard } from '#infra/local/interruption.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { pollBudget, type WorldDependencies } from '#test/support/poll-world.ts';
import {
  day,
  declare,
  deps,
  mailboxes,
  mailboxOf,
  minute,
  now,
  poll,
  pollAfter,
  pollWith,
  readShard,
  registry,
  seed,
  snapshotRows,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

/** Milliseconds from one tick to the next, at each of which every watch is due. */
const interval = 1000;

/** Real milliseconds before which no request is overdue in these tests. */
const patience = 500;

const inFlight: Promise<unknown>[] = [];
const processes: WorldDependencies[] = [];

beforeAll(startShardWorld);
beforeEach(async () => {
  await startShards();
  pollWith(newProcess());
  return async () => {
    world.cryptshare.faults.clear();
    for (const { server } of processes.splice(0)) server.calls.close();
    await Promise.all(inFlight.splice(0));
  };
});

function newProcess(pollIntervalMs = interval): WorldDependencies {
  const process = {
    ...deps,
    schedule: { ...deps.schedule, pollIntervalMs },
    server: world.client({ shortestOverdueMs: patience }),
  };
  processes.push(process);
  return process;
}

/** Declares watches, and polls them once. */
async function start(count: number): Promise<WantedWatch[]> {
  const watches = await declare(count);
  await tick();
  world.clock.advance(interval);
  return watches;
}
const tick = (as = deps): Promise<ShardPoll> => poll({ as, at: now() });

/** Has the server answer no request for these mailboxes before the test is over. */
function hang(...watches: WantedWatch[]): void {
  for (const { mailbox } of watches) {
    const path = encodeURIComponent(mailbox);
    world.cryptshare.faults.inject({ path, times: 1000, answer: { kind: 'delayed', ms: minute } });
  }
}
/** Ends all requests in flight, as their timeouts would. */
function endHanging(): void {
  world.cryptshare.faults.clear();
  deps.server.calls.close();
}
const leases = async () => Object.values((await readShard()).row.leases ?? {});

/** Begins a poll that hangs, and waits until it has narrowed its lease. */
async function begin(work: Promise<unknown>): Promise<void> {
  inFlight.push(work);
  const isNarrowed = async () => (await leases()).some(({ watches }) => watches !== undefined);
  await expect.poll(isNarrowed, { interval: 20 }).toBe(true);
  world.clock.advance(interval);
}
/** Has a process die while it polls a watch that hangs; all watches are polled once a day. */
async function dieHanging(watch: WantedWatch): Promise<void> {
  const dying = newProcess(day);
  world.clock.advance(day);
  hang(watch);
  const plan = new FaultPlan();
  await begin(world.faults.run(plan, () => tick(dying)).catch(() => undefined));
  plan.kill();
  world.cryptshare.faults.clear();
}
const names = (watches: readonly WantedWatch[]) => watches.map(({ mailbox }) => mailbox).toSorted();

describe('pollShard while a listing hangs', () => {
  it('polls all other watches at the next tick, which does not wait (P16)', async () => {
    const [hanging, ...others] = await start(12);
    hang(hanging!);
    await begin(tick());
    const next = await tick();
    expect(mailboxes(next)).toEqual(names(others));
    expect(next.skipped).toBe(0);
    world.clock.advance(interval);
    expect(mailboxes(await tick())).toEqual(names(others));
  });

  it('shares the requests in flight with the processes in which other listings hang', async () => {
    const [one, two, ...others] = await start(12);
    hang(one!);
    await begin(tick());
    const second = newProcess();
    hang(two!);
    inFlight.push(tick(second));
    await expect.poll(() => second.server.calls.slots.isHeldUp(two!.mailbox)).toBe(true);
    const third = newProcess();
    const free = async () => {
      world.clock.advance(interval);
      return mailboxes(await tick(third));
    };
    await expect.poll(free).toEqual(names(others));
    const held = await leases();
    expect(held.flatMap(({ watches = [] }) => watches)).toHaveLength(2);
    expect(held.reduce((sum, { slots }) => sum + slots, 0)).toBeLessThan(4);
  });

  it('polls the others at each tick though more listings hang than polls and requests may be in flight', async () => {
    const [well, ...hanging] = await start(10);
    hang(...hanging);
    await begin(tick());
    for (let round = 0; round < 3; round += 1) {
      const ended: string[] = [];
      inFlight.push(poll({ at: now(), onPoll: ({ watch }) => ended.push(watch.mailbox) }));
      await expect.poll(() => ended).toContain(well!.mailbox);
      // The next one needs the shard.
      await expect.poll(async () => (await leases()).every(({ watches }) => watches)).toBe(true);
      world.clock.advance(interval);
    }
  });

  it('is not delayed by an on-demand poll', async () => {
    const [hanging, ...others] = await start(3);
    hang(hanging!);
    await begin(pollOnDemand(deps, hanging!, world.clock.steady() + pollBudget));
    expect(mailboxes(await tick())).toEqual(names(others));
  });

  it('polls the hanging watch again at the first tick after its poll', async () => {
    const [hanging] = await start(2);
    hang(hanging!);
    const work = tick();
    await begin(work);
    endHanging();
    await work;
    expect((await tick()).polls).toHaveLength(2);
  });

  it('stores that a cause is mended, so that all watches that fail for it are polled', async () => {
    const [hanging, other] = await start(3);
    const answer = { kind: 'response' as const, status: 403, body: '{"errorCode":3003,"errorMessage":"forbidden"}' };
    const fail = ({ mailbox }: WantedWatch) =>
      world.cryptshare.faults.inject({ path: encodeURIComponent(mailbox), answer });
    fail(hanging!);
    fail(other!);
    await tick();
    world.clock.advance(interval);
    hang(hanging!);
    fail(other!);
    const work = tick();
    await begin(work);
    endHanging();
    const failing = (await work).polls.filter(({ problem }) => problem);
    expect(failing.map(({ watch }) => watch.mailbox)).toEqual([other!.mailbox]);
    expect((await readShard()).mended).toHaveProperty('forbidden');
  });

  it('polls the hanging watch of a dead process soon after its lease has expired, not an interval later', async () => {
    const [hanging] = await start(12);
    await dieHanging(hanging!);
    const next = newProcess(day);
    let waited = 0;
    let isPolled = false;
    while (!isPolled && waited < 2 * day) {
      waited += 10 * minute;
      isPolled = mailboxes(await pollAfter(10 * minute, { as: next })).includes(hanging!.mailbox);
    }
    expect(waited).toBeLessThanOrEqual(30 * minute);
  });

  it('polls the hanging watch of a dead process when the local run restarts', async () => {
    const [hanging] = await start(12);
    await dieHanging(hanging!);
    await freeShard(deps.dynamo, deps.table);
    expect(mailboxes(await pollAfter(5000, { as: newProcess(day) }))).toEqual([hanging!.mailbox]);
  });

  it('deletes the snapshot of a removed watch after 30 days', async () => {
    const [removed, hanging] = await start(6);
    await registry().remove(removed!, now());
    world.clock.advance(31 * day);
    hang(hanging!);
    const work = tick();
    await begin(work);
    endHanging();
    await work;
    expect(await leases()).toEqual([]);
    expect(await snapshotRows(removed!)).toBe(0);
  });

  it('polls a watch that was added again during a tick once that tick is over, not an interval later', async () => {
    pollWith(newProcess(day));
    const added = world.watch(mailboxOf('added'));
    const hanging = world.watch(mailboxOf('hanging'));
    const often = { ...world.watch(mailboxOf('often')), pollIntervalMs: interval };
    for (const watch of [added, hanging, often]) seed(watch, 1);
    await registry().addAll([added, hanging, often], false, now());
    await pollAfter(minute);
    await registry().remove(added, now());
    // The answers of this tick show that the server's clock agrees.
    await pollAfter(31 * day + minute);
    world.clock.advance(day);
    hang(hanging);
    const first = tick();
    await expect.poll(() => snapshotRows(added), { interval: 20 }).toBe(0);
    await begin(first);
    world.clock.advance(15_000);
    await registry().addAll([added], false, now());
    const polled = mailboxes(await pollAfter(30_000));
    endHanging();
    await first;
    pollWith(newProcess(day));
    for (let tick = 0; tick < 60; tick += 1) polled.push(...mailboxes(await pollAfter(minute)));
    expect(polled).toContain(added.mailbox);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { closedCircuit, type ServerCircuit } from '#functions/cryptshare/circuit-breaker.ts';
import { pollShard } from '#functions/poll/poll-shard.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';
import { type WantedWatch, Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { type Fault, faultAnswers } from '#infra/simulator/faults.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { pollBudget, startWorld, type World, type WorldDependencies } from '#test/support/poll-world.ts';

const minute = 60_000;
const hour = 60 * minute;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

let tables = 0;
let deps: WorldDependencies;
beforeEach(async () => {
  tables += 1;
  deps = { ...world.depsOn(`load-${tables}`), server: world.client() };
  await createTransfersTable(deps.dynamo, deps.table);
  world.cryptshare.faults.clear();
  world.setDrift(() => {});
  world.cryptshare.requests.reset();
});

/** Declares watches of so many mailboxes, each with one transfer. */
async function declare(count: number, every?: number): Promise<WantedWatch[]> {
  const list = Array.from({ length: count }, (_, index) => ({
    ...world.watch(`load-${tables}-${index}@example.com`),
    ...(every !== undefined && { every }),
  }));
  for (const { mailbox } of list) {
    world.cryptshare.transfers.seed({ sender: mailbox, to: ['bob@example.com'], count: 1, state: 'ACTIVE' });
  }
  await new Watches(deps.dynamo, deps.table).declare(list, false, now());
  // No tick comes so soon after it that a second one would look again.
  world.clock.advance(15_000);
  return list;
}
const now = () => world.clock.now().toISOString();
const tick = (at = now(), budget = pollBudget, with_: WorldDependencies = deps) =>
  pollShard(with_, { shard: 0, at }, world.clock.now().getTime() + budget, () => {});

/** Ticks a minute apart, and what they did: the number of polls and of requests for each. */
async function minutes(count: number) {
  const polls: number[] = [];
  const requests: number[] = [];
  for (let index = 0; index < count; index += 1) {
    world.clock.advance(minute);
    world.cryptshare.requests.reset();
    polls.push((await tick()).polls.length);
    requests.push(world.cryptshare.requests.total);
  }
  return { polls, requests };
}
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const failWith = (answer: Fault['answer'], times = 10_000, path = '') =>
  world.cryptshare.faults.inject({ path, times, answer });

describe('a watch is polled', () => {
  it('in its own interval, and each at a moment of its own', async () => {
    await declare(40, 10 * minute);
    expect((await tick()).polls).toHaveLength(40);
    const { polls } = await minutes(20);
    expect(sum(polls)).toBe(80);
    expect(Math.max(...polls)).toBeLessThan(16);
    expect(polls.slice(0, 10)).toEqual(polls.slice(10));
  });

  it('at the tick after it was added, whatever its interval', async () => {
    await declare(1);
    await minutes(2);
    const watch = world.watch('added-later@example.com');
    await new Watches(deps.dynamo, deps.table).addAll([{ ...watch, pollIntervalMs: 24 * hour }], false, now());
    expect((await minutes(3)).polls).toEqual([2, 1, 1]);
  });

  it('soon after it was added, even if the tick that came then was too early to see it', async () => {
    await declare(1);
    const at = now();
    world.clock.advance(1);
    await tick();
    const watch = world.watch('seen-later@example.com');
    await new Watches(deps.dynamo, deps.table).addAll([{ ...watch, pollIntervalMs: 24 * hour }], false, at);
    expect((await minutes(3)).polls).toEqual([2, 1, 1]);
  });

  it('at the tick after its interval was changed, and then in that interval', async () => {
    const [watch] = await declare(1, 24 * hour);
    await minutes(2);
    expect(sum((await minutes(3)).polls)).toBe(0);
    await new Watches(deps.dynamo, deps.table).setPollInterval(watch!, minute, now());
    expect((await minutes(3)).polls).toEqual([1, 1, 1]);
  });

  it('once for all the ticks that were lost', async () => {
    await declare(1, 24 * hour);
    await tick();
    world.clock.advance(72 * hour);
    expect((await tick()).polls).toHaveLength(1);
    expect((await tick()).polls).toHaveLength(0);
  });

  it('by the next tick when there was no time left for it, although its moment is over', async () => {
    await declare(20, 24 * hour);
    await tick();
    world.clock.advance(24 * hour);
    world.setDrift(() => world.clock.advance(pollBudget));
    const late = await tick();
    expect(late.skipped).toBeGreaterThan(0);
    world.setDrift(() => {});
    world.clock.advance(minute);
    expect((await tick()).polls.length).toBeGreaterThanOrEqual(late.skipped);
  });

  it('once for the tick at which it was due when time is too short for all, and then in its interval again', async () => {
    const watches = await declare(40, 24 * hour);
    world.setDrift(() => world.clock.advance(pollBudget));
    const polled: string[] = [];
    for (let index = 0; index < 20; index += 1) {
      polled.push(...(await tick()).polls.map(({ watch }) => watch.mailbox));
      world.clock.advance(minute);
    }
    expect(new Set(polled)).toEqual(new Set(watches.map(({ mailbox }) => mailbox)));
    // One or the other has come to its own moment meanwhile.
    expect(polled.length).toBeLessThan(45);
  });

  it('before those that have just become due, if no time was left for it', async () => {
    const [left, ...others] = await declare(30, 24 * hour);
    await tick();
    const registry = new Watches(deps.dynamo, deps.table);
    await registry.setPollInterval(left!, minute, now());
    world.clock.advance(minute);
    expect(await tick(now(), 0)).toEqual({ polls: [], skipped: 1 });
    for (const watch of others) await registry.setPollInterval(watch, minute, now());
    world.clock.advance(minute);
    world.setDrift(() => world.clock.advance(pollBudget));
    const { polls, skipped } = await tick();
    expect(skipped).toBeGreaterThan(0);
    expect(polls.map(({ watch }) => watch.mailbox)).toContain(left!.mailbox);
  });

  it('as it was to be listed when no time was left for it', async () => {
    const [watch] = await declare(1, 24 * hour);
    const people = { sender: watch!.mailbox, to: ['bob@example.com'] };
    world.cryptshare.transfers.seed({ ...people, count: 110, state: 'DELETED_BY_EXPIRATION' });
    await tick();
    deps = { ...deps, schedule: { ...deps.schedule, fullListingEvery: 2 } };
    const scopes: string[] = [];
    for (let day = 0; day < 4; day += 1) {
      world.clock.advance(24 * hour);
      expect(await tick(now(), 0)).toEqual({ polls: [], skipped: 1 });
      world.clock.advance(minute);
      scopes.push(...(await tick()).polls.map(({ scope }) => scope));
    }
    expect(scopes.slice(0, 2).toSorted()).toEqual(['active', 'all']);
    expect(scopes.slice(2)).toEqual(scopes.slice(0, 2));
  });
});

describe('a watch that has not changed for an hour', () => {
  beforeEach(() => {
    deps = { ...deps, schedule: { ...deps.schedule, pollIntervalMs: 5 * minute, quietIntervalMs: 30 * minute } };
  });
  /** How often it is polled in a number of hours that have a tick every five minutes. */
  async function pollsIn(hours: number): Promise<number> {
    let polls = 0;
    for (let index = 0; index < 12 * hours; index += 1) {
      world.clock.advance(5 * minute);
      polls += (await tick()).polls.length;
    }
    return polls;
  }

  it('is polled in the interval of quiet ones until it changes, and for an hour after that as others', async () => {
    const [watch] = await declare(1);
    await tick();
    expect(await pollsIn(1)).toBeGreaterThanOrEqual(11);
    expect(await pollsIn(2)).toBe(4);
    world.cryptshare.transfers.create({ sender: watch!.mailbox, to: ['bob@example.com'] });
    expect(await pollsIn(0.5)).toBeGreaterThan(0);
    expect(await pollsIn(0.5)).toBe(6);
    await pollsIn(1);
    expect(await pollsIn(1)).toBe(2);
  });

  it('is polled as others while it fails, and after it was resumed', async () => {
    const [watch] = await declare(1);
    await tick();
    await pollsIn(1.5);
    failWith(faultAnswers.emptyUnauthorized);
    await pollsIn(0.5);
    expect(await pollsIn(0.5)).toBe(6);
    world.cryptshare.faults.clear();
    await pollsIn(0.5);
    expect(await pollsIn(1)).toBe(2);
    const registry = new Watches(deps.dynamo, deps.table);
    await registry.pause(watch!);
    await registry.resume((await registry.find(watch!))!, now());
    expect(await pollsIn(0.5)).toBe(6);
  });

  it('has no change written down where quiet watches are polled as others', async () => {
    deps = { ...deps, schedule: { ...deps.schedule, quietIntervalMs: undefined } };
    const [watch] = await declare(1);
    await tick();
    expect(await new Watches(deps.dynamo, deps.table).find(watch!)).not.toHaveProperty('changedAt');
  });
});

describe('a shard', () => {
  it('is polled by one invocation at a time, so that never more requests are under way than may be', async () => {
    await declare(12);
    // No answer comes before the late invocations have ended and as many requests as may are under way at once.
    const { promise: answers, resolve: answer } = Promise.withResolvers<void>();
    let asked = 0;
    let ended = 0;
    const answerIfDue = () => {
      if (asked >= 4 && ended >= 3) answer();
    };
    world.setDrift(() => {
      asked += 1;
      answerIfDue();
      return answers;
    });
    const others = Array.from({ length: 3 }, () => ({ ...deps, server: world.client() }));
    const ends = await Promise.all(
      [tick(), ...others.map((other) => tick(now(), pollBudget, other))].map((one) =>
        one.finally(() => {
          ended += 1;
          answerIfDue();
        }),
      ),
    );
    expect(ends.map(({ polls }) => polls.length).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 12]);
    expect(sum(ends.map(({ skipped }) => skipped))).toBe(36);
    expect(world.cryptshare.requests.greatestInFlight).toBe(4);
    for (const { server } of others) server.close();
  });

  it('is polled once for a tick that comes twice', async () => {
    await declare(3);
    const at = now();
    expect((await tick(at)).polls).toHaveLength(3);
    expect(await tick(at)).toEqual({ polls: [], skipped: 0 });
  });

  it('is free again after the time of an invocation that died, and what it left undone is made up for', async () => {
    await declare(3, 24 * hour);
    await tick();
    world.clock.advance(24 * hour);
    const stopsAfterTheListing = new FaultPlan([[3, 'crash before']]);
    await world.faults.run(stopsAfterTheListing, () => tick()).catch(() => undefined);
    world.clock.advance(minute);
    expect(await tick()).toEqual({ polls: [], skipped: 3 });
    world.clock.advance(minute);
    expect((await tick()).polls).toHaveLength(3);
  });

  it('is not freed by one whose time was over before it was done', async () => {
    const rows = new ShardRows(deps.dynamo, deps.table, 4);
    const time = world.clock.now().getTime();
    const row = async () => (await rows.read(0, 1, deps.origin)).row;
    const late = await rows.acquire(0, await row(), { since: time, until: time + minute });
    const term = { since: time + minute, until: time + 2 * minute };
    const next = await rows.acquire(0, await row(), term);
    await rows.release(late!, { shards: 1, polled: [{ from: 0, to: time }], failing: {} });
    expect((await row()).leases).toEqual({ [next!.name]: { ...term, slots: 4 } });
    expect((await row()).polled).toBeUndefined();
  });

  it('costs no write while nothing of it is due', async () => {
    await declare(3, 24 * hour);
    await tick();
    world.clock.advance(minute);
    const plan = new FaultPlan();
    expect(await world.faults.run(plan, () => tick())).toEqual({ polls: [], skipped: 0 });
    expect(plan.calls).toEqual(['QueryCommand', 'QueryCommand']);
  });
});

describe('a server failing is left alone', () => {
  it('by every process, for the time that one of them was told', async () => {
    await declare(1);
    failWith(faultAnswers.tooManyRequests('300'), 1);
    expect((await tick()).polls).toMatchObject([{ problem: { cause: 'throttled' } }]);
    deps = { ...deps, server: world.client() };
    const { polls, requests } = await minutes(5);
    expect(polls).toEqual([1, 1, 1, 1, 1]);
    expect(requests.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(requests[4]).toBeGreaterThan(0);
  });

  it.each([
    { what: 'throttles', answer: faultAnswers.tooManyRequests(), most: 30 },
    { what: 'fails', answer: faultAnswers.serverError, most: 40 },
    { what: 'breaks connections', answer: { kind: 'dropped' } as const, most: 40 },
  ])('more and more while it $what, by all watches, and is asked again in time', async ({ answer, most }) => {
    await declare(4);
    await tick();
    failWith(answer);
    const { requests } = await minutes(60);
    // Unrestrained, these were 3 for each of 4 watches a minute.
    expect(sum(requests)).toBeLessThan(most);
    expect(sum(requests.slice(-15))).toBeGreaterThan(0);

    world.cryptshare.faults.clear();
    world.clock.advance(15 * minute);
    const { polls } = await minutes(1);
    expect(polls).toEqual([4]);
    expect((await tick(new Date(world.clock.now().getTime() + minute).toISOString())).polls).toMatchObject(
      Array(4).fill({ outcome: 'unchanged', problem: undefined }),
    );
  });

  it('no longer once it answers: one fault later is one fault, not the next of many', async () => {
    await declare(1);
    await tick();
    failWith(faultAnswers.serverError);
    await minutes(10);
    world.cryptshare.faults.clear();
    world.clock.advance(15 * minute);
    await minutes(2);
    failWith(faultAnswers.serverError, 3);
    const { requests } = await minutes(2);
    expect(requests).toEqual([3, 1]);
  });

  it('but not because the listing of one mailbox fails each time', async () => {
    const [broken] = await declare(6);
    await tick();
    failWith(faultAnswers.serverError, 10_000, encodeURIComponent(broken!.mailbox));
    const { polls, requests } = await minutes(10);
    expect(polls).toEqual(Array(10).fill(6));
    for (const count of requests) expect(count).toBeGreaterThanOrEqual(5 + 1);
  });

  it.each([
    { when: 'from the beginning', outage: 0 },
    { when: 'since a time at which nothing was answered', outage: 60 },
  ])('but not because one mailbox fails that is polled far more often than others, $when', async ({ outage }) => {
    const [broken, ...others] = await declare(6, hour);
    await new Watches(deps.dynamo, deps.table).setPollInterval(broken!, minute, now());
    await tick();
    failWith(faultAnswers.serverError);
    await minutes(outage);
    world.cryptshare.faults.clear();
    failWith(faultAnswers.serverError, 10_000, encodeURIComponent(broken!.mailbox));
    // The last rest that all have to keep is over then.
    await minutes(outage / 6);
    const outcomes: string[] = [];
    for (let index = 0; index < 60; index += 1) {
      world.clock.advance(minute);
      const { polls } = await tick();
      outcomes.push(...polls.filter(({ watch }) => watch.mailbox !== broken!.mailbox).map(({ outcome }) => outcome));
    }
    expect(new Set(outcomes)).toEqual(new Set(['unchanged']));
    // Those that the outage has left failing come round sooner.
    expect(outcomes.length).toBeGreaterThanOrEqual(others.length);
  });
});

test('what one shard was told is not forgotten because another has heard a good answer at the same time', async () => {
  const rows = new ShardRows(deps.dynamo, deps.table, 4);
  const time = world.clock.now().getTime();
  const told: ServerCircuit = { faults: 1, openUntil: time + hour, cause: 'throttled' };
  const circuit = async () => (await rows.read(0, 1, deps.origin)).circuit;
  await rows.keepCircuit(deps.origin, told, time);
  await rows.keepCircuit(deps.origin, { faults: 0, openUntil: time, cause: 'throttled' }, time);
  expect(await circuit()).toEqual(told);
  await rows.keepCircuit(deps.origin, { ...told, faults: 0 }, time);
  expect(await circuit()).toEqual({ ...told, faults: 0 });

  await rows.keepCircuit(
    deps.origin,
    {
      ...told,
      openUntil: time + 2 * hour,
      cause: 'timeout',
      mailbox: 'a@example.com',
    },
    time,
  );
  await rows.keepCircuit(deps.origin, closedCircuit, time);
  expect(await circuit()).toEqual(closedCircuit);

  await rows.keepCircuit(deps.origin, told, time);
  await rows.keepCircuit('https://other.example.com', closedCircuit, time);
  expect((await rows.read(0, 1, 'https://other.example.com')).circuit).toEqual(closedCircuit);
});

test('another server is not left alone for what the one before it asked', async () => {
  await declare(1);
  failWith(faultAnswers.tooManyRequests('3000'), 1);
  await tick();
  world.clock.advance(minute);
  const elsewhere = { ...deps, server: world.client(), origin: 'https://other.example.com' };
  expect((await tick(now(), pollBudget, elsewhere)).polls).toMatchObject([{ requests: 1 }]);
  elsewhere.server.close();
});

import { beforeEach, describe, expect, test } from 'vitest';
import { leaseDurationMs, newLease, release } from '#functions/webhooks/endpoints/lease.ts';
import { Leases } from '#functions/webhooks/endpoints/leases.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  add,
  another,
  deliveryOf,
  die,
  duringFirst,
  events,
  first,
  ids,
  now,
  other,
  pass,
  prepare,
  requests,
  second,
  startDrainWorld,
  timesOf,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';
import { webhooksTable } from '#test/support/webhook-world.ts';

beforeEach(startDrainWorld);

describe('a process that was paused for longer than its lease', () => {
  test('begins nothing more, and what it was to make is made by others, once', async () => {
    await add({ maxInFlight: 1 });
    await prepare(...events.slice(0, 6));
    duringFirst(async () => {
      world.clock.advance(leaseDurationMs);
      await deliver(another(), [wakeUpFor(events[5]!)]);
    });
    await world.deliver([wakeUpFor(...events.slice(0, 5))]);
    await world.answerWakeUps();
    expect(timesOf(first)).toBe(2);
    expect(events.slice(1, 6).map(timesOf)).toEqual([1, 1, 1, 1, 1]);
    expect(await requests()).toEqual([]);
  });

  test('begins nothing under the lease of another that still works', async () => {
    await add({ maxInFlight: 1 });
    await prepare(...events.slice(0, 6));
    let most = 0;
    let underWay = 0;
    let companion: Promise<unknown> | undefined;
    const arrived = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    world.setAnswer(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      if (world.received.length === 1) {
        world.clock.advance(leaseDurationMs);
        companion = deliver(another(), [wakeUpFor(...events.slice(3))]);
        await arrived.promise;
      } else if (world.received.length === 2) {
        arrived.resolve();
        await ended.promise;
      }
      underWay -= 1;
      return { status: 204 };
    });
    await world.deliver([wakeUpFor(...events.slice(0, 3))]);
    expect(world.received).toHaveLength(2);
    ended.resolve();
    await companion;
    // The one that died for others, and the one of the other process.
    expect(most).toBe(2);
    expect(await requests()).toEqual([]);
    expect(new Set(ids()).size).toBe(6);
  });

  test('during an attempt says what came of it all the same, beside what came of the one that followed', async () => {
    await add();
    await prepare(first);
    duringFirst(async () => {
      world.clock.advance(60 * second);
      await deliver(another(), [wakeUpFor(first)]);
    }, 500);
    const { settled } = await world.deliver([wakeUpFor(first)]);
    expect(settled).toMatchObject([{ attempt: { outcome: { kind: 'failed' } } }]);
    const { deliveries, attempts } = await world.trace(first.id);
    expect(deliveries).toMatchObject([{ status: 'DELIVERED', attempt: 2 }]);
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'failed'],
      [2, 'delivered'],
    ]);
  });

  test('between writing the lease and beginning makes no request', async () => {
    await add({ maxInFlight: 2 });
    await prepare(...events.slice(0, 2));
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const slow = world.faults.run(plan, () => deliver(world.deps, [wakeUpFor(first, other)], now() + 15 * second + 1));
    await plan.reachedPause;
    world.clock.advance(leaseDurationMs);
    plan.resume();
    await slow;
    expect(world.received).toEqual([]);
    await world.answerWakeUps();
    expect(ids().toSorted()).toEqual([first.id, other.id].toSorted());
  });
});

test('a delivery is not given up without a request, because the table was slow for a while', async () => {
  await add({ retryDelaysMs: [5 * second] });
  await prepare(first);
  for (let times = 0; times < 2; times += 1) {
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const deadline = world.clock.steady() + 55 * second;
    const slow = world.faults.run(plan, () => deliver(another(), [wakeUpFor(first)], deadline));
    await plan.reachedPause;
    world.clock.advance(3.1 * second);
    plan.resume();
    await slow;
    world.clock.advance(30 * second);
  }
  expect(world.received).toEqual([]);
  await pass(3);
  expect(ids()).toEqual([first.id]);
  expect((await deliveryOf(first)).status).toBe('DELIVERED');
});

describe('a process whose lease another one, with a clock that is ahead, has taken and given back', () => {
  test('makes nothing again that it has read before and the other one has made', async () => {
    await add({ maxInFlight: 1 });
    const whole = new FaultPlan();
    await prepare(...events.slice(0, 4));
    await world.faults.run(whole, () => deliver(another(), [wakeUpFor(first, other)]));
    const renewal = whole.calls.indexOf('PutItemCommand', whole.calls.indexOf('PutItemCommand') + 1);
    const plan = new FaultPlan([[renewal, 'pause']]);
    const [made, left] = events.slice(2, 4) as [typeof first, typeof first];
    const slow = world.faults.run(plan, () => deliver(another(), [wakeUpFor(made, left)]));
    await plan.reachedPause;
    const ahead = () => new Date(now() + leaseDurationMs);
    await deliver({ ...another(), now: ahead }, [wakeUpFor(left)]);
    plan.resume();
    await slow;
    expect([timesOf(made), timesOf(left)]).toEqual([1, 1]);
    expect(await requests()).toEqual([]);
  });
});

test('a process that others always are quicker than makes no request, and leaves its deliveries to the next one', async () => {
  await add();
  await prepare(first, other);
  const crowded = world.through(async (command, _, next) => {
    if (command === 'PutItemCommand')
      await another().leases.change('crm', newLease, (lease) =>
        release(lease, { inFlight: {}, observations: [] }, now()),
      );
    return next();
  });
  const leases = new Leases({ dynamo: crowded.dynamo, table: webhooksTable }, () => 0);
  leases.leaveRequest = (...request) => world.deps.leases.leaveRequest(...request);
  const { unhandled } = await deliver({ ...world.deps, leases }, [wakeUpFor(first, other)]);
  expect([unhandled, world.received]).toEqual([[], []]);
  expect(await world.countWakeUps()).toBe(1);
  await world.answerWakeUps();
  expect(ids().toSorted()).toEqual([first.id, other.id].toSorted());
  expect(await requests()).toEqual([]);
});

describe('a process that has died', () => {
  test('has its deliveries made by the next one as soon as its lease ends, and not before, with that attempt counted', async () => {
    await add();
    await prepare(...events.slice(0, 4));
    await die(another(), wakeUpFor(...events.slice(0, 3)));
    world.received.length = 0;
    world.clock.advance(leaseDurationMs - 1);
    await world.deliver([wakeUpFor(events[3]!)]);
    expect(world.received).toEqual([]);
    world.clock.advance(1);
    await world.sweep();
    await world.answerWakeUps();
    expect(new Set(ids())).toEqual(new Set(events.slice(0, 4).map(({ id }) => id)));
    const attempts = await Promise.all(events.slice(0, 4).map(async (one) => (await deliveryOf(one)).attempt));
    expect(attempts[3]).toBe(1);
    expect(attempts.slice(0, 3)).toContain(2);
    expect(await requests()).toEqual([]);
  });

  test('has its deliveries made by one that remembers the lease as it was before', async () => {
    await add();
    const [before, ...others] = events.slice(0, 6);
    await prepare(...events.slice(0, 6));
    const remembering = another();
    await deliver(remembering, [wakeUpFor(before!, others[0]!)]);
    await die(another(), wakeUpFor(others[1]!, others[2]!));
    world.received.length = 0;
    world.clock.advance(leaseDurationMs);
    await deliver(remembering, [wakeUpFor(others[3]!, others[4]!)]);
    expect(ids().toSorted()).toEqual(
      others
        .slice(1)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect((await deliveryOf(others[1]!)).attempt).toBe(2);
  });
});

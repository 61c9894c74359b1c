import { beforeEach, describe, expect, test } from 'vitest';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { leaseDuration } from '../../../functions/webhooks/lease.ts';
import { resend } from '../../../functions/webhooks/replay.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import {
  add,
  another,
  deliveryOf,
  die,
  duringFirst,
  events,
  first,
  ids,
  idsOf,
  other,
  prepare,
  requests,
  second,
  startDrainWorld,
  third,
  wakeUpFor,
  world,
} from './drain-world.ts';

beforeEach(startDrainWorld);

describe('lone attempts', () => {
  test('of several processes, which remember less of them, take up no more than half of the room', async () => {
    await add({ maxInFlight: 4 });
    const some = events.slice(0, 8);
    await prepare(...some);
    let most = 0;
    let underWay = 0;
    const released = Promise.withResolvers<void>();
    world.setAnswer(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await released.promise;
      underWay -= 1;
      return { status: 204 };
    });
    const processes = some.map(another);
    // All of them have read the endpoint before the first one writes.
    const plans = some.map(() => new FaultPlan([['PutItemCommand', 'pause']]));
    const runs = some.map((one, at) => world.faults.run(plans[at]!, () => deliver(processes[at]!, [wakeUpFor(one)])));
    await Promise.all(plans.map((plan) => plan.reachedPause));
    for (const plan of plans) plan.resume();
    let ended = 0;
    for (const run of runs) void run.then(() => (ended += 1));
    while (world.received.length + ended < some.length) await world.deps.leases.read('crm');
    const live = Object.values((await world.deps.leases.read('crm')).flights);
    expect(live.length).toBeLessThanOrEqual(4);
    released.resolve();
    await Promise.all(runs);
    await world.answerWakeUps();
    expect(most).toBeLessThanOrEqual(4);
    expect(ids().toSorted()).toEqual(idsOf(some));
    expect(await requests()).toEqual([]);
  });

  test('of a process that died are made by the next one that is woken for them, once their time is over', async () => {
    await add();
    await prepare(first);
    await die(another(), wakeUpFor(first));
    world.received.length = 0;
    await world.deliver([wakeUpFor(first)]);
    expect(world.received).toEqual([]);
    expect(await world.countWakeUps()).toBe(1);
    world.clock.advance(leaseDuration);
    await world.deliver([wakeUpFor()]);
    expect(ids()).toEqual([first.id]);
    expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
    expect(await requests()).toEqual([]);
  });

  test('of others that take up all of the room are waited for, by one wake-up for their end', async () => {
    await add({ maxInFlight: 10, retryDelays: [5 * second, 5 * second] });
    await prepare(first, other, third);
    await die(another(), wakeUpFor(first));
    world.setAnswer(() => ({ status: 429 }));
    await deliver(another(), [wakeUpFor(other)]);
    const before = await world.countWakeUps();
    world.clock.advance(5 * second);
    world.received.length = 0;
    world.setAnswer(() => ({ status: 204 }));
    await deliver(another(), [wakeUpFor(third)], world.clock.steady() + 60 * second);
    expect(world.received).toEqual([]);
    expect(await world.countWakeUps()).toBe(before + 1);
    world.clock.advance(leaseDuration);
    await world.deliver([wakeUpFor()]);
    expect(ids().toSorted()).toEqual([other.id, third.id].toSorted());
  });

  test('of a delivery that stands among the retries are waited for by one that looks at these', async () => {
    await add();
    await prepare(first);
    await world.deliver([wakeUpFor(first)]);
    world.clock.advance(leaseDuration);
    await resend(world.deps, { event: first.id, endpoint: 'crm' });
    const plan = new FaultPlan();
    const woken: number[] = [];
    const before = await world.countWakeUps();
    duringFirst(async () => {
      await world.faults.run(plan, () => deliver(another(), [wakeUpFor()], world.clock.steady() + 60 * second));
      woken.push((await world.countWakeUps()) - before);
    });
    await world.deliver([wakeUpFor(first)]);
    expect(plan.calls.length).toBeLessThan(20);
    expect(woken).toEqual([1]);
    expect(ids()).toEqual([first.id, first.id]);
  });

  test('are not begun for a delivery that another process has begun to make since it was read', async () => {
    await add();
    await prepare(first);
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const late = world.faults.run(plan, () => deliver(another(), [wakeUpFor(first)]));
    await plan.reachedPause;
    duringFirst(async () => {
      plan.resume();
      await late;
    });
    await deliver(another(), [wakeUpFor(first)]);
    world.clock.advance(leaseDuration);
    await world.deliver([wakeUpFor()]);
    expect(ids()).toEqual([first.id]);
    expect(await requests()).toEqual([]);
  });

  test('that have ended keep nothing from being sent again at once', async () => {
    await add();
    await prepare(first);
    await world.deliver([wakeUpFor(first)]);
    expect(await resend(world.deps, { event: first.id, endpoint: 'crm' })).toBe(true);
    await world.answerWakeUps();
    expect(ids()).toEqual([first.id, first.id]);
    expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 1 });
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { cancelDelivery } from '#functions/webhooks/deliveries/cancel.ts';
import { resend } from '#functions/webhooks/deliveries/replay.ts';
import { leaseDurationMs } from '#functions/webhooks/endpoints/lease.ts';
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
  holdRequests,
  ids,
  idsOf,
  now,
  other,
  prepare,
  requests,
  second,
  startDrainWorld,
  third,
  timesOf,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';
import type { Received } from '#test/support/webhook-world.ts';

beforeEach(startDrainWorld);

/** Whether a request is the first one for an event. */
const isFirstOf =
  (event: { readonly id: string }) =>
  ({ headers }: Received): boolean =>
    headers['webhook-id'] === event.id && timesOf(event) === 1;

describe('lone attempts', () => {
  test('of several processes, which remember less of them, take up no more than half of the room', async () => {
    await add({ maxInFlight: 4 });
    const some = events.slice(0, 8);
    await prepare(...some);
    const held = holdRequests();
    const processes = some.map(another);
    // All of them have read the endpoint before the first one writes.
    const plans = some.map(() => new FaultPlan([['PutItemCommand', 'pause']]));
    const runs = some.map((one, index) =>
      world.faults.run(plans[index]!, () => deliver(processes[index]!, [wakeUpFor(one)])),
    );
    await Promise.all(plans.map((plan) => plan.reachedPause));
    for (const plan of plans) plan.resume();
    let ended = 0;
    for (const run of runs) void run.then(() => (ended += 1));
    while (world.received.length + ended < some.length) await world.deps.leases.read('crm');
    const live = Object.values((await world.deps.leases.read('crm')).inFlight);
    expect(live.length).toBeLessThanOrEqual(4);
    held.release();
    await Promise.all(runs);
    await world.answerWakeUps();
    expect(held.seen.most).toBeLessThanOrEqual(4);
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
    world.clock.advance(leaseDurationMs);
    await world.deliver([wakeUpFor()]);
    expect(ids()).toEqual([first.id]);
    expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
    expect(await requests()).toEqual([]);
  });

  test('of others that take up all of the room are waited for, by one wake-up for their end', async () => {
    await add({ maxInFlight: 10, retryDelaysMs: [5 * second, 5 * second] });
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
    world.clock.advance(leaseDurationMs);
    await world.deliver([wakeUpFor()]);
    expect(ids().toSorted()).toEqual([other.id, third.id].toSorted());
  });

  test('of a delivery that stands among the retries are waited for by one that looks at these', async () => {
    await add();
    await prepare(first);
    await world.deliver([wakeUpFor(first)]);
    world.clock.advance(leaseDurationMs);
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
    world.clock.advance(leaseDurationMs);
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

  test('of one process are not forgotten by another one that was woken for them, too', async () => {
    await add();
    await prepare(first, other, third);
    const held = holdRequests(isFirstOf(first));
    const lone = deliver(another(), [wakeUpFor(first)]);
    await held.underWay(1);
    // A request that nobody has looked at yet, as a process leaves it that was turned away.
    await world.deps.leases.leaveRequest('crm', [other.id], now(), now());
    // SQS brings the first message twice: another process defers that delivery, and makes the one that the request names.
    const companion = another();
    await deliver(companion, [wakeUpFor(first)]);
    expect(ids()).toEqual([first.id, other.id]);
    // Its next one writes the lease, as it remembers it.
    await deliver(companion, [wakeUpFor(third)]);
    expect((await world.deps.leases.read('crm')).inFlight).toHaveProperty([first.id]);
    // A third copy of the message, or whatever has the requests looked at.
    await deliver(another(), [wakeUpFor(first)]);
    held.release();
    await lone;
    expect(timesOf(first)).toBe(1);
  });

  test('of one process are not begun twice by it, though its clock is set back a day and calls take time', async () => {
    await add({ maxInFlight: 100 });
    const [alone, changed, ...others] = events.slice(0, 12);
    await prepare(...events.slice(0, 12));
    const process = world.slowed(20);
    const held = holdRequests(isFirstOf(alone!));
    const lone = deliver(process, [wakeUpFor(alone!)]);
    await held.underWay(1);
    world.clock.set(-86_400_000);
    // Another process changes the lease.
    await cancelDelivery(world.deps, { event: changed!.id, endpoint: 'crm' });
    await deliver(process, [wakeUpFor(...others, alone!)]);
    held.release();
    await lone;
    expect([timesOf(alone!), new Set(ids()).size]).toEqual([1, 11]);
  });
});

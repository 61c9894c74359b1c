import { beforeEach, describe, expect, test } from 'vitest';
import { leaseDurationMs } from '#functions/webhooks/endpoints/lease.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { crm, events, first, other, second, startEndpointWorld, third, world } from '#test/support/endpoint-world.ts';
import type { Received } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);

/** Whether a request is the first one for an event. */
const isFirstOf =
  (event: { readonly id: string }) =>
  ({ headers }: Received): boolean =>
    headers['webhook-id'] === event.id && world.timesOf(event) === 1;

describe('lone attempts', () => {
  test('take up at most half of the room, also of several processes that do not know each other', async () => {
    await crm.add({ maxInFlight: 4 });
    const some = events.slice(0, 8);
    await world.prepare(...some);
    const held = world.holdRequests();
    const processes = some.map(world.another);
    // All of them have read the endpoint before the first one writes.
    const plans = some.map(() => new FaultPlan([['PutItemCommand', 'pause']]));
    const runs = some.map((one, index) =>
      world.faults.run(plans[index]!, () => deliver(processes[index]!, [crm.wakeUp(one)])),
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
    expect(world.ids().toSorted()).toEqual(world.idsOf(some));
    expect(await world.tasks()).toEqual([]);
  });

  test('are made again after their time by the next process that is woken for them, if theirs has died', async () => {
    await crm.add();
    await world.prepare(first);
    await world.die(world.another(), crm.wakeUp(first));
    world.received.length = 0;
    await world.deliver([crm.wakeUp(first)]);
    expect(world.received).toEqual([]);
    expect(await world.countWakeUps()).toBe(1);
    world.clock.advance(leaseDurationMs);
    await world.deliver([crm.wakeUp()]);
    expect(world.ids()).toEqual([first.id]);
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
    expect(await world.tasks()).toEqual([]);
  });

  test('delay the others by one wake-up for their end when they take up all of the room', async () => {
    await crm.add({ maxInFlight: 10, retryDelaysMs: [5 * second, 5 * second] });
    await world.prepare(first, other, third);
    await world.die(world.another(), crm.wakeUp(first));
    world.setAnswer(() => ({ status: 429 }));
    await deliver(world.another(), [crm.wakeUp(other)]);
    const before = await world.countWakeUps();
    world.clock.advance(5 * second);
    world.received.length = 0;
    world.setAnswer(() => ({ status: 204 }));
    await deliver(world.another(), [crm.wakeUp(third)], world.clock.steady() + 60 * second);
    expect(world.received).toEqual([]);
    expect(await world.countWakeUps()).toBe(before + 1);
    world.clock.advance(leaseDurationMs);
    await world.deliver([crm.wakeUp()]);
    expect(world.ids().toSorted()).toEqual([other.id, third.id].toSorted());
  });

  test('delay a process that looks at retries, of which theirs is one', async () => {
    await crm.add();
    await world.prepare(first);
    await world.deliver([crm.wakeUp(first)]);
    world.clock.advance(leaseDurationMs);
    await crm.resend(first);
    const plan = new FaultPlan();
    const woken: number[] = [];
    const before = await world.countWakeUps();
    world.during(async () => {
      await world.faults.run(plan, () => deliver(world.another(), [crm.wakeUp()], world.clock.steady() + 60 * second));
      woken.push((await world.countWakeUps()) - before);
    });
    await world.deliver([crm.wakeUp(first)]);
    expect(plan.calls.length).toBeLessThan(20);
    expect(woken).toEqual([1]);
    expect(world.ids()).toEqual([first.id, first.id]);
  });

  test('do not begin for a delivery that another process has begun to make since it was read', async () => {
    await crm.add();
    await world.prepare(first);
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const late = world.faults.run(plan, () => deliver(world.another(), [crm.wakeUp(first)]));
    await plan.reachedPause;
    world.during(async () => {
      plan.resume();
      await late;
    });
    await deliver(world.another(), [crm.wakeUp(first)]);
    world.clock.advance(leaseDurationMs);
    await world.deliver([crm.wakeUp()]);
    expect(world.ids()).toEqual([first.id]);
    expect(await world.tasks()).toEqual([]);
  });

  test.each(['the same', 'another'])('let %s process send again at once when they have ended', async (which) => {
    await crm.add();
    await world.prepare(first);
    await world.deliver([crm.wakeUp(first)]);
    expect(await crm.resend(first)).toBe(true);
    await deliver(which === 'another' ? world.another() : world.deps, await world.takeWakeUps());
    expect(world.ids()).toEqual([first.id, first.id]);
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 1 });
  });

  test('stay in the lease though another process is woken for them, too', async () => {
    await crm.add();
    await world.prepare(first, other, third);
    const held = world.holdRequests(isFirstOf(first));
    const lone = deliver(world.another(), [crm.wakeUp(first)]);
    await held.inFlight(1);
    // A task that no process has read yet, as a process leaves it that was turned away.
    await world.deps.leases.leaveTask('crm', [other.id], world.now());
    // SQS brings the first message twice: another process defers that delivery, and makes the one that the task names.
    const companion = world.another();
    await deliver(companion, [crm.wakeUp(first)]);
    expect(world.ids()).toEqual([first.id, other.id]);
    // Its next one writes the lease, as it remembers it.
    await deliver(companion, [crm.wakeUp(third)]);
    expect((await world.deps.leases.read('crm')).inFlight).toHaveProperty([first.id]);
    // A third copy of the message, or whatever has the tasks looked at.
    await deliver(world.another(), [crm.wakeUp(first)]);
    held.release();
    await lone;
    expect(world.timesOf(first)).toBe(1);
  });

  test('do not begin twice though the clock of their process is set back a day and calls take time', async () => {
    await crm.add({ maxInFlight: 100 });
    const [alone, changed, ...others] = events.slice(0, 12);
    await world.prepare(...events.slice(0, 12));
    const process = world.slowed(20);
    const held = world.holdRequests(isFirstOf(alone!));
    const lone = deliver(process, [crm.wakeUp(alone!)]);
    await held.inFlight(1);
    world.clock.set(-86_400_000);
    // Another process changes the lease.
    await crm.cancel(changed!);
    await deliver(process, [crm.wakeUp(...others, alone!)]);
    held.release();
    await lone;
    expect([world.timesOf(alone!), new Set(world.ids()).size]).toEqual([1, 11]);
  });
});

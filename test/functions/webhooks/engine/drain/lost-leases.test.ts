import { beforeEach, describe, expect, test } from 'vitest';
import { leaseDurationMs, newLease, release } from '#functions/webhooks/endpoints/lease.ts';
import { leasesIn } from '#functions/webhooks/endpoints/leases.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { crm, events, first, other, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { webhooksTable } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);

describe('a process that was paused for longer than its lease', () => {
  test('begins nothing more, and leaves its deliveries to other processes, which make each once', async () => {
    await crm.add({ maxInFlight: 1 });
    await world.prepare(...events.slice(0, 6));
    world.during(async () => {
      world.clock.advance(leaseDurationMs);
      await deliver(world.another(), [crm.wakeUp(events[5]!)]);
    });
    await world.deliver([crm.wakeUp(...events.slice(0, 5))]);
    await world.answerWakeUps();
    expect(world.timesOf(first)).toBe(2);
    expect(events.slice(1, 6).map(world.timesOf)).toEqual([1, 1, 1, 1, 1]);
    expect(await world.tasks()).toEqual([]);
  });

  test('begins nothing under the lease of another process that still works', async () => {
    await crm.add({ maxInFlight: 1 });
    await world.prepare(...events.slice(0, 6));
    let companion: Promise<unknown> | undefined;
    const arrived = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    world.setAnswer(async () => {
      if (world.received.length === 1) {
        world.clock.advance(leaseDurationMs);
        companion = deliver(world.another(), [crm.wakeUp(...events.slice(3))]);
        await arrived.promise;
      } else if (world.received.length === 2) {
        arrived.resolve();
        await ended.promise;
      }
      return { status: 204 };
    });
    await world.deliver([crm.wakeUp(...events.slice(0, 3))]);
    // One of each process: the first one is dead for the others.
    expect(world.received).toHaveLength(2);
    ended.resolve();
    await companion;
    expect(await world.tasks()).toEqual([]);
    expect(new Set(world.ids()).size).toBe(6);
  });

  test('records its attempt beside the one that followed', async () => {
    await crm.add();
    await world.prepare(first);
    world.during(
      async () => {
        world.clock.advance(60 * second);
        await deliver(world.another(), [crm.wakeUp(first)]);
      },
      { status: 500 },
    );
    const { settled } = await world.deliver([crm.wakeUp(first)]);
    expect(settled).toMatchObject([{ attempt: { outcome: { kind: 'failed' } } }]);
    const { deliveries, attempts } = await world.trace(first.id);
    expect(deliveries).toMatchObject([{ status: 'DELIVERED', attempt: 2 }]);
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'failed'],
      [2, 'delivered'],
    ]);
  });

  test('makes no request when it was paused between the write of the lease and the begin', async () => {
    await crm.add({ maxInFlight: 2 });
    await world.prepare(...events.slice(0, 2));
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const slow = world.faults.run(plan, () =>
      deliver(world.deps, [crm.wakeUp(first, other)], world.now() + 15 * second + 1),
    );
    await plan.reachedPause;
    world.clock.advance(leaseDurationMs);
    plan.resume();
    await slow;
    expect(world.received).toEqual([]);
    await world.answerWakeUps();
    expect(world.ids().toSorted()).toEqual([first.id, other.id].toSorted());
  });
});

test('a drain gives up no delivery without a request, though the table is slow for a while', async () => {
  await crm.add({ retryDelaysMs: [5 * second] });
  await world.prepare(first);
  for (let times = 0; times < 2; times += 1) {
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const deadline = world.clock.steady() + 55 * second;
    const slow = world.faults.run(plan, () => deliver(world.another(), [crm.wakeUp(first)], deadline));
    await plan.reachedPause;
    world.clock.advance(3.1 * second);
    plan.resume();
    await slow;
    world.clock.advance(30 * second);
  }
  expect(world.received).toEqual([]);
  await world.pass(3);
  expect(world.ids()).toEqual([first.id]);
  expect((await world.deliveryOf(first)).status).toBe('DELIVERED');
});

test('a process makes nothing again that another one made, whose clock was ahead and which took the lease', async () => {
  await crm.add({ maxInFlight: 1 });
  const whole = new FaultPlan();
  await world.prepare(...events.slice(0, 4));
  await world.faults.run(whole, () => deliver(world.another(), [crm.wakeUp(first, other)]));
  const renewal = whole.calls.indexOf('PutItemCommand', whole.calls.indexOf('PutItemCommand') + 1);
  const plan = new FaultPlan([[renewal, 'pause']]);
  const [made, left] = events.slice(2, 4) as [typeof first, typeof first];
  const slow = world.faults.run(plan, () => deliver(world.another(), [crm.wakeUp(made, left)]));
  await plan.reachedPause;
  const ahead = () => new Date(world.now() + leaseDurationMs);
  await deliver({ ...world.another(), now: ahead }, [crm.wakeUp(left)]);
  plan.resume();
  await slow;
  expect([world.timesOf(made), world.timesOf(left)]).toEqual([1, 1]);
  expect(await world.tasks()).toEqual([]);
});

test('a process that loses each race for the lease makes no request, and leaves its deliveries to the next one', async () => {
  await crm.add();
  await world.prepare(first, other);
  const crowded = world.through(async (command, _, next) => {
    if (command === 'PutItemCommand')
      await world
        .another()
        .leases.change('crm', newLease, (lease) => release(lease, { inFlight: {}, observations: [] }, world.now()));
    return next();
  });
  const leases = leasesIn({ dynamo: crowded.dynamo, table: webhooksTable }, () => 0);
  leases.leaveTask = (...task) => world.deps.leases.leaveTask(...task);
  const { unhandled } = await deliver({ ...world.deps, leases }, [crm.wakeUp(first, other)]);
  expect([unhandled, world.received]).toEqual([[], []]);
  expect(await world.countWakeUps()).toBe(1);
  await world.answerWakeUps();
  expect(world.ids().toSorted()).toEqual([first.id, other.id].toSorted());
  expect(await world.tasks()).toEqual([]);
});

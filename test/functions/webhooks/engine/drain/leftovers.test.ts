import { beforeEach, describe, expect, test } from 'vitest';
import { leaseDurationMs } from '#functions/webhooks/endpoints/lease.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan, NthFault } from '#test/support/aws-faults.ts';
import { crm, events, first, other, second, startEndpointWorld, third, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);
beforeEach(() => crm.add());

describe('what a dead process leaves', () => {
  test.each([
    ['active', async () => {}],
    ['paused', () => crm.pause()],
  ])('wakes no process for long when it died just before the release, and the endpoint is %s', async (_, act) => {
    await world.prepare(third);
    // A process that knows the lease from here on, and knows it to be clean.
    await world.deliver([crm.wakeUp(third)]);
    world.clock.advance(60 * second);
    await world.prepare(first);
    const plan = new NthFault('PutItemCommand', 2, 'crash before');
    await world.faults
      .run(plan, () => deliver(world.another(), [crm.wakeUp(first), crm.wakeUp()]))
      .catch(() => undefined);
    expect((await world.deliveryOf(first)).status).toBe('DELIVERED');
    await act();
    expect((await world.pass(8)).at(-1)).toMatchObject({ woken: 0, longestWaitMs: 0 });
  });

  test.each([
    ['paused', () => crm.pause()],
    ['disabled', () => crm.disable()],
  ])('is looked at once when it died in the middle of its requests, and the endpoint is %s then', async (_, act) => {
    await world.prepare(first, other, third);
    await world.die(world.another(), crm.wakeUp(first, other, third));
    await act();
    // The queue brings the message of the dead process again.
    world.clock.advance(360 * second);
    await world.deliver([crm.wakeUp(first, other, third)]);
    expect(await world.statuses()).toEqual({ HELD: 3 });
    const swept = await world.pass(20);
    expect(swept.slice(2).filter(({ woken }) => woken > 0)).toEqual([]);
    // The threshold of the alarm OldestWaitingDelivery.
    expect(swept.at(-1)!.longestWaitMs).toBeLessThan(900 * second);
  });
});

test('a drain loses no delivery that a task names and a dead process attempted, when its end cannot be written', async () => {
  const [asked, one, two, three, four] = events as [typeof first, typeof first, typeof first, ...(typeof first)[]];
  const five = events.slice(0, 5);
  await world.prepare(...five);
  // A drains, while C is woken for the delivery and leaves a task, so that its message is gone. A begins it, and dies.
  const dying = new FaultPlan();
  world.setAnswer(async ({ headers }) => {
    if (world.received.length === 1) {
      await deliver(world.another(), [crm.wakeUp(asked)]);
      world.clock.advance(300);
    }
    if (headers['webhook-id'] === asked.id) dying.kill();
    return { status: 204 };
  });
  await world.faults.run(dying, () => deliver(world.another(), [crm.wakeUp(one, two)])).catch(() => undefined);
  expect(await world.tasks()).toHaveLength(1);
  expect((await world.deps.leases.read('crm')).inFlight).toHaveProperty([asked.id]);
  expect((await world.deliveryOf(asked)).status).toBe('PENDING');

  // B takes over what the lease names, and reads the task during that attempt. Then DynamoDB throttles its row.
  world.clock.advance(leaseDurationMs);
  const looked = Promise.withResolvers<void>();
  const B = world.through(async (command, input, next) => {
    const text = JSON.stringify(input);
    if (command === 'UpdateItemCommand' && text.includes(asked.id)) throw new Error('throttled');
    const result = await next();
    if (command === 'QueryCommand' && text.includes('TASK#')) looked.resolve();
    return result;
  });
  world.setAnswer(async ({ headers }) => {
    world.clock.advance(300);
    if (headers['webhook-id'] !== asked.id) return { status: 204 };
    await looked.promise;
    return { status: 500 };
  });
  const message = crm.wakeUp(three!, four!);
  expect((await deliver(B, [message])).unhandled).toHaveLength(1);

  // All is well again: the queue brings B's and A's messages again, and half an hour of sweeps passes.
  world.setAnswer(() => ({ status: 204 }));
  await world.deliver([message, crm.wakeUp(one, two)]);
  await world.pass(30);
  expect(await world.statuses()).toEqual({ DELIVERED: 5 });
});

/** As in the local run, where one process goes on and on. On AWS, Lambda ends the function after a minute. */
test('a drain of which one call hangs does not block its endpoint for ever in its own process', async () => {
  await world.prepare(first, other);
  const plan = new FaultPlan([['UpdateItemCommand', 'pause']]);
  const hanging = world.faults.run(plan, () => world.deliver([crm.wakeUp(first, other)]));
  await plan.reachedPause;
  world.clock.advance(30 * second);
  await world.fanOut(third);
  await world.pass(30);
  const after = { status: (await world.deliveryOf(third)).status, tasks: await world.tasks() };
  plan.resume();
  await hanging;
  expect(after).toEqual({ status: 'DELIVERED', tasks: [] });
});

describe('the deliveries of a process that died', () => {
  test('are made by the next process as soon as the lease ends, and not before, with the first attempt counted', async () => {
    await world.prepare(...events.slice(0, 4));
    await world.die(world.another(), crm.wakeUp(...events.slice(0, 3)));
    world.received.length = 0;
    world.clock.advance(leaseDurationMs - 1);
    await world.deliver([crm.wakeUp(events[3]!)]);
    expect(world.received).toEqual([]);
    world.clock.advance(1);
    await world.sweep();
    await world.answerWakeUps();
    expect(new Set(world.ids())).toEqual(new Set(events.slice(0, 4).map(({ id }) => id)));
    const attempts = await Promise.all(events.slice(0, 4).map(async (one) => (await world.deliveryOf(one)).attempt));
    expect(attempts[3]).toBe(1);
    expect(attempts.slice(0, 3)).toContain(2);
    expect(await world.tasks()).toEqual([]);
  });

  test('are made by a process that remembers the lease as it was before', async () => {
    const [before, ...others] = events.slice(0, 6);
    await world.prepare(...events.slice(0, 6));
    const remembering = world.another();
    await deliver(remembering, [crm.wakeUp(before!, others[0]!)]);
    await world.die(world.another(), crm.wakeUp(others[1]!, others[2]!));
    world.received.length = 0;
    world.clock.advance(leaseDurationMs);
    await deliver(remembering, [crm.wakeUp(others[3]!, others[4]!)]);
    expect(world.ids().toSorted()).toEqual(
      others
        .slice(1)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect((await world.deliveryOf(others[1]!)).attempt).toBe(2);
  });

  test('are made by the next process though another one came to nothing before it', async () => {
    await world.prepare(first, other, third);
    const remembering = world.another();
    await deliver(remembering, [crm.wakeUp(third)]);
    await world.die(world.another(), crm.wakeUp(first, other));
    world.clock.advance(leaseDurationMs);
    await deliver(remembering, [crm.wakeUp()]);
    await world.sweep();
    await world.answerWakeUps();
    expect(await world.statuses()).toEqual({ DELIVERED: 3 });
  });

  test('are made by the process whose lease it took, because its clock was ahead, with its attempt counted', async () => {
    await crm.update({ maxInFlight: 1 });
    await world.prepare(first, other, third);
    const ahead = () => new Date(world.now() + leaseDurationMs);
    world.during(() => world.die({ ...world.another(), now: ahead }, crm.wakeUp(third)));
    await deliver(world.another(), [crm.wakeUp(first, other)]);
    expect(await world.statuses()).toEqual({ DELIVERED: 3 });
    expect(await world.deliveryOf(third)).toMatchObject({ attempt: 2 });
  });

  test('count no attempt for one that had come to its end, and was sent again since', async () => {
    await world.prepare(first, other);
    const plan = new FaultPlan();
    world.setAnswer(async ({ headers }) => {
      if (headers['webhook-id'] === first.id) return { status: 204 };
      while ((await world.deliveryOf(first)).status !== 'DELIVERED') {}
      plan.kill();
      return { status: 204 };
    });
    const dying = world.faults.run(plan, () => deliver(world.another(), [crm.wakeUp(first, other)]));
    await dying.catch(() => undefined);
    world.setAnswer(() => ({ status: 204 }));
    expect(Object.keys((await world.deps.leases.read('crm')).inFlight).toSorted()).toEqual(world.idsOf([first, other]));
    await crm.resend(first);
    world.clock.advance(leaseDurationMs);
    await world.answerWakeUps();
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 1 });
    expect(await world.deliveryOf(other)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
  });
});

test('a drain sends no success again whose write fails for it and takes effect later', async () => {
  await world.prepare(first);
  const plan = new FaultPlan([['UpdateItemCommand', 'late']]);
  const { unhandled } = await world.faults.run(plan, () => world.deliver([crm.wakeUp(first)]));
  expect(unhandled).toHaveLength(1);
  await world.deliver([crm.wakeUp(first)]);
  await plan.deliverLate();
  world.clock.advance(leaseDurationMs);
  await world.deliver([crm.wakeUp()]);
  expect(world.ids()).toEqual([first.id]);
  expect(await world.tasks()).toEqual([]);
});

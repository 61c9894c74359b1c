import { beforeEach, describe, expect, test } from 'vitest';
import { resend } from '#functions/webhooks/deliveries/replay.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan, someFaultsAt } from '#test/support/aws-faults.ts';
import { crm, events, first, other, second, startEndpointWorld, third, world } from '#test/support/endpoint-world.ts';
import { exampleEvents } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);

describe('a process that is woken for an endpoint that another one drains', () => {
  test('leaves it a task, and the one that drains makes the deliveries', async () => {
    await crm.add();
    await world.prepare(...events);
    world.during(() => deliver(world.another(), [crm.wakeUp(...events.slice(5))]));
    await world.deliver([crm.wakeUp(...events.slice(0, 5))]);
    expect(world.ids().toSorted()).toEqual(world.idsOf(events));
    expect(await world.tasks()).toEqual([]);
    expect(await world.countWakeUps()).toBe(0);
  });

  test('leaves it a task to look at retries, and sends no wake-up for them', async () => {
    await crm.add({ retryDelaysMs: [5 * second] });
    await world.prepare(...events.slice(0, 4));
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([crm.wakeUp(first)]);
    const before = await world.countWakeUps();
    world.clock.advance(5 * second);
    const woken: number[] = [];
    world.during(async () => {
      for (let time = 0; time < 3; time += 1) await deliver(world.another(), [crm.wakeUp()]);
      woken.push((await world.countWakeUps()) - before);
    });
    await world.deliver([crm.wakeUp(other, third)]);
    expect(woken).toEqual([0]);
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
    expect(await world.tasks()).toEqual([]);
  });

  test('attempts nothing that is in flight, however often it is woken for it', async () => {
    await crm.add();
    await world.prepare(...events.slice(0, 3));
    world.during(() => deliver(world.another(), [crm.wakeUp(first, other), crm.wakeUp(third), crm.wakeUp()]));
    await world.deliver([crm.wakeUp(...events.slice(0, 3))]);
    expect(world.ids().toSorted()).toEqual(world.idsOf(events.slice(0, 3)));
    expect(await world.tasks()).toEqual([]);
  });

  test.each(['events', 'retries'])('loses no %s and makes none twice, though it is slow at any call', async (what) => {
    await crm.add({ retryDelaysMs: [second], maxInFlight: 2 });
    const whole = new FaultPlan();
    /** Lets it be slow at one of its calls, or counts them. */
    const run = async (plan: FaultPlan, index = 0) => {
      const some = exampleEvents(`slow-${what}-${index}`, 4);
      await world.prepare(...some);
      if (what === 'retries') {
        world.setAnswer(() => ({ status: 500 }));
        await world.deliver([crm.wakeUp(...some)]);
        await world.deps.leases.forget('crm');
        world.clock.advance(second);
        world.setAnswer(() => ({ status: 204 }));
      }
      world.received.length = 0;
      const [mine, theirs] = what === 'retries' ? [[], []] : [some.slice(0, 2), some.slice(2)];
      const slow = world.faults.run(plan, () => deliver(world.another(), [crm.wakeUp(...theirs)]));
      await Promise.race([slow, plan.reachedPause]);
      await deliver(world.another(), [crm.wakeUp(...mine)]);
      plan.resume();
      await slow;
      await world.answerWakeUps();
      expect([index, world.ids().toSorted()]).toEqual([index, world.idsOf(some)]);
      expect([index, await world.tasks()]).toEqual([index, []]);
    };
    await run(whole);
    for (const { call, kind } of someFaultsAt(whole.calls.length, ['pause'], 2))
      await run(new FaultPlan([[call, kind]]), call + 1);
  });

  test('makes nothing again that was made since it looked first, when it finds the lease free after all', async () => {
    await crm.add();
    await world.prepare(first, other);
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    let late: Promise<unknown> | undefined;
    world.during(async () => {
      late = world.faults.run(plan, () => deliver(world.another(), [crm.wakeUp(first, other)]));
      await plan.reachedPause;
    });
    await world.deliver([crm.wakeUp(first, other)]);
    plan.resume();
    await late;
    expect(world.ids().toSorted()).toEqual([first.id, other.id].toSorted());
    expect(await world.tasks()).toEqual([]);
  });

  test('gets its task done while there is room, though an attempt of the other one takes long', async () => {
    await crm.add({ maxInFlight: 4 });
    await world.prepare(...events.slice(0, 4));
    const made = Promise.withResolvers<void>();
    world.setAnswer(async ({ headers }) => {
      if (headers['webhook-id'] === third.id) made.resolve();
      if (headers['webhook-id'] !== first.id) return { status: 204 };
      await deliver(world.another(), [crm.wakeUp(third, events[3]!)]);
      world.clock.advance(second);
      await made.promise;
      return { status: 204 };
    });
    await world.deliver([crm.wakeUp(first, other)]);
    expect(world.ids().toSorted()).toEqual(world.idsOf(events.slice(0, 4)));
  });

  test('gets its task done during the last attempt of the other one, and not only once that ends', async () => {
    await crm.add({ maxInFlight: 4 });
    await world.prepare(first, other, third);
    world.setAnswer(async ({ headers }) => {
      if (headers['webhook-id'] !== first.id) return { status: 204 };
      while ((await world.deliveryOf(other)).status !== 'DELIVERED') {}
      await deliver(world.another(), [crm.wakeUp(third)]);
      world.clock.advance(second);
      await expect.poll(() => world.timesOf(third)).toBe(1);
      return { status: 204 };
    });
    await world.deliver([crm.wakeUp(first, other)]);
    expect(await world.statuses()).toEqual({ DELIVERED: 3 });
  });

  test('leaves the same task as others do, and the deliveries are made once', async () => {
    await crm.add();
    await world.prepare(first, other);
    for (const named of [[first.id], [first.id, other.id]]) {
      await world.deps.leases.leaveTask('crm', named, world.now());
    }
    await world.deliver([crm.wakeUp()]);
    expect(world.ids().toSorted()).toEqual([first.id, other.id].toSorted());
    expect(await world.tasks()).toEqual([]);
  });

  test('gets a delivery resent that the other one has made already', async () => {
    await crm.add({ maxInFlight: 1 });
    await world.prepare(...events.slice(0, 3));
    world.setAnswer(async () => {
      if (world.received.length === 2) {
        await resend(world.deps, { event: String(world.received[0]!.headers['webhook-id']), endpoint: 'crm' });
        await deliver(world.another(), await world.takeWakeUps());
      }
      return { status: 204 };
    });
    await world.deliver([crm.wakeUp(...events.slice(0, 3))]);
    expect(world.ids().toSorted()).toEqual([...events.slice(0, 3).map(({ id }) => id), world.ids()[0]].toSorted());
    expect(await world.tasks()).toEqual([]);
  });
});

test('two drains of one process make a delivery once, though one reads it before the other one makes it', async () => {
  await crm.add();
  await world.prepare(first, other, third);
  await world.deliver([crm.wakeUp(third)]);
  const [read, made] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { dynamo } = world.through(async (command, _, next) => {
    const answer = await next();
    if (command === 'BatchGetItemCommand') read.resolve();
    await made.promise;
    return answer;
  });
  const late = deliver({ ...world.depsThrough(dynamo), leases: world.deps.leases }, [crm.wakeUp(first, other)]);
  await read.promise;
  await world.deliver([crm.wakeUp(first, other)]);
  made.resolve();
  await late;
  expect(world.ids().toSorted()).toEqual([first.id, other.id, third.id].toSorted());
});

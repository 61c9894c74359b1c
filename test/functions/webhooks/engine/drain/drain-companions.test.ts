import { beforeEach, describe, expect, test } from 'vitest';
import { resend } from '#functions/webhooks/deliveries/replay.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  add,
  another,
  deliveryOf,
  duringFirst,
  events,
  first,
  ids,
  idsOf,
  now,
  other,
  prepare,
  requests,
  second,
  startDrainWorld,
  third,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

beforeEach(startDrainWorld);

describe('while one process drains an endpoint, another one', () => {
  test('leaves it what it was asked for, and the one that drains delivers it', async () => {
    await add();
    await prepare(...events);
    duringFirst(() => deliver(another(), [wakeUpFor(...events.slice(5))]));
    await world.deliver([wakeUpFor(...events.slice(0, 5))]);
    expect(ids().toSorted()).toEqual(idsOf(events));
    expect(await requests()).toEqual([]);
    expect(await world.countWakeUps()).toBe(0);
  });

  test('asks it to look at retries, and does not wake anybody for them', async () => {
    await add({ retryDelaysMs: [5 * second] });
    await prepare(...events.slice(0, 4));
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([wakeUpFor(first)]);
    const before = await world.countWakeUps();
    world.clock.advance(5 * second);
    const woken: number[] = [];
    duringFirst(async () => {
      for (let time = 0; time < 3; time += 1) await deliver(another(), [wakeUpFor()]);
      woken.push((await world.countWakeUps()) - before);
    });
    await world.deliver([wakeUpFor(other, third)]);
    expect(woken).toEqual([0]);
    expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
    expect(await requests()).toEqual([]);
  });

  test('attempts nothing that is under way, however often it is woken for it', async () => {
    await add();
    await prepare(...events.slice(0, 3));
    duringFirst(() => deliver(another(), [wakeUpFor(first, other), wakeUpFor(third), wakeUpFor()]));
    await world.deliver([wakeUpFor(...events.slice(0, 3))]);
    expect(ids().toSorted()).toEqual(idsOf(events.slice(0, 3)));
    expect(await requests()).toEqual([]);
  });

  test.each(['events', 'retries'])('that is slow at any call loses no %s and makes none twice', async (what) => {
    await add({ retryDelaysMs: [second], maxInFlight: 2 });
    const whole = new FaultPlan();
    for (let index = 0; index === 0 || index < whole.calls.length; index += 1) {
      const some = [0, 1, 2, 3].map((count) => exampleEvent(`slow-${what}-${index}-${count}`));
      await prepare(...some);
      if (what === 'retries') {
        world.setAnswer(() => ({ status: 500 }));
        await world.deliver([wakeUpFor(...some)]);
        await world.deps.leases.forget('crm');
        world.clock.advance(second);
        world.setAnswer(() => ({ status: 204 }));
      }
      world.received.length = 0;
      const [mine, theirs] = what === 'retries' ? [[], []] : [some.slice(0, 2), some.slice(2)];
      const plan = index === 0 ? whole : new FaultPlan([[index - 1, 'pause']]);
      const slow = world.faults.run(plan, () => deliver(another(), [wakeUpFor(...theirs)]));
      await Promise.race([slow, plan.reachedPause]);
      await deliver(another(), [wakeUpFor(...mine)]);
      plan.resume();
      await slow;
      await world.answerWakeUps();
      expect([index, ids().toSorted()]).toEqual([index, idsOf(some)]);
      expect([index, await requests()]).toEqual([index, []]);
    }
  });

  test('that finds it free after all makes nothing again that was made since it looked first', async () => {
    await add();
    await prepare(first, other);
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    let late: Promise<unknown> | undefined;
    duringFirst(async () => {
      late = world.faults.run(plan, () => deliver(another(), [wakeUpFor(first, other)]));
      await plan.reachedPause;
    });
    await world.deliver([wakeUpFor(first, other)]);
    plan.resume();
    await late;
    expect(ids().toSorted()).toEqual([first.id, other.id].toSorted());
    expect(await requests()).toEqual([]);
  });

  test('has what it asks for made while there is room, though an attempt of the other one takes long', async () => {
    await add({ maxInFlight: 4 });
    await prepare(...events.slice(0, 4));
    const made = Promise.withResolvers<void>();
    world.setAnswer(async ({ headers }) => {
      if (headers['webhook-id'] === third.id) made.resolve();
      if (headers['webhook-id'] !== first.id) return { status: 204 };
      await deliver(another(), [wakeUpFor(third, events[3]!)]);
      world.clock.advance(second);
      await made.promise;
      return { status: 204 };
    });
    await world.deliver([wakeUpFor(first, other)]);
    expect(ids().toSorted()).toEqual(idsOf(events.slice(0, 4)));
  });

  test('asks for the same deliveries as others do, and they are made once', async () => {
    await add();
    await prepare(first, other);
    for (const named of [[first.id], [first.id, other.id]]) {
      await world.deps.leases.leaveRequest('crm', named, now(), now());
    }
    await world.deliver([wakeUpFor()]);
    expect(ids().toSorted()).toEqual([first.id, other.id].toSorted());
    expect(await requests()).toEqual([]);
  });

  test('has a delivery made again that it was asked to resend, though that one has made it already', async () => {
    await add({ maxInFlight: 1 });
    await prepare(...events.slice(0, 3));
    world.setAnswer(async () => {
      if (world.received.length === 2) {
        await resend(world.deps, { event: String(world.received[0]!.headers['webhook-id']), endpoint: 'crm' });
        await deliver(another(), await world.takeWakeUps());
      }
      return { status: 204 };
    });
    await world.deliver([wakeUpFor(...events.slice(0, 3))]);
    expect(ids().toSorted()).toEqual([...events.slice(0, 3).map(({ id }) => id), ids()[0]].toSorted());
    expect(await requests()).toEqual([]);
  });
});

test('two drains of one process, of which one reads a delivery before the other one makes it, make it once', async () => {
  await add();
  await prepare(first, other, third);
  await world.deliver([wakeUpFor(third)]);
  const [read, made] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { dynamo } = world.through(async (command, _, next) => {
    const answer = await next();
    if (command === 'BatchGetItemCommand') read.resolve();
    await made.promise;
    return answer;
  });
  const late = deliver({ ...world.depsThrough(dynamo), leases: world.deps.leases }, [wakeUpFor(first, other)]);
  await read.promise;
  await world.deliver([wakeUpFor(first, other)]);
  made.resolve();
  await late;
  expect(ids().toSorted()).toEqual([first.id, other.id, third.id].toSorted());
});

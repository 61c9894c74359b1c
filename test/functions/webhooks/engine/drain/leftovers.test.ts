import { beforeEach, describe, expect, test } from 'vitest';
import { leaseDurationMs } from '#functions/webhooks/endpoints/lease.ts';
import { disableEndpoint, pauseEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan, NthFault } from '#test/support/aws-faults.ts';
import {
  add,
  another,
  deliveryOf,
  die,
  events,
  first,
  other,
  pass,
  prepare,
  requests,
  second,
  startDrainWorld,
  statuses,
  third,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';

beforeEach(async () => {
  const end = await startDrainWorld();
  await add();
  return end;
});

describe('what a process leaves that died', () => {
  test.each([
    ['active', async () => {}],
    ['paused', () => pauseEndpoint(world.deps, 'crm')],
  ])('just before it gave its lease back has nobody woken for long, though the endpoint is %s', async (_, act) => {
    await prepare(third);
    // A process that knows the lease from here on, and knows it to be clean.
    await world.deliver([wakeUpFor(third)]);
    world.clock.advance(60 * second);
    await prepare(first);
    const plan = new NthFault('PutItemCommand', 2, 'crash before');
    await world.faults.run(plan, () => deliver(another(), [wakeUpFor(first), wakeUpFor()])).catch(() => undefined);
    expect((await deliveryOf(first)).status).toBe('DELIVERED');
    await act();
    expect((await pass(8)).at(-1)).toMatchObject({ woken: 0, longestWait: 0 });
  });

  test.each([
    ['paused', () => pauseEndpoint(world.deps, 'crm')],
    ['disabled', () => disableEndpoint(world.deps, 'crm', 'an operator says so')],
  ])('in the middle of its requests is looked at once where the endpoint is %s then', async (_, act) => {
    await prepare(first, other, third);
    await die(another(), wakeUpFor(first, other, third));
    await act();
    // The queue brings the message of the dead process again.
    world.clock.advance(360 * second);
    await world.deliver([wakeUpFor(first, other, third)]);
    expect(await statuses()).toEqual({ HELD: 3 });
    const swept = await pass(20);
    expect(swept.slice(2).filter(({ woken }) => woken > 0)).toEqual([]);
    // The threshold of the alarm OldestWaitingDelivery.
    expect(swept.at(-1)!.longestWait).toBeLessThan(900 * second);
  });
});

test('a delivery that a request names and a dead process was attempting is not lost when its end cannot be written down', async () => {
  const [asked, one, two, three, four] = events as [typeof first, typeof first, typeof first, ...(typeof first)[]];
  const five = events.slice(0, 5);
  await prepare(...five);
  // A drains; meanwhile C is woken for the delivery and leaves a request, so that its message is gone. A begins it, and dies.
  const dying = new FaultPlan();
  world.setAnswer(async ({ headers }) => {
    if (world.received.length === 1) {
      await deliver(another(), [wakeUpFor(asked)]);
      world.clock.advance(300);
    }
    if (headers['webhook-id'] === asked.id) dying.kill();
    return { status: 204 };
  });
  await world.faults.run(dying, () => deliver(another(), [wakeUpFor(one, two)])).catch(() => undefined);
  expect(await requests()).toHaveLength(1);
  expect((await world.deps.leases.read('crm')).inFlight).toHaveProperty([asked.id]);
  expect((await deliveryOf(asked)).status).toBe('PENDING');

  // B takes over what the lease names, and reads the request while that is under way. Then DynamoDB throttles its row.
  world.clock.advance(leaseDurationMs);
  const looked = Promise.withResolvers<void>();
  const B = world.through(async (command, input, next) => {
    const text = JSON.stringify(input);
    if (command === 'UpdateItemCommand' && text.includes(asked.id)) throw new Error('throttled');
    const result = await next();
    if (command === 'QueryCommand' && text.includes('REQUEST#')) looked.resolve();
    return result;
  });
  world.setAnswer(async ({ headers }) => {
    world.clock.advance(300);
    if (headers['webhook-id'] !== asked.id) return { status: 204 };
    await looked.promise;
    return { status: 500 };
  });
  const message = wakeUpFor(three!, four!);
  expect((await deliver(B, [message])).unhandled).toHaveLength(1);

  // All is well again: the queue brings B's and A's messages again, and half an hour of sweeps passes.
  world.setAnswer(() => ({ status: 204 }));
  await world.deliver([message, wakeUpFor(one, two)]);
  await pass(30);
  expect(await statuses()).toEqual({ DELIVERED: 5 });
});

/** As in the local run, where one process goes on and on; on AWS, Lambda ends the function after a minute. */
test('a drain of which one call to the table hangs does not keep its endpoint for ever from the process that it is in', async () => {
  await prepare(first, other);
  const plan = new FaultPlan([['UpdateItemCommand', 'pause']]);
  const hanging = world.faults.run(plan, () => world.deliver([wakeUpFor(first, other)]));
  await plan.reachedPause;
  world.clock.advance(30 * second);
  await world.fanOut(third);
  await pass(30);
  const after = { status: (await deliveryOf(third)).status, requests: await requests() };
  plan.resume();
  await hanging;
  expect(after).toEqual({ status: 'DELIVERED', requests: [] });
});

import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { DataKey } from '#functions/lambda/data-key.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan, NthFault } from '#test/support/aws-faults.ts';
import { crm, day, events, first, other, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);

const twelve = events.slice(0, 12);

/** Lets something happen during the third of twelve requests. @returns what the drain did */
async function drainTwelve(act: () => Promise<unknown>, status = 204, maxInFlight = 2, deadline?: number) {
  await crm.add({ maxInFlight });
  await world.prepare(...twelve);
  world.during(act, { status, request: 3 });
  return deliver(world.deps, [crm.wakeUp(...twelve)], deadline);
}

describe('a drain whose endpoint is changed', () => {
  test.each([
    { what: 'paused', act: () => crm.pause() },
    { what: 'disabled', act: () => crm.disable() },
  ])('sends nothing more once it is $what, holds the others, and leaves nothing to do', async ({ what, act }) => {
    expect((await drainTwelve(act)).unhandled).toEqual([]);
    const { length } = world.received;
    expect(length).toBeLessThanOrEqual(5);
    expect(await world.statuses()).toEqual({ DELIVERED: length, HELD: 12 - length });
    const held = (await world.rowsLike('DELIVERY#')).filter(({ status }) => status === 'HELD');
    expect(new Set(held.map(({ reason }) => reason))).toEqual(new Set([what]));
    expect(await world.tasks()).toEqual([]);
  });

  test('sends everything once to an endpoint that is paused and resumed', async () => {
    await drainTwelve(async () => {
      await crm.pause();
      await crm.resume();
    });
    await world.answerWakeUps();
    await crm.recover();
    await world.settleAll();
    expect(await world.statuses()).toEqual({ DELIVERED: 12 });
    expect(world.ids()).toHaveLength(12);
  });

  test.each([204, 500])(
    'sends nothing more once it is removed, and cancels the others, with %i last',
    async (status) => {
      expect((await drainTwelve(crm.remove, status)).unhandled).toEqual([]);
      await world.answerWakeUps();
      const { length } = world.received;
      expect(length).toBeLessThanOrEqual(5);
      const delivered = status === 204 ? length : length - 1;
      expect(await world.statuses()).toEqual({ DELIVERED: delivered, CANCELLED: 12 - delivered });
      expect(await world.tasks()).toEqual([]);
    },
  );

  test('sends nothing to an endpoint that is added again under its name', async () => {
    await drainTwelve(async () => {
      await crm.remove();
      world.clock.advance(1);
      await crm.add({ url: world.urlOf('again') });
    });
    await world.answerWakeUps();
    expect(world.received.filter(({ path }) => path === '/again')).toEqual([]);
    expect((await world.statuses()).PENDING).toBeUndefined();
    expect(await world.tasks()).toEqual([]);
  });

  test('sends what begins later to the new URL, signed by the new secret', async () => {
    const change = async () => {
      await crm.update({ url: world.urlOf('moved') });
      await crm.rotate(day);
    };
    await drainTwelve(change, 204, 1);
    const sent = world.received.map(({ path, headers }) => {
      return `${path} ${String(headers['webhook-signature']).split(' ').length}`;
    });
    expect(sent).toEqual([...Array(3).fill('/crm 1'), ...Array(9).fill('/moved 2')]);
  });

  test('sends nothing more once it is gone, and holds the others', async () => {
    await drainTwelve(async () => {}, 410, 1);
    expect(world.received).toHaveLength(3);
    expect(await world.statuses()).toEqual({ DELIVERED: 2, HELD: 10 });
    expect(await world.tasks()).toEqual([]);
  });

  test('leaves the others to the next drain, which holds them, when the endpoint is paused as time is over', async () => {
    const pauseLate = async () => {
      await crm.pause();
      world.clock.advance(20 * second);
    };
    await drainTwelve(pauseLate, 204, 2, world.clock.steady() + 30 * second);
    expect(await world.countWakeUps()).toBe(1);
    await world.answerWakeUps();
    const { DELIVERED = 0, HELD = 0 } = await world.statuses();
    expect(DELIVERED + HELD).toBe(12);
    expect(await world.tasks()).toEqual([]);
  });

  test('sends none of those that it gathered before it learns that the endpoint is paused, and holds them', async () => {
    await crm.add();
    await world.prepare(first, other);
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([crm.wakeUp(first)]);
    world.clock.advance(10 * second);
    // It reads the delivery of the wake-up while the endpoint is active, and the retry after the pause.
    const plan = new FaultPlan([['QueryCommand', 'pause']]);
    const draining = world.faults.run(plan, () => world.deliver([crm.wakeUp(other), crm.wakeUp()]));
    await plan.reachedPause;
    await crm.pause();
    plan.resume();
    await draining;
    expect(world.ids()).toEqual([first.id]);
    expect(await world.statuses()).toEqual({ HELD: 2 });
  });
});

test('a drain writes no attempt into the lease when nothing can be signed', async () => {
  await crm.add();
  await world.prepare(first, other);
  const dataKey = new DataKey(randomBytes(32).toString('base64'));
  const { unhandled } = await deliver({ ...world.deps, dataKey }, [crm.wakeUp(first, other)]);
  expect(unhandled).toHaveLength(1);
  expect(await world.rowsLike('LEASE')).toEqual([]);
});

describe('a drain that has read a delivery', () => {
  /** The dependencies of a process that knows no lease, if something happens once it has read lease and deliveries. */
  function afterReading(act: () => Promise<unknown>) {
    let isFirst = true;
    return world.through(async (command, _, next) => {
      const result = await next();
      if (command === 'BatchGetItemCommand' && isFirst) {
        isFirst = false;
        await act();
      }
      return result;
    });
  }

  test('does not send it once it is cancelled, under a lease that the process holds', async () => {
    await crm.add({ maxInFlight: 1 });
    await world.prepare(first, other);
    const plan = new NthFault('PutItemCommand', 2, 'pause');
    const draining = world.faults.run(plan, () => world.deliver([crm.wakeUp(first, other)]));
    await plan.reachedPause;
    expect(world.ids()).toEqual([first.id]);
    expect(await crm.cancel(other)).toMatchObject({ isCancelled: true });
    plan.resume();
    await draining;
    expect(world.ids()).toEqual([first.id]);
    expect(await world.deliveryOf(other)).toMatchObject({ status: 'CANCELLED' });
  });

  test.each([
    { what: 'it is cancelled', act: () => crm.cancel(first), sent: 0 },
    { what: 'another process has made it', act: () => world.deliver([crm.wakeUp(first)]), sent: 1 },
  ])('does not send it once $what, when the process knows no lease', async ({ act, sent }) => {
    await crm.add();
    await world.prepare(first);
    await deliver(afterReading(act), [crm.wakeUp(first)]);
    expect(world.ids()).toEqual(Array(sent).fill(first.id));
  });
});

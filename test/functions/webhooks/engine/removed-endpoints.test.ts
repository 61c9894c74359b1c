import { beforeEach, describe, expect, test } from 'vitest';
import { leaseOf } from '#functions/webhooks/endpoints/lease.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { crm, first, hour, second, startEndpointWorld, third, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);
beforeEach(() => crm.add({ retryDelaysMs: [hour] }));

/** Answers the wake-up that the removal of an endpoint leaves for a minute later. */
async function delayed(): Promise<void> {
  expect(await world.countWakeUps()).toBe(1);
  world.clock.advance(60 * second);
  await world.deliver([crm.wakeUp()]);
}

describe('removeEndpoint', () => {
  test('cancels all retries', async () => {
    await world.putRetries(120, world.now() + hour);
    await crm.remove();
    await world.answerWakeUps();
    expect(await world.statuses()).toEqual({ CANCELLED: 120 });
  });

  test('cancels all retries though the index lags a moment behind, as an index of DynamoDB does', async () => {
    await world.putRetries(120, world.now() + hour);
    await crm.remove();
    // Each query of the index answers what the one before should have.
    let before: { readonly output: object } | undefined;
    const lagging = world.through(async (_, input, next) => {
      const result = await next();
      if (!('IndexName' in input)) return result;
      const answered = before ?? result;
      before = result;
      return answered;
    });
    await deliver(lagging, await world.takeWakeUps());
    await delayed();
    expect(await world.statuses()).toEqual({ CANCELLED: 120 });
  });

  test('cancels all retries though SQS refuses the wake-up by which a drain hands over', async () => {
    await world.putRetries(120, world.now() + hour);
    await crm.remove();
    const wakeUps = await world.takeWakeUps();
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    const deadline = world.clock.steady() + 15 * second;
    const { unhandled } = await world.faults.run(plan, () => deliver(world.deps, wakeUps, deadline));
    if (unhandled.length > 0) await world.deliver(wakeUps);
    await world.pass(10);
    expect(await world.statuses()).toEqual({ CANCELLED: 120 });
  });

  test('cancels all retries when it is repeated, because SQS refused its wake-up', async () => {
    await world.putRetries(1, world.now() + hour);
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    await expect(world.faults.run(plan, crm.remove)).rejects.toThrow();
    await crm.remove();
    await world.pass(10);
    expect(await world.statuses()).toEqual({ CANCELLED: 1 });
  });

  test.each([500, 410])('cancels the delivery of an attempt in flight that is answered %i', async (status) => {
    await world.prepare(first);
    world.during(
      async () => {
        await crm.remove();
        await deliver(world.another(), await world.takeWakeUps());
      },
      { status },
    );
    await world.deliver([crm.wakeUp(first)]);
    await delayed();
    expect(await world.statuses()).toEqual({ CANCELLED: 1 });
  });

  test('leaves no lease behind when it comes during a lone attempt that fails', async () => {
    await world.prepare(first);
    world.during(crm.remove, { status: 500 });
    await world.deliver([crm.wakeUp(first)]);
    await world.pass(2);
    await delayed();
    expect(await world.rowsLike('LEASE')).toEqual([]);
  });

  test.each(['during', 'after'])(
    'opens no breaker for one added %s the request, though the answer asks for a day',
    async (when) => {
      await world.prepare(first);
      const readd = async () => {
        world.clock.advance(1);
        await crm.add({ url: world.urlOf('new') });
      };
      world.setAnswer(async () => {
        world.setAnswer(() => ({ status: 204 }));
        await crm.remove();
        if (when === 'during') await readd();
        return { status: 429, headers: { 'retry-after': '86400' } };
      });
      await world.deliver([crm.wakeUp(first)]);
      if (when === 'after') await readd();
      await world.fanOut(third);
      await world.answerWakeUps();
      await world.pass(10);
      const [lease] = await world.rowsLike('LEASE');
      expect(lease && leaseOf(lease as never).openUntil).toBeUndefined();
      expect(world.received.map(({ path }) => path)).toEqual(['/crm', '/new']);
    },
  );

  test('leaves no failure of a late attempt to an endpoint that is added under its name', async () => {
    await world.prepare(first);
    world.during(crm.remove, { status: 500 });
    await world.deliver([crm.wakeUp(first)]);
    expect(await world.deps.leases.read('crm')).toMatchObject({ failures: 1 });
    await crm.add();
    expect(await world.otherLeases().read('crm')).toMatchObject({ failures: 0 });
  });
});

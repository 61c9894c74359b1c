import { beforeEach, describe, expect, test } from 'vitest';
import { removeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  add,
  another,
  duringFirst,
  first,
  now,
  other,
  pass,
  prepare,
  putRetries,
  rowsLike,
  second,
  startDrainWorld,
  statuses,
  third,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';

const hour = 3600 * second;

beforeEach(async () => {
  const end = await startDrainWorld();
  await add({ retryDelaysMs: [hour] });
  return end;
});

const remove = () => removeEndpoint(world.deps, 'crm');

/** Has the wake-up answered that removing an endpoint leaves for a minute later. */
async function delayed(): Promise<void> {
  expect(await world.countWakeUps()).toBe(1);
  world.clock.advance(60 * second);
  await world.deliver([wakeUpFor()]);
}

describe('an endpoint that was removed has all of its retries cancelled', () => {
  test('where nothing goes wrong', async () => {
    await putRetries(120, now() + hour);
    await remove();
    await world.answerWakeUps();
    expect(await statuses()).toEqual({ CANCELLED: 120 });
  });

  test('though the index lags a moment behind, as an index of DynamoDB does', async () => {
    await putRetries(120, now() + hour);
    await remove();
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
    expect(await statuses()).toEqual({ CANCELLED: 120 });
  });

  test('though SQS does not take the wake-up by which a drain whose time is over hands over', async () => {
    await putRetries(120, now() + hour);
    await remove();
    const wakeUps = await world.takeWakeUps();
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    const deadline = world.clock.steady() + 15 * second;
    const { unhandled } = await world.faults.run(plan, () => deliver(world.deps, wakeUps, deadline));
    if (unhandled.length > 0) await world.deliver(wakeUps);
    await pass(10);
    expect(await statuses()).toEqual({ CANCELLED: 120 });
  });

  test('though SQS does not take the wake-up by which it is removed, once removing it is repeated', async () => {
    await putRetries(1, now() + hour);
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    await expect(world.faults.run(plan, remove)).rejects.toThrow();
    await remove();
    await pass(10);
    expect(await statuses()).toEqual({ CANCELLED: 1 });
  });

  test.each([500, 410])('though an attempt was under way that is answered %i', async (status) => {
    await prepare(first);
    duringFirst(async () => {
      await remove();
      await deliver(another(), await world.takeWakeUps());
    }, status);
    await world.deliver([wakeUpFor(first)]);
    await delayed();
    expect(await statuses()).toEqual({ CANCELLED: 1 });
  });
});

test('no lease is left of an endpoint that was removed during a lone attempt that fails', async () => {
  await prepare(first);
  duringFirst(remove, 500);
  await world.deliver([wakeUpFor(first)]);
  await pass(2);
  await delayed();
  expect(await rowsLike('LEASE')).toEqual([]);
});

test('an endpoint that is added under the name of one that was removed is sent to at once, though that one asked for a day', async () => {
  await prepare(first, other);
  world.setAnswer(async () => {
    await remove();
    return { status: 429, headers: { 'retry-after': '86400' } };
  });
  await world.deliver([wakeUpFor(first)]);
  world.setAnswer(() => ({ status: 204 }));
  await add({ url: world.urlOf('new') });
  await world.fanOut(third);
  await world.answerWakeUps();
  expect(world.received.map(({ path }) => path)).toEqual(['/crm', '/new']);
});

import type { BatchGetItemCommandInput } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { duePart } from '#functions/webhooks/deliveries/delivery.ts';
import { leaseKey } from '#functions/webhooks/endpoints/leases.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent, webhooksTable } from '#test/support/webhook-world.ts';

const minute = 60_000;
const hour = 60 * minute;

beforeEach(startEndpointWorld);
beforeEach(async () => {
  for (const name of ['bad', 'good'])
    await addEndpoint(world.deps, name, { url: world.urlOf(name), retryDelaysMs: [30 * minute] });
});

const event = exampleEvent('transfer-1');

/** Lets DynamoDB throttle a partition of the table or of its index, once something has happened if that is given. */
const throttled = (partition: string, after?: Promise<unknown>) =>
  world.through(async (command, input, next) => {
    if (command !== 'BatchGetItemCommand') {
      if (!JSON.stringify(input).includes(`"${partition}"`)) return next();
      await after;
      throw Object.assign(new Error('throttled'), { name: 'ProvisionedThroughputExceededException' });
    }
    const { Keys = [], ...rest } = (input as BatchGetItemCommandInput).RequestItems![webhooksTable]!;
    const { left = [], read = [] } = Object.groupBy(Keys, (key) =>
      unmarshall(key).pk === partition ? 'left' : 'read',
    );
    const { output } =
      read.length > 0
        ? await next({ ...input, RequestItems: { [webhooksTable]: { ...rest, Keys: read } } })
        : { output: { $metadata: {}, Responses: {} } };
    return { output: { ...output, ...(left.length > 0 && { UnprocessedKeys: { [webhooksTable]: { Keys: left } } }) } };
  });

/** Gives both endpoints a retry that is due and has no wake-up; `failures` of the bad one follow. */
async function prepareRetries(failures = 0): Promise<void> {
  world.setAnswer(() => ({ status: 500 }));
  await world.fanOut(event);
  await world.answerWakeUps();
  world.clock.advance(40 * minute);
  await world.takeWakeUps();
  for (let index = 0; index < failures; index += 1) {
    await world.fanOut(exampleEvent(`more-${index}`));
    await world.deliver((await world.takeWakeUps()).filter(({ endpoint }) => endpoint === 'bad'));
    world.clock.advance(1000);
  }
  await world.takeWakeUps();
}
const woken = async () => (await world.takeWakeUps()).map(({ endpoint }) => endpoint);

test('deliver sends to another endpoint of its batch at once where the partition of one is throttled (P16)', async () => {
  await world.fanOut(event);
  const arrived = Promise.withResolvers<void>();
  world.setAnswer(() => {
    arrived.resolve();
    return { status: 204 };
  });
  // It takes as long as the other delivery to find out.
  const deps = throttled(leaseKey('bad').pk, arrived.promise);
  const { unhandled } = await deliver(deps, await world.takeWakeUps(), world.clock.steady() + 55_000);
  expect(unhandled.map(({ endpoint }) => endpoint)).toEqual(['bad']);
  expect(world.received.map(({ path }) => path)).toEqual(['/good']);
});

describe('sweep', () => {
  test.each([
    ['partition', () => leaseKey('bad').pk],
    ['part of the index', () => duePart('bad')],
  ])('wakes the other endpoints though the %s of one is throttled', async (_, partition) => {
    await prepareRetries();
    await expect(sweep(throttled(partition()), world.clock.steady() + 50_000)).rejects.toThrow('throttled');
    expect(await woken()).toEqual(['good']);
  });

  test('wakes the other endpoints before it waits for an SNS that does not answer', async () => {
    // The fourth failure in a row: operators are to be told.
    await prepareRetries(4);
    const plan = new FaultPlan([['PublishBatchCommand', 'pause']]);
    const sweeping = world.faults.run(plan, () => world.sweep());
    await plan.reachedPause;
    expect(plan.calls).toContain('SendMessageBatchCommand');
    expect(await woken()).toContain('good');
    plan.resume();
    await sweeping;
  });

  test('though the row of one endpoint cannot be written after its event was published', async () => {
    await prepareRetries(4);
    const plan = new FaultPlan([['PutItemCommand', 'refused']]);
    await expect(world.faults.run(plan, () => world.sweep())).rejects.toThrow('not available');
    expect(plan.calls).toContain('PublishBatchCommand');
    expect(await woken()).toContain('good');
  });
});

describe('a damaged row of an endpoint', () => {
  beforeEach(() => {
    const damaged = { pk: 'ENDPOINTS', sk: 'bad', name: 'bad', maxInFlight: '10' };
    return putRows(world.dynamo, webhooksTable, [damaged]);
  });

  test('keeps no event from the other endpoints, and its message in the queue', async () => {
    const { deliveries, unhandled } = await world.fanOut(event);
    expect(deliveries).toBe(1);
    expect(unhandled).toMatchObject([{ message: 0, error: { name: 'RowError' } }]);
    await world.deliver(await world.takeWakeUps());
    expect(world.received.map(({ path }) => path)).toEqual(['/good']);
  });

  test('keeps no retry of the other endpoints from the sweep, which fails with its key', async () => {
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(event);
    await world.deliver(await world.takeWakeUps());
    world.clock.advance(hour);
    await expect(world.sweep()).rejects.toThrow(/^the row ENDPOINTS bad is not as expected: /);
    expect((await world.takeWakeUps()).map(({ endpoint }) => endpoint)).toEqual(['good']);
  });
});

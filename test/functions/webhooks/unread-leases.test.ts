import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, expect, test } from 'vitest';
import { cancelDelivery } from '../../../functions/webhooks/cancel.ts';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { add, first, ids, now, prepare, startDrainWorld, wakeUpFor, world } from './drain-world.ts';
import { webhooksTable } from './webhook-world.ts';

beforeEach(startDrainWorld);

/** Something happens once the deliveries were read. */
function afterReading(between: () => Promise<unknown>) {
  const dynamo = new DynamoDBClient({
    ...sdkSettings(world.sdkEnvironment),
    endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  });
  let isFirst = true;
  dynamo.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        // The lease was read before, and is known as it was then.
        if (commandName === 'BatchGetItemCommand' && isFirst) {
          isFirst = false;
          await between();
        }
        return result;
      },
    { step: 'initialize' },
  );
  return {
    ...world.deps,
    dynamo,
    leases: new Leases({ dynamo, table: webhooksTable }, () => 0.5),
    steady: () => now(),
  };
}

test('a delivery that is cancelled once it was read, and before it begins, is not sent by a process that knows no lease', async () => {
  await add();
  await prepare(first);
  const B = afterReading(async () => {
    expect(await cancelDelivery(world.deps, { event: first.id, endpoint: 'crm' })).toMatchObject({ isCancelled: true });
  });
  await deliver(B, [wakeUpFor(first)]);
  expect(ids()).toEqual([]);
});

test('a delivery that another process makes once it was read is not sent again by one that knows no lease', async () => {
  await add({ maxInFlight: 1 });
  await prepare(first);
  const B = afterReading(() => world.deliver([wakeUpFor(first)]));
  await deliver(B, [wakeUpFor(first)]);
  expect(ids()).toHaveLength(1);
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, expect, test } from 'vitest';
import { putRows } from '../../../functions/batches.ts';
import { deliveryKey, duePart } from '../../../functions/webhooks/delivery.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { sweep } from '../../../functions/webhooks/sweep.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

test('a clock that was set back keeps no sweep beyond its time, though a backlog of retries of one endpoint waits', async () => {
  for (const name of ['backlog', 'good'])
    await addEndpoint(world.deps, name, { url: world.urlOf(name), retryDelays: [hour] });
  // One retry of `good` that becomes due.
  world.setAnswer(() => ({ status: 500 }));
  const event = exampleEvent('transfer-1');
  await world.fanOut(event);
  await world.deliver((await world.takeWakeUps()).filter(({ endpoint }) => endpoint === 'good'));
  const now = world.clock.now().getTime();
  const count = 3000;
  const rows = Array.from({ length: count }, (_, at) => ({
    ...deliveryKey({ event: exampleEvent(`waiting-${at}`).id, endpoint: 'backlog' }),
    status: 'PENDING',
    rev: 1,
    attempt: 1,
    nextAttemptAt: now + 10 * hour,
    changedAt: now,
    due: duePart('backlog'),
    dueAt: now + 10 * hour,
  }));
  await putRows(world.dynamo, webhooksTable, rows);
  world.clock.advance(2 * hour);
  // A sweep by a clock that is ten minutes ahead, and is set right after that.
  world.clock.set(10 * minute);
  await world.sweep();
  world.clock.set(-10 * minute);
  await world.takeWakeUps();

  // Each call takes a while, as it does where the table is busy.
  const dynamo = new DynamoDBClient({
    ...sdkSettings(world.sdkEnvironment),
    endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  });
  dynamo.middlewareStack.add(
    (next) => async (args) => {
      world.clock.advance(second);
      return next(args);
    },
    { step: 'initialize' },
  );
  const began = world.clock.steady();
  await sweep({ ...world.deps, dynamo }, began + 50 * second);
  expect((world.clock.steady() - began) / second).toBeLessThanOrEqual(55);
  expect((await world.takeWakeUps()).map(({ endpoint }) => endpoint)).toContain('good');
});

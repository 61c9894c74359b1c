import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, expect, test } from 'vitest';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { sweep } from '../../../functions/webhooks/sweep.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

test('what one sweep leaves because its time is short, a later one looks after', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `endpoint-${String(at).padStart(2, '0')}`);
  for (const name of names) await addEndpoint(world.deps, name, { url: world.urlOf(name) });
  const expiresAt = world.clock.now().getTime() / 1000 + 86_400;
  for (const name of names) await world.deps.leases.leaveRequest(name, [], world.clock.now().getTime(), expiresAt);
  const dynamo = new DynamoDBClient({
    ...sdkSettings(world.sdkEnvironment),
    endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  });
  dynamo.middlewareStack.add(
    (next) => async (args) => {
      world.clock.advance(1000);
      return next(args);
    },
    { step: 'initialize' },
  );
  const woken = new Set<string>();
  for (let sweeps = 0; sweeps < 10; sweeps += 1) {
    await sweep({ ...world.deps, dynamo }, world.clock.steady() + 50_000);
    for (const { endpoint } of await world.takeWakeUps()) woken.add(endpoint);
  }
  expect(names.filter((name) => !woken.has(name))).toEqual([]);
});

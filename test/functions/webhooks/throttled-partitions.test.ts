import { type BatchGetItemCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import { sweep } from '../../../functions/webhooks/sweep.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('transfer-1');

/** Leaves over whatever stands in the busy partition of one endpoint, as DynamoDB does where it throttles that. */
function busyFor(partition: string) {
  const dynamo = new DynamoDBClient({
    ...sdkSettings(world.sdkEnvironment),
    endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  });
  dynamo.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === 'QueryCommand' && JSON.stringify(args.input).includes(`"${partition}"`))
          throw Object.assign(new Error('throttled'), { name: 'ProvisionedThroughputExceededException' });
        if (commandName !== 'BatchGetItemCommand') return next(args);
        const input = args.input as BatchGetItemCommandInput;
        const all = input.RequestItems![webhooksTable]!.Keys!;
        const isBusy = (key: (typeof all)[0]) => unmarshall(key).pk === partition;
        const [left, Keys] = [all.filter(isBusy), all.filter((key) => !isBusy(key))];
        const settings = { ...input.RequestItems![webhooksTable]!, Keys };
        const nothing = { response: {}, output: { $metadata: {}, Responses: {} } } as never;
        const result =
          Keys.length === 0
            ? nothing
            : await next({ ...args, input: { ...input, RequestItems: { [webhooksTable]: settings } } as never });
        const UnprocessedKeys = left.length > 0 ? { [webhooksTable]: { ...settings, Keys: left } } : undefined;
        return {
          ...(result as object),
          output: { ...(result as { output: object }).output, UnprocessedKeys },
        } as never;
      },
    { step: 'initialize' },
  );
  return { ...world.deps, dynamo, leases: new Leases({ dynamo, table: webhooksTable }, () => 0.5) };
}

describe('where the partition of one endpoint is throttled', () => {
  beforeEach(async () => {
    for (const name of ['bad', 'good'])
      await addEndpoint(world.deps, name, { url: world.urlOf(name), retryDelays: [1_800_000] });
  });

  test('the other one of the same batch gets its delivery, and at once', async () => {
    await world.fanOut(event);
    const began = performance.now();
    await deliver(busyFor('ENDPOINT#bad'), await world.takeWakeUps(), world.clock.steady() + 55_000).catch(
      () => undefined,
    );
    const took = performance.now() - began;
    const delays = { received: world.received.map(({ path }) => path), took };
    expect(delays).toEqual({ received: ['/good'], took });
  }, 60_000);

  test('the sweep has the other one looked after', async () => {
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(event);
    await world.answerWakeUps();
    world.clock.advance(3_600_000);
    await world.takeWakeUps();
    await sweep(busyFor('ENDPOINT#bad'), world.clock.steady() + 50_000).catch(() => undefined);
    expect((await world.takeWakeUps()).map(({ endpoint }) => endpoint)).toContain('good');
  }, 60_000);
});

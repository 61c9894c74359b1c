import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint, removeEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 120 }, (_, at) => exampleEvent(`transfer-${at}`));
const statuses = async () => {
  const rows = (await world.dump()).filter(({ sk }) => sk.startsWith('DELIVERY#'));
  return Object.fromEntries(
    [...Map.groupBy(rows, ({ status }) => status)].map(([status, some]) => [status, some.length]),
  );
};

/** An endpoint with 120 retries that wait for hours. */
async function prepare() {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelays: [36_000_000], maxInFlight: 100 });
  world.setAnswer(() => ({ status: 500 }));
  for (let at = 0; at < events.length; at += 10) await world.fanOut(...events.slice(at, at + 10));
  const ids = events.map(({ id }) => id);
  await world.takeWakeUps();
  // Together, so that the breaker counts them once.
  await world.deliver([{ endpoint: 'crm', events: ids }]);
  await world.deliver([{ endpoint: 'crm', events: ids }]);
  expect(await statuses()).toEqual({ PENDING: 120 });
  await world.takeWakeUps();
}

/** The wake-up that removing an endpoint leaves for a minute later. */
async function delayed() {
  expect(await world.countWakeUps()).toBe(1);
  world.clock.advance(60_000);
  await world.deliver([{ endpoint: 'crm', events: [] }]);
}

async function later() {
  for (let minutes = 0; minutes < 10; minutes += 1) {
    world.clock.advance(60_000);
    await world.sweep();
    await world.answerWakeUps();
  }
}

describe('an endpoint that was removed has all of its retries cancelled', () => {
  test('where nothing goes wrong', async () => {
    await prepare();
    await removeEndpoint(world.deps, 'crm');
    await world.answerWakeUps();
    expect(await statuses()).toEqual({ CANCELLED: 120 });
  });

  test('though the index lags a moment behind, as an index of DynamoDB does', async () => {
    await prepare();
    await removeEndpoint(world.deps, 'crm');
    // Each query of the index answers what the one before should have.
    let before: unknown;
    const dynamo = new DynamoDBClient({
      ...sdkSettings(world.sdkEnvironment),
      endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
    });
    dynamo.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        if (!('IndexName' in args.input)) return result;
        const answered = before ?? result.output;
        before = result.output;
        return { ...result, output: answered as typeof result.output };
      },
      { step: 'initialize' },
    );
    const leases = new Leases({ dynamo, table: webhooksTable }, () => 0.5);
    await deliver({ ...world.deps, dynamo, leases }, await world.takeWakeUps());
    await delayed();
    expect(await statuses()).toEqual({ CANCELLED: 120 });
  });

  test('though SQS does not take the wake-up by which a drain whose time is over hands over', async () => {
    await prepare();
    await removeEndpoint(world.deps, 'crm');
    const wakeUps = await world.takeWakeUps();
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    const stopAt = world.clock.steady() + 15_000;
    const { unhandled } = await world.faults.run(plan, () => deliver(world.deps, wakeUps, stopAt));
    if (unhandled.length > 0) await world.deliver(wakeUps);
    await later();
    expect(await statuses()).toEqual({ CANCELLED: 120 });
  });

  test('though an attempt was under way that fails, and is to be repeated in half an hour', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelays: [30 * 60_000] });
    world.setAnswer(async () => {
      await removeEndpoint(world.deps, 'crm');
      await deliver({ ...world.deps, leases: world.otherLeases() }, await world.takeWakeUps());
      return { status: 500 };
    });
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    await delayed();
    expect(await statuses()).toEqual({ CANCELLED: 1 });
  });
});

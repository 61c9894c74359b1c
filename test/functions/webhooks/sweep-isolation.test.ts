import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { type SweepDependencies, sweep } from '../../../functions/webhooks/sweep.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

const minute = 60_000;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('transfer-1');

/** Two endpoints with a retry each that is due, and nobody who was woken for it. */
async function prepare() {
  for (const name of ['bad', 'good'])
    await addEndpoint(world.deps, name, { url: world.urlOf(name), retryDelays: [30 * minute] });
  world.setAnswer(() => ({ status: 500 }));
  await world.fanOut(event);
  await world.answerWakeUps();
  world.clock.advance(40 * minute);
  world.setAnswer(() => ({ status: 204 }));
  world.received.length = 0;
  await world.takeWakeUps();
}

/** The table, of which calls fail that have to do with one endpoint, as where its part is throttled. */
function failingFor(text: string): SweepDependencies {
  const dynamo = new DynamoDBClient({
    ...sdkSettings(world.sdkEnvironment),
    endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  });
  dynamo.middlewareStack.add(
    (next) => async (args) => {
      if (JSON.stringify(args.input).includes(text))
        throw Object.assign(new Error('throttled'), { name: 'ProvisionedThroughputExceededException' });
      return next(args);
    },
    { step: 'initialize' },
  );
  return { ...world.deps, dynamo };
}

describe('a sweep has the other endpoints looked after', () => {
  test('when nothing fails', async () => {
    await prepare();
    await world.sweep();
    expect((await world.takeWakeUps()).map(({ endpoint }) => endpoint)).toContain('good');
  });

  test('where the part of the index is throttled in which the retries of one endpoint stand', async () => {
    await prepare();
    await sweep(failingFor('DUE#bad'), world.clock.steady() + 50_000).catch(() => undefined);
    expect((await world.takeWakeUps()).map(({ endpoint }) => endpoint)).toContain('good');
  });

  test('where SNS does not answer for an event about one endpoint', async () => {
    await prepare();
    world.setAnswer(() => ({ status: 500 }));
    // The fourth failure in a row: operators are to be told.
    for (let at = 0; at < 4; at += 1) {
      await world.fanOut(exampleEvent(`more-${at}`));
      await world.deliver((await world.takeWakeUps()).filter(({ endpoint }) => endpoint === 'bad'));
      world.clock.advance(1000);
    }
    const plan = new FaultPlan([
      ['PublishBatchCommand', 'pause'],
      ['PublishCommand', 'pause'],
    ]);
    const sweeping = world.faults.run(plan, () => world.sweep());
    await plan.reachedPause;
    await new Promise((resolve) => setTimeout(resolve, 500));
    const sent = plan.calls.includes('SendMessageBatchCommand');
    plan.resume();
    await sweeping;
    expect(sent).toBe(true);
  });

  test('where the row of one endpoint cannot be written after its event was published', async () => {
    await prepare();
    world.setAnswer(() => ({ status: 500 }));
    for (let at = 0; at < 4; at += 1) {
      await world.fanOut(exampleEvent(`more-${at}`));
      await world.deliver((await world.takeWakeUps()).filter(({ endpoint }) => endpoint === 'bad'));
      world.clock.advance(1000);
    }
    await world.takeWakeUps();
    const plan = new FaultPlan([['PutItemCommand', 'refused']]);
    await world.faults.run(plan, () => world.sweep()).catch(() => undefined);
    expect((await world.takeWakeUps()).map(({ endpoint }) => endpoint)).toContain('good');
  });
});

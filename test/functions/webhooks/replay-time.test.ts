import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, expect, test } from 'vitest';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { type Replay, replay } from '../../../functions/webhooks/replay.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

test.each([true, false])(
  'a replay of more events of one poll than one request has time for comes to an end (dry run: %s)',
  async (dryRun) => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    // The changes of one poll have the same time.
    const events = Array.from({ length: 250 }, (_, at) => exampleEvent(`transfer-${at}`));
    for (let at = 0; at < events.length; at += 10) await world.fanOut(...events.slice(at, at + 10));
    await world.deliver([{ endpoint: 'crm', events: events.map(({ id }) => id) }]);
    await world.takeWakeUps();
    expect(world.received).toHaveLength(250);
    world.received.length = 0;
    const dynamo = new DynamoDBClient({
      ...sdkSettings(world.sdkEnvironment),
      endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
    });
    dynamo.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'QueryCommand') world.clock.advance(1000);
          return next(args);
        },
      { step: 'initialize' },
    );
    // As the command does, which asks again until all is done; each request has time for two pages of three.
    let done: Replay | undefined;
    let matching = 0;
    for (let requests = 0; requests < 10 && !done?.isComplete; requests += 1) {
      done = await replay({ ...world.deps, dynamo }, 'crm', {
        from: '2026-11-24T00:00:00.000Z',
        after: done?.next,
        until: '2026-11-24T01:00:00.000Z',
        dryRun,
        perSecond: 1000,
        stopAt: world.clock.steady() + 2500,
      });
      matching += done.count;
      world.clock.advance(5000);
      await world.deliver([{ endpoint: 'crm', events: [] }]);
    }
    expect({ isComplete: done?.isComplete, matching, sent: world.received.length }).toEqual({
      isComplete: true,
      matching: 250,
      sent: dryRun ? 0 : 250,
    });
  },
);

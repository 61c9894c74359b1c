import { beforeEach, describe, expect, test } from 'vitest';
import { tolerance } from '../../../functions/instants.ts';
import { addEndpoint, pauseEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

const minute = 60_000;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('transfer-1');
const rounds = async (minutes: number) => {
  for (let passed = 0; passed < minutes; passed += 1) {
    world.clock.advance(minute);
    await world.sweep();
    await world.answerWakeUps();
  }
};

describe('a delivery whose clock of fan-out is ahead of the one of deliver, by what two machines may differ by,', () => {
  test.each([1001, 2000, tolerance])('%i ms, is made all the same', async (ahead) => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event);
    world.clock.set(-ahead);
    await world.answerWakeUps();
    // Whatever the first one did: an hour of sweeps has it made.
    await rounds(60);
    const { deliveries } = await world.trace(event.id);
    expect(deliveries).toMatchObject([{ status: 'DELIVERED' }]);
    expect(world.received).toHaveLength(1);
  });

  test('is held all the same when the endpoint is paused', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event);
    await pauseEndpoint(world.deps, 'crm');
    world.clock.set(-2000);
    await world.answerWakeUps();
    await rounds(10);
    expect((await world.trace(event.id)).deliveries).toMatchObject([{ status: 'HELD' }]);
  });
});

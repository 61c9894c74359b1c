import { beforeEach, expect, test } from 'vitest';
import { addEndpoint, existingEndpoint, sendTest } from '../../../functions/webhooks/endpoint-life.ts';
import { sweep } from '../../../functions/webhooks/sweep.ts';
import { startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

test('sweeps that always come to 60 of 150 endpoints tell operators of one that was disabled', async () => {
  for (let at = 0; at < 150; at += 1)
    await addEndpoint(world.deps, `e${String(at).padStart(3, '0')}`, { url: world.urlOf('x') });
  world.setAnswer(() => ({ status: 410 }));
  await sendTest(world.deps, 'e010');
  await world.answerWakeUps();
  expect((await existingEndpoint(world.deps, 'e010')).pending).toHaveLength(1);
  let told = 0;
  for (let at = 0; at < 12; at += 1) {
    world.clock.advance(60_000);
    let calls = 0;
    const began = world.clock.steady();
    const steady = () => {
      calls += 1;
      return began + 30 * calls;
    };
    told += (await sweep({ ...world.deps, steady }, began + 6800)).announced;
  }
  expect(told).toBe(1);
}, 60_000);

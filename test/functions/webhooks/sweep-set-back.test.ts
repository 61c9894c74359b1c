import { beforeEach, expect, test } from 'vitest';
import { addEndpoint, sendTest } from '../../../functions/webhooks/endpoint-life.ts';
import { sweep } from '../../../functions/webhooks/sweep.ts';
import { startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

test.each([0, 86_400_000])(
  'sweeps with time for 60 of 150 endpoints come to the last one, clock set back by %i',
  async (ahead) => {
    for (let at = 0; at < 150; at += 1)
      await addEndpoint(world.deps, `e${String(at).padStart(3, '0')}`, {
        url: world.urlOf('x'),
        retryDelays: [300_000],
        types: at === 120 ? ['transfer.failed'] : ['transfer.active'],
      } as never);
    world.clock.set(ahead);
    await world.sweep();
    world.clock.set(-ahead);
    world.clock.advance(60_000);
    world.setAnswer(() => ({ status: 500 }));
    await sendTest(world.deps, 'e120');
    await world.answerWakeUps();
    expect(world.received).toHaveLength(1);
    world.clock.advance(400_000);
    await world.takeWakeUps();
    const left: number[] = [];
    let woken = 0;
    for (let at = 0; at < 8; at += 1) {
      world.clock.advance(60_000);
      let calls = 0;
      const began = world.clock.steady();
      // Each endpoint takes its time.
      const steady = () => {
        calls += 1;
        return began + 100 * calls;
      };
      const swept = await sweep({ ...world.deps, steady }, began + 17_000);
      left.push(swept.left);
      woken += swept.woken;
    }
    expect(woken).toBeGreaterThan(0);
  },
  100_000,
);

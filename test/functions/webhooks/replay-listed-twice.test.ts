import { beforeEach, expect, test } from 'vitest';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { replay } from '../../../functions/webhooks/replay.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('transfer-1');
const range = { from: '2026-11-24T00:00:00.000Z', until: '2026-11-25T00:00:00.000Z', dryRun: false };

/** An event that arrives twice: a poll publishes it again when its notice has failed, and SQS may bring it twice by itself. */
test.each(['no endpoint', 'zulu'])(
  'a range with an event is replayed that arrived once for %s and again when crm was added',
  async (before) => {
    if (before !== 'no endpoint') await addEndpoint(world.deps, before, { url: world.urlOf(before) });
    await world.fanOut(event);
    await world.answerWakeUps();
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event);
    await world.answerWakeUps();
    expect((await world.trace(event.id)).deliveries.map(({ endpoint, status }) => [endpoint, status])).toContainEqual([
      'crm',
      'DELIVERED',
    ]);
    expect(await replay(world.deps, 'crm', range)).toMatchObject({ count: 1, isComplete: true });
  },
);

import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { WebhookClient } from '../../../functions/webhooks/post.ts';
import { failedMessages, readWakeUps, sendWakeUps } from '../../../functions/webhooks/wake-ups.ts';
import { startEventSource } from '../../../infra/local/event-source.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

/** Batches that deliver works on at the same time, on AWS and in the local run. */
const slots = 20;

/** Milliseconds of a request here, in place of 15 s. */
const timeout = 4000;

test.each([
  { hanging: 1, maxInFlight: 10 },
  { hanging: 4, maxInFlight: 10 },
  { hanging: 1, maxInFlight: 50 },
])(
  '$hanging endpoints that hang, with $maxInFlight attempts at once, do not delay another one',
  async ({ hanging, maxInFlight }) => {
    const bad = Array.from({ length: hanging }, (_, at) => `bad-${at}`);
    for (const name of bad) await addEndpoint(world.deps, name, { url: world.urlOf(name), maxInFlight });
    await addEndpoint(world.deps, 'good', { url: world.urlOf('good') });
    const ended = Promise.withResolvers<void>();
    world.setAnswer(async ({ path }) => {
      if (path !== '/good') await ended.promise;
      return { status: 204 };
    });
    const client = new WebhookClient({ resolve: async () => ['127.0.0.1'], allowPrivate: true, timeout });
    const deps = { ...world.deps, client, now: () => new Date(), steady: () => Math.round(performance.now()) };
    const source = startEventSource(world.sqs, world.queue, slots, async ({ Records }) => {
      const wakeUps = readWakeUps(Records);
      const { unhandled } = await deliver(deps, [...wakeUps.values()]);
      return { batchItemFailures: failedMessages(wakeUps, new Set(unhandled.map(({ endpoint }) => endpoint))) };
    });
    const { createDelivery } = await import('../../../functions/webhooks/deliveries.ts');
    const { listEndpoints } = await import('../../../functions/webhooks/endpoints.ts');
    const endpoints = await listEndpoints(world.deps);
    // Single changes, one every 30 ms.
    const announce = async (name: string, trackingId: string) => {
      const event = exampleEvent(trackingId);
      const at = event.timestamp;
      const stored = { id: event.id, body: JSON.stringify(event), at, kind: 'event' } as const;
      await createDelivery(world.deps, stored, endpoints.find((one) => one.name === name)!, Date.now(), false);
      await sendWakeUps(world.deps, [{ endpoint: name, events: [event.id] }]);
      await sleep(30);
    };
    for (let at = 0; at < 24; at += 1) await announce(bad[at % hanging]!, `hanging-${at}`);
    const began = performance.now();
    await announce('good', 'good-1');
    while (!world.received.some(({ path }) => path === '/good') && performance.now() - began < 10_000) await sleep(5);
    const took = performance.now() - began;
    ended.resolve();
    source.stop();
    await source.ended;
    client.close();
    expect(took).toBeLessThan(timeout / 4);
  },
  60_000,
);

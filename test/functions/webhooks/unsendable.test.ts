import { beforeEach, expect, test } from 'vitest';
import { createDelivery } from '../../../functions/webhooks/deliveries.ts';
import { addEndpoint, existingEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

test('a delivery whose id no header can carry fails by itself, and keeps no other from its endpoint', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelays: [5000] });
  const crm = await existingEndpoint(world.deps, 'crm');
  const now = world.clock.now();
  const event = { id: 'evt_€', body: '{}', at: now.toISOString(), kind: 'event' } as const;
  await createDelivery(world.deps, event, crm, now.getTime(), true);
  const others = [exampleEvent('transfer-1'), exampleEvent('transfer-2')];
  await world.fanOut(...others);
  await world.takeWakeUps();
  await world.deliver([{ endpoint: 'crm', events: [event.id, ...others.map(({ id }) => id)] }]);
  expect(world.received.map(({ headers }) => headers['webhook-id']).toSorted()).toEqual(
    others.map(({ id }) => id).toSorted(),
  );
  await world.settleAll();
  const [delivery] = (await world.trace(event.id)).deliveries;
  expect(delivery).toMatchObject({ status: 'FAILED', lastAttempt: { code: 'ERR_INVALID_CHAR' } });
});

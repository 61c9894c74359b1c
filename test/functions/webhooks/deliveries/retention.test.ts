import { beforeEach, expect, test } from 'vitest';
import { deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { resend } from '#functions/webhooks/deliveries/replay.ts';
import { acquire, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { addEndpoint, pauseEndpoint, removeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelaysMs: [1000] });
  return () => world.close();
});

const event = exampleEvent('20260101-000000-Example1');
const name = { event: event.id, endpoint: 'crm' };
const delivery = async () => (await world.dump()).find(({ sk }) => sk === deliveryKey(name).sk);
const wakeUp = { endpoint: 'crm', events: [event.id] };

/** Unix seconds, 30 days from now. */
const inThirtyDays = () => Math.floor(world.clock.now().getTime() / 1000) + 30 * 86_400;

test.each([
  { status: 'DELIVERED', act: () => undefined },
  { status: 'FAILED', act: () => world.setAnswer(() => ({ status: 500 })) },
  { status: 'CANCELLED', act: () => removeEndpoint(world.deps, 'crm') },
])('a delivery that is $status is kept for 30 days, and so are its attempts', async ({ status, act }) => {
  await world.fanOut(event);
  await act();
  world.clock.advance(1000);
  await world.deliver([wakeUp]);
  world.clock.advance(1000);
  await world.deliver([wakeUp]);
  const { attempts } = await world.trace(event.id);
  expect(attempts).toHaveLength(status === 'FAILED' ? 2 : status === 'DELIVERED' ? 1 : 0);
  // The last one stands in the row of the delivery.
  for (const attempt of attempts.slice(0, -1))
    expect(attempt.expiresAt).toBe(Math.floor(Date.parse(String(attempt.startedAt)) / 1000) + 30 * 86_400);
  expect(await delivery()).toMatchObject({ status, expiresAt: inThirtyDays() - 2 });
  expect(await delivery()).not.toHaveProperty('due');
});

test('a delivery that waits for an operator is kept for as long as its event', async () => {
  await pauseEndpoint(world.deps, 'crm');
  await world.fanOut(event);
  const last = inThirtyDays();
  world.clock.advance(1000);
  await world.deliver([wakeUp]);
  expect(await delivery()).toMatchObject({ status: 'HELD', expiresAt: last });
});

test('a delivery that is sent again is kept for as long as before', async () => {
  await world.fanOut(event);
  const last = inThirtyDays();
  await world.deliver([wakeUp]);
  world.clock.advance(1000);
  expect(await resend(world.deps, name)).toBe(true);
  expect(await delivery()).toMatchObject({ status: 'PENDING', expiresAt: last });
});

test('a request that no process ever looks at goes after 30 days', async () => {
  await world.deps.leases.change('crm', newLease, (lease) =>
    acquire(lease, 'another', { inFlight: {}, observations: [] }, 0, world.clock.now().getTime()),
  );
  await world.fanOut(event);
  await world.answerWakeUps();
  const requests = (await world.dump()).filter(({ sk }) => sk.startsWith('REQUEST#'));
  expect(requests).toMatchObject([{ events: [event.id], expiresAt: inThirtyDays() }]);
});

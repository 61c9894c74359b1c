import { beforeEach, expect, test } from 'vitest';
import { addEndpoint, pauseEndpoint, removeEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { resend } from '../../../functions/webhooks/replay.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelays: [1000] });
  return () => world.close();
});

const event = exampleEvent('20260101-000000-Example1');
const name = { event: event.id, endpoint: 'crm' };
const delivery = async () => (await world.rows(`EVENT#${event.id}`)).find(({ sk }) => sk === 'DELIVERY#crm');

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
  await world.deliver([name]);
  world.clock.advance(1000);
  await world.deliver([name]);
  const { attempts } = await world.trace(event.id);
  expect(attempts).toHaveLength(status === 'FAILED' ? 2 : status === 'DELIVERED' ? 1 : 0);
  for (const attempt of attempts)
    expect(attempt.expiresAt).toBe(Math.floor(Date.parse(String(attempt.startedAt)) / 1000) + 30 * 86_400);
  const last = status === 'FAILED' ? inThirtyDays() : inThirtyDays() - 1;
  expect(await delivery()).toMatchObject({ status, expiresAt: last });
  expect(await delivery()).not.toHaveProperty('due');
});

test('a delivery that waits for an operator is kept for as long as it takes', async () => {
  await pauseEndpoint(world.deps, 'crm');
  await world.fanOut(event);
  await world.deliver([name]);
  expect(await delivery()).toMatchObject({ status: 'HELD' });
  expect(await delivery()).not.toHaveProperty('expiresAt');
});

test('a delivery that is sent again does not expire on its way', async () => {
  await world.fanOut(event);
  await world.deliver([name]);
  expect(await resend(world.deps, name)).toBe(true);
  expect(await delivery()).toMatchObject({ status: 'PENDING' });
  expect(await delivery()).not.toHaveProperty('expiresAt');
});

import { beforeEach, describe, expect, test } from 'vitest';
import { sendTest } from '#functions/webhooks/deliveries/test-event.ts';
import {
  addEndpoint,
  disableEndpoint,
  enableEndpoint,
  existingEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  updateEndpoint,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  return () => world.close();
});

const crm = () => existingEndpoint(world.deps, 'crm');

/** Has the endpoint fail often enough to be talked of, and then ask to be left alone for a day. */
async function fail(): Promise<void> {
  for (let time = 0; time < 5; time += 1) {
    world.setAnswer(() => (time < 4 ? { status: 500 } : { status: 429, headers: { 'retry-after': '86400' } }));
    await world.fanOut(exampleEvent(`failing-${time}`));
    await world.answerWakeUps();
    world.clock.advance(1);
  }
  expect(await crm()).toMatchObject({ health: { cause: 'http_error' } });
  world.setAnswer(() => ({ status: 204 }));
  world.received.length = 0;
}

describe('an endpoint that begins anew gets the next event at once', () => {
  test('after it was enabled, with nothing left of its failing', async () => {
    await fail();
    await disableEndpoint(world.deps, 'crm', 'maintenance');
    expect(await crm()).toMatchObject({ status: 'disabled', disabledBecause: 'maintenance' });
    await enableEndpoint(world.deps, 'crm');
    expect(await crm()).not.toHaveProperty('health');
    expect(await crm()).not.toHaveProperty('disabledBecause');
    await world.fanOut(exampleEvent('next'));
    await world.answerWakeUps();
    expect(world.received).toHaveLength(1);
  });

  test('after it was removed and added again', async () => {
    await fail();
    await removeEndpoint(world.deps, 'crm');
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(exampleEvent('next'));
    await world.answerWakeUps();
    expect(world.received).toHaveLength(1);
  });
});

test('enabling an endpoint that is active does not close its breaker', async () => {
  await fail();
  await expect(enableEndpoint(world.deps, 'crm')).rejects.toThrow('crm is active already');
  await world.fanOut(exampleEvent('next'));
  await world.answerWakeUps();
  expect(world.received).toEqual([]);
});

describe('what an operator does', () => {
  test('has to fit the status, and what does not names the command that does', async () => {
    await expect(resumeEndpoint(world.deps, 'crm')).rejects.toThrow('crm is active already');
    await expect(enableEndpoint(world.deps, 'crm')).rejects.toThrow('crm is active already');
    await pauseEndpoint(world.deps, 'crm');
    await expect(enableEndpoint(world.deps, 'crm')).rejects.toThrow(
      'crm is paused, not disabled: npm run notifier -- endpoint resume crm',
    );
    await disableEndpoint(world.deps, 'crm', 'maintenance');
    await expect(resumeEndpoint(world.deps, 'crm')).rejects.toThrow(
      'crm is disabled, not paused: npm run notifier -- endpoint enable crm',
    );
    await expect(pauseEndpoint(world.deps, 'crm')).rejects.toThrow('crm is disabled already');
    expect(await crm()).toMatchObject({ status: 'disabled', disabledBecause: 'maintenance' });
  });

  test('at the same time as another does not undo what that one did', async () => {
    await Promise.all([
      updateEndpoint(world.deps, 'crm', { maxInFlight: 3 }),
      updateEndpoint(world.deps, 'crm', { types: ['transfer.failed'] }),
      pauseEndpoint(world.deps, 'crm'),
    ]);
    expect(await crm()).toMatchObject({ maxInFlight: 3, types: ['transfer.failed'], status: 'paused', rev: 3 });
  });

  test('does not make a chat of a receiver of events', async () => {
    const changing = updateEndpoint(world.deps, 'crm', { format: 'slack' });
    await expect(changing).rejects.toThrow('format: expected the same as before');
    expect(await crm()).toMatchObject({ format: 'event' });
  });

  test('to try an endpoint out is done at once', async () => {
    const { event } = await sendTest(world.deps, 'crm');
    await world.answerWakeUps();
    expect(world.received.map(({ headers }) => headers['webhook-id'])).toEqual([event]);
  });
});

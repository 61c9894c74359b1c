import { beforeEach, expect, test } from 'vitest';
import {
  addEndpoint,
  existingEndpoint,
  pauseEndpoint,
  resumeEndpoint,
  updateEndpoint,
} from '../../../functions/webhooks/endpoint-life.ts';
import { recover } from '../../../functions/webhooks/replay.ts';
import { type FaultKind, FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('transfer-1');

async function later() {
  for (let minutes = 0; minutes < 10; minutes += 1) {
    world.clock.advance(60_000);
    await world.sweep();
    await world.answerWakeUps();
  }
}

/** What must not be: a delivery is held by an active endpoint, nobody was told, and nothing sends it. */
async function expectNotStuck() {
  const endpoint = await existingEndpoint(world.deps, 'crm');
  const [delivery] = (await world.trace(event.id)).deliveries;
  expect({ endpoint: endpoint.status, delivery: delivery!.status }).not.toEqual({
    endpoint: 'active',
    delivery: 'HELD',
  });
}

test.each([1, 2, 3, 4, 5])(
  'an endpoint that says it is gone is disabled, though the process dies after its call %i, before all is written down',
  async (call) => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    world.setAnswer(() => ({ status: 410 }));
    await world.fanOut(event);
    const wakeUps = await world.takeWakeUps();
    // Endpoint, lease and delivery; the lease; the endpoint, and that it is disabled; the delivery; the lease again.
    const plan = new FaultPlan([[call, 'crash after']]);
    await world.faults.run(plan, () => world.deliver(wakeUps)).catch(() => undefined);
    world.clock.advance(60_000);
    await world.deliver(wakeUps);
    await later();
    await expectNotStuck();
  },
);

test('an endpoint that says it is gone is disabled, though it is changed while it says so', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  world.setAnswer(async () => {
    // Any change counts: here an operator's; the sweep's, when it has published an event about the endpoint, does as well.
    await updateEndpoint(world.deps, 'crm', { maxInFlight: 9 });
    return { status: 410 };
  });
  await world.fanOut(event);
  await world.answerWakeUps();
  await later();
  await expectNotStuck();
});

test('an endpoint that was given another address while the old one said that it is gone stays active, and gets it there', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelays: [5000] });
  world.setAnswer(async () => {
    world.setAnswer(() => ({ status: 204 }));
    await updateEndpoint(world.deps, 'crm', { url: world.urlOf('moved') });
    return { status: 410 };
  });
  await world.fanOut(event);
  await world.answerWakeUps();
  await later();
  expect((await existingEndpoint(world.deps, 'crm')).status).toBe('active');
  expect((await world.trace(event.id)).deliveries).toMatchObject([{ status: 'DELIVERED' }]);
  expect(world.received.map(({ path }) => path)).toEqual(['/crm', '/moved']);
});

/** Pauses before a delivery is written down. */
class AtDelivery extends FaultPlan {
  override next(command: string): FaultKind | undefined {
    return command === 'UpdateItemCommand' ? 'pause' : undefined;
  }
}

test('a paused endpoint that says it is gone and is resumed and recovered in that very moment gets its event', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  world.setAnswer(async () => {
    await pauseEndpoint(world.deps, 'crm');
    return { status: 410 };
  });
  await world.fanOut(event);
  const wakeUps = await world.takeWakeUps();
  const plan = new AtDelivery();
  const draining = world.faults.run(plan, () => world.deliver(wakeUps));
  await plan.reachedPause;
  world.setAnswer(() => ({ status: 204 }));
  await resumeEndpoint(world.deps, 'crm');
  const range = { from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', dryRun: false };
  expect(await recover(world.deps, 'crm', range)).toMatchObject({ count: 0 });
  plan.resume();
  expect((await draining).unhandled).toEqual([]);
  await later();
  expect((await world.trace(event.id)).deliveries).toMatchObject([{ status: 'DELIVERED' }]);
});

import { beforeEach, expect, test } from 'vitest';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import {
  existingEndpoint,
  pauseEndpoint,
  resumeEndpoint,
  updateEndpoint,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { add, deliveryOf, first, pass, startDrainWorld, world } from '#test/support/drain-world.ts';

beforeEach(async () => {
  const end = await startDrainWorld();
  await add();
  await world.fanOut(first);
  return end;
});

/** What must not be: a delivery is held by an active endpoint, nobody was told, and nothing sends it. */
async function expectNotStuck() {
  const endpoint = await existingEndpoint(world.deps, 'crm');
  expect({ endpoint: endpoint.status, delivery: (await deliveryOf(first)).status }).not.toEqual({
    endpoint: 'active',
    delivery: 'HELD',
  });
}

test.each([1, 2, 3, 4, 5])(
  'an endpoint that says it is gone is disabled, though the process dies after its call %i, before all is written down',
  async (call) => {
    world.setAnswer(() => ({ status: 410 }));
    const wakeUps = await world.takeWakeUps();
    // Endpoint, lease and delivery; the lease; the endpoint, and that it is disabled; the delivery; the lease again.
    const plan = new FaultPlan([[call, 'crash after']]);
    await world.faults.run(plan, () => world.deliver(wakeUps)).catch(() => undefined);
    world.clock.advance(60_000);
    await world.deliver(wakeUps);
    await pass(10);
    await expectNotStuck();
  },
);

test('an endpoint that says it is gone is disabled, though it is changed while it says so', async () => {
  world.setAnswer(async () => {
    // Any change counts: here an operator's; the sweep's, when it has published an event about the endpoint, does as well.
    await updateEndpoint(world.deps, 'crm', { maxInFlight: 9 });
    return { status: 410 };
  });
  await world.answerWakeUps();
  await pass(10);
  await expectNotStuck();
});

test('an endpoint that was given another address while the old one said that it is gone stays active, and gets it there', async () => {
  world.setAnswer(async () => {
    world.setAnswer(() => ({ status: 204 }));
    await updateEndpoint(world.deps, 'crm', { url: world.urlOf('moved') });
    return { status: 410 };
  });
  await world.answerWakeUps();
  await pass(10);
  expect((await existingEndpoint(world.deps, 'crm')).status).toBe('active');
  expect((await deliveryOf(first)).status).toBe('DELIVERED');
  expect(world.received.map(({ path }) => path)).toEqual(['/crm', '/moved']);
});

test('a paused endpoint that says it is gone and is resumed and recovered in that very moment gets its event', async () => {
  world.setAnswer(async () => {
    await pauseEndpoint(world.deps, 'crm');
    return { status: 410 };
  });
  const wakeUps = await world.takeWakeUps();
  // Before the delivery is written down.
  const plan = new FaultPlan([['UpdateItemCommand', 'pause']]);
  const draining = world.faults.run(plan, () => world.deliver(wakeUps));
  await plan.reachedPause;
  world.setAnswer(() => ({ status: 204 }));
  await resumeEndpoint(world.deps, 'crm');
  const range = { from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', dryRun: false };
  expect(await recover(world.deps, 'crm', range)).toMatchObject({ count: 0 });
  plan.resume();
  expect((await draining).unhandled).toEqual([]);
  await pass(10);
  expect((await deliveryOf(first)).status).toBe('DELIVERED');
});

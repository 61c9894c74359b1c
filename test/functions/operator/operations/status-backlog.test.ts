import { beforeEach, expect, test } from 'vitest';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

test('the status does not say that 100 deliveries wait, and no more, where 1,000 do', async () => {
  await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
  const now = world.clock.now().getTime();
  // As fan-out wakes an endpoint that is held: ten events to a wake-up, and a request for each.
  for (let request = 0; request < 100; request += 1) {
    const events = Array.from({ length: 10 }, (_, index) => `evt_${request}_${index}`);
    await world.otherLeases().leaveRequest('crm', events, now + request, now / 1000 + 3600);
  }
  const { deliveries } = (await world.ask('GET', '/status')).body as unknown as { deliveries: { waiting: unknown } };
  expect(deliveries.waiting).not.toEqual({ count: 100, more: false });
});

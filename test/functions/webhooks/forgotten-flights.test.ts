import { beforeEach, expect, test } from 'vitest';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint, disableEndpoint, enableEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import type { WakeUp } from '../../../functions/webhooks/wake-ups.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 4 }, (_, at) => exampleEvent(`transfer-${at}`));
const wakeUpFor = (...some: readonly { id: string }[]): WakeUp => ({
  endpoint: 'crm',
  events: some.map(({ id }) => id),
});

test('an endpoint that is disabled and enabled while requests are under way gets no more at once than there may be', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 2 });
  await world.fanOut(...events);
  await world.takeWakeUps();
  let underWay = 0;
  let most = 0;
  const released = Promise.withResolvers<void>();
  world.setAnswer(async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await released.promise;
    underWay -= 1;
    return { status: 204 };
  });
  const first = world.deliver([wakeUpFor(events[0]!, events[1]!)]);
  while (underWay < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await disableEndpoint(world.deps, 'crm', 'an operator says so');
  await enableEndpoint(world.deps, 'crm');
  const second = deliver({ ...world.deps, leases: world.otherLeases() }, [wakeUpFor(events[2]!, events[3]!)]);
  await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 500))]);
  released.resolve();
  await Promise.all([first, second]);
  expect(most).toBeLessThanOrEqual(2);
});

import { beforeEach, expect, test } from 'vitest';
import { type DeliverDependencies, deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

const second = 1000;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('transfer-1');
const another = (): DeliverDependencies => ({
  ...world.deps,
  leases: new Leases({ dynamo: world.dynamo, table: webhooksTable }, () => 0.5),
});

test('a delivery is not given up without a request, because the table was slow for a while', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelays: [5 * second] });
  await world.fanOut(event);
  const wakeUps = await world.takeWakeUps();
  for (let times = 0; times < 2; times += 1) {
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const slow = world.faults.run(plan, () => deliver(another(), wakeUps, world.clock.steady() + 55 * second));
    await plan.reachedPause;
    world.clock.advance(3.1 * second);
    plan.resume();
    await slow;
    world.clock.advance(30 * second);
  }
  for (let minutes = 0; minutes < 30; minutes += 1) {
    await world.sweep();
    await world.answerWakeUps();
    world.clock.advance(60 * second);
  }
  const [delivery] = (await world.trace(event.id)).deliveries;
  expect([world.received.length, delivery!.status, delivery!.reason]).toEqual([1, 'DELIVERED', undefined]);
});

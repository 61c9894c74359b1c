import { beforeEach, expect, test } from 'vitest';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 3 }, (_, at) => exampleEvent(`transfer-${at}`));

/** As in the local run, where one process goes on and on; on AWS, Lambda ends the function after a minute. */
test('a drain of which one call to the table hangs does not keep its endpoint for ever from the process that it is in', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  await world.fanOut(events[0]!, events[1]!);
  const plan = new FaultPlan([['UpdateItemCommand', 'pause']]);
  const wakeUps = await world.takeWakeUps();
  const hanging = world.faults.run(plan, () => world.deliver(wakeUps));
  await plan.reachedPause;
  world.clock.advance(30_000);
  await world.fanOut(events[2]!);
  for (let minutes = 0; minutes < 30; minutes += 1) {
    await world.sweep();
    await world.answerWakeUps();
    world.clock.advance(60_000);
  }
  const requests = (await world.dump()).filter(({ sk }) => sk.startsWith('REQUEST#')).length;
  const status = (await world.trace(events[2]!.id)).deliveries[0]!.status;
  plan.resume();
  await hanging;
  expect({ status, requests }).toEqual({ status: 'DELIVERED', requests: 0 });
});

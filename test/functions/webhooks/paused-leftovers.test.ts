import { beforeEach, expect, test } from 'vitest';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint, disableEndpoint, pauseEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

const minute = 60_000;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 3 }, (_, at) => exampleEvent(`transfer-${at}`));

test.each(['paused', 'disabled'] as const)(
  'an endpoint that is %s after a holder died is looked at once, and then waits in peace',
  async (status) => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(...events);
    const plan = new FaultPlan();
    world.setAnswer(() => {
      plan.kill();
      return { status: 204 };
    });
    const wakeUps = await world.takeWakeUps();
    const deps = { ...world.deps, leases: new Leases({ dynamo: world.dynamo, table: webhooksTable }, () => 0.5) };
    await world.faults.run(plan, () => deliver(deps, wakeUps)).catch(() => undefined);
    world.setAnswer(() => ({ status: 204 }));
    if (status === 'paused') await pauseEndpoint(world.deps, 'crm');
    else await disableEndpoint(world.deps, 'crm', 'an operator says so');
    // The queue brings the message of the dead process again.
    world.clock.advance(6 * minute);
    await world.deliver(wakeUps);
    const held = await Promise.all(events.map(async ({ id }) => (await world.trace(id)).deliveries[0]!.status));
    expect(held).toEqual(['HELD', 'HELD', 'HELD']);
    const swept = [];
    for (let minutes = 0; minutes < 60; minutes += 1) {
      world.clock.advance(minute);
      swept.push(await world.sweep());
      await world.answerWakeUps();
    }
    const woken = swept.slice(2).reduce((sum, { woken: some }) => sum + some, 0);
    // 15 minutes are the threshold of the alarm OldestWaitingDelivery.
    expect({ woken, isAlarming: swept.at(-1)!.longestWait >= 15 * minute }).toEqual({ woken: 0, isAlarming: false });
  },
);

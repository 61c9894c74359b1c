import { beforeEach, expect, test } from 'vitest';
import { type DeliverDependencies, deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { leaseDuration } from '../../../functions/webhooks/lease.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import type { WakeUp } from '../../../functions/webhooks/wake-ups.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

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
const another = (): DeliverDependencies => ({
  ...world.deps,
  leases: new Leases({ dynamo: world.dynamo, table: webhooksTable }, () => 0.5),
});

test('a process that reads its deliveries once more for longer than its lease lasts begins none under it', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 2 });
  await world.fanOut(...events);
  await world.takeWakeUps();
  // The process remembers a lease, which another process has changed since: that is news.
  const remembering = another();
  await deliver(remembering, [wakeUpFor(events[2]!, events[3]!)]);
  await world.deps.leases.change('crm', await world.deps.leases.read('crm'), (lease) => ({
    ...lease,
    rev: lease.rev + 1,
    changedAt: world.clock.now().getTime(),
  }));
  world.received.length = 0;
  let underWay = 0;
  let most = 0;
  const released = Promise.withResolvers<void>();
  world.setAnswer(async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    if (underWay < 4) await Promise.race([released.promise, new Promise((resolve) => setTimeout(resolve, 1500))]);
    else released.resolve();
    underWay -= 1;
    return { status: 204 };
  });

  // The second BatchGetItem is the one after the lease was written; it hangs, as one that is throttled or retried does.
  const plan = new FaultPlan([[4, 'pause']]);
  const some = [wakeUpFor(events[0]!, events[1]!)];
  const slow = world.faults.run(plan, () => deliver(remembering, some));
  await plan.reachedPause;
  expect(plan.calls).toEqual([
    'BatchGetItemCommand',
    'PutItemCommand',
    'QueryCommand',
    'PutItemCommand',
    'BatchGetItemCommand',
  ]);
  world.clock.advance(leaseDuration);
  // Its lease is over: another process takes the deliveries over, and is making them when the first one goes on.
  const quick = deliver(another(), some);
  while (underWay < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  plan.resume();
  await Promise.all([slow, quick]);
  expect(most).toBeLessThanOrEqual(2);
  expect(world.received).toHaveLength(2);
});

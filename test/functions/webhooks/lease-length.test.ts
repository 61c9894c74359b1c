import { beforeEach, expect, test } from 'vitest';
import { tolerance } from '../../../functions/instants.ts';
import { type DeliverDependencies, deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
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
/** A process whose clock is behind by so much. */
const another = (behind: number): DeliverDependencies => ({
  ...world.deps,
  now: () => new Date(world.clock.now().getTime() - behind),
  leases: new Leases({ dynamo: world.dynamo, table: webhooksTable }, () => 0.5),
});

// The longest that each part may take: 3 s from the write of the lease to the begin, 15 s for the request, and clocks that
// differ by 5 s.
test.each([0, tolerance])(
  'a lease outlasts the attempts under it where the clock of its holder is %i ms behind',
  async (behind) => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 2 });
    // So that it is due by every clock: that is another test's matter.
    world.clock.set(-2 * tolerance);
    await world.fanOut(...events);
    world.clock.set(2 * tolerance);
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
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const first = world.faults.run(plan, () => deliver(another(behind), [wakeUpFor(events[0]!, events[1]!)]));
    await plan.reachedPause;
    world.clock.advance(2900);
    plan.resume();
    while (underWay < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    // Its requests may take another half a second.
    world.clock.advance(14_500);
    const second = deliver(another(0), [wakeUpFor(events[2]!, events[3]!)]);
    await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 500))]);
    released.resolve();
    await Promise.all([first, second]);
    expect(most).toBeLessThanOrEqual(2);
  },
);

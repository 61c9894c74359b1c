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

const events = Array.from({ length: 5 }, (_, at) => exampleEvent(`transfer-${at}`));
const [asked, ...others] = events as [(typeof events)[0], ...typeof events];
const wakeUpFor = (...some: readonly { id: string }[]): WakeUp => ({
  endpoint: 'crm',
  events: some.map(({ id }) => id),
});
const another = (): DeliverDependencies => ({
  ...world.deps,
  leases: new Leases({ dynamo: world.dynamo, table: webhooksTable }, () => 0.5),
});
const statusOf = async ({ id }: { id: string }) => (await world.trace(id)).deliveries[0]!.status;
const requests = async () => (await world.dump()).filter(({ sk }) => sk.startsWith('REQUEST#'));

test('a delivery that a request names and a dead holder was attempting is not lost when its end cannot be written down', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  await world.fanOut(...events);
  await world.takeWakeUps();

  // A drains; meanwhile C is woken for the delivery and leaves a request, so that its message is gone. A begins it, and dies.
  const dying = new FaultPlan();
  let isFirst = true;
  world.setAnswer(async ({ headers }) => {
    if (isFirst) {
      isFirst = false;
      await deliver(another(), [wakeUpFor(asked)]);
      world.clock.advance(300);
    }
    if (headers['webhook-id'] === asked.id) dying.kill();
    return { status: 204 };
  });
  await world.faults.run(dying, () => deliver(another(), [wakeUpFor(others[0]!, others[1]!)])).catch(() => undefined);
  expect(await requests()).toHaveLength(1);
  expect(Object.keys((await world.deps.leases.read('crm')).flights)).toContain(asked.id);
  expect(await statusOf(asked)).toBe('PENDING');

  // B takes over what the lease names, and reads the request while that is under way. Then DynamoDB throttles its row.
  world.clock.advance(leaseDuration);
  const plan = new FaultPlan([['UpdateItemCommand', 'refused']]);
  world.setAnswer(async () => {
    world.clock.advance(300);
    while (!plan.calls.includes('QueryCommand')) await new Promise((resolve) => setTimeout(resolve, 20));
    return { status: 500 };
  });
  const message = wakeUpFor(others[2]!, others[3]!);
  const { unhandled } = await world.faults.run(plan, () => deliver(another(), [message]));
  expect(unhandled).toHaveLength(1);

  // All is well again: the queue brings B's and A's messages again, and an hour of sweeps passes.
  world.setAnswer(() => ({ status: 204 }));
  world.received.length = 0;
  await world.deliver([message, wakeUpFor(others[0]!, others[1]!)]);
  for (let minutes = 0; minutes < 60; minutes += 1) {
    world.clock.advance(60_000);
    await world.sweep();
    await world.answerWakeUps();
  }
  expect(await Promise.all(events.map(statusOf))).toEqual(events.map(() => 'DELIVERED'));
});

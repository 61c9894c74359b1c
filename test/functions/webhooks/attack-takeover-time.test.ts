import { beforeEach, describe, expect, test } from 'vitest';
import { type DeliverDependencies, deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import type { WakeUp } from '../../../functions/webhooks/wake-ups.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

const second = 1000;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 20 }, (_, at) => exampleEvent(`transfer-${at}`));
const wakeUpFor = (...some: readonly { id: string }[]): WakeUp => ({
  endpoint: 'crm',
  events: some.map(({ id }) => id),
});
const another = (): DeliverDependencies => ({
  ...world.deps,
  leases: new Leases(world.dynamo, webhooksTable, () => 0.5),
});

async function die(...some: readonly { id: string }[]): Promise<void> {
  const plan = new FaultPlan();
  world.setAnswer(() => {
    plan.kill();
    return { status: 204 };
  });
  await world.faults.run(plan, () => deliver(another(), [wakeUpFor(...some)])).catch(() => undefined);
  world.setAnswer(() => ({ status: 204 }));
  world.received.length = 0;
}

const undelivered = async () => {
  const traces = await Promise.all(events.map(({ id }) => world.trace(id)));
  return traces.filter(({ deliveries }) => deliveries[0]!.status !== 'DELIVERED').length;
};

/** The lease ends after 22 s, and a sweep follows within a minute; the queue hides the message of who died for six. */
async function takeOver(): Promise<void> {
  world.clock.advance(60 * second);
  await world.sweep();
  await world.answerWakeUps();
  await world.answerWakeUps();
}

describe('what a process was to deliver that died is delivered after its lease and a sweep,', () => {
  test('also what it had not begun yet', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 4 });
    await world.fanOut(...events.slice(0, 10));
    await world.fanOut(...events.slice(10));
    await world.takeWakeUps();
    await die(...events);
    await takeOver();
    expect(await undelivered()).toBe(0);
  });

  test('also a lone attempt, though other deliveries have changed the lease before the sweep', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(...events.slice(0, 10));
    await world.fanOut(...events.slice(10));
    await world.takeWakeUps();
    await world.deliver([wakeUpFor(...events.slice(2))]);
    await die(events[0]!);
    world.clock.advance(30 * second);
    await world.deliver([wakeUpFor(events[1]!)]);
    await takeOver();
    expect(await undelivered()).toBe(0);
  });
});

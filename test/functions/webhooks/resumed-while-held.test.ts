import { beforeEach, expect, test } from 'vitest';
import { addEndpoint, pauseEndpoint, resumeEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { recover } from '../../../functions/webhooks/replay.ts';
import { type FaultKind, FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 2 }, (_, at) => exampleEvent(`transfer-${at}`));

/** Pauses at the second UpdateItem. */
class SecondUpdate extends FaultPlan {
  override next(command: string): FaultKind | undefined {
    const before = this.calls.filter((one) => one === 'UpdateItemCommand').length;
    return command === 'UpdateItemCommand' && before === 1 ? 'pause' : undefined;
  }
}

test('a delivery that a drain holds at the very moment in which its endpoint is resumed is released', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 1 });
  await world.fanOut(...events);
  let isFirst = true;
  world.setAnswer(async () => {
    if (isFirst) await pauseEndpoint(world.deps, 'crm');
    isFirst = false;
    return { status: 204 };
  });
  const wakeUps = await world.takeWakeUps();
  const plan = new SecondUpdate();
  // It has read that the endpoint is paused, and is about to hold what is left.
  const draining = world.faults.run(plan, () => world.deliver(wakeUps));
  await plan.reachedPause;
  await resumeEndpoint(world.deps, 'crm');
  const range = { from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', dryRun: false };
  expect(await recover(world.deps, 'crm', range)).toMatchObject({ count: 0 });
  plan.resume();
  const { unhandled } = await draining;
  expect(unhandled).toEqual([]);
  for (let minutes = 0; minutes < 30; minutes += 1) {
    world.clock.advance(60_000);
    await world.sweep();
    await world.answerWakeUps();
  }
  const statuses = await Promise.all(events.map(async ({ id }) => (await world.trace(id)).deliveries[0]!.status));
  expect(statuses).toEqual(['DELIVERED', 'DELIVERED']);
});

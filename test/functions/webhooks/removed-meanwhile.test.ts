import { beforeEach, expect, test } from 'vitest';
import { addEndpoint, removeEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import {
  add,
  deliveryOf,
  duringFirst,
  first,
  prepare,
  rowsLike,
  startDrainWorld,
  wakeUpFor,
  world,
} from './drain-world.ts';

beforeEach(startDrainWorld);

async function later() {
  for (let minutes = 0; minutes < 5; minutes += 1) {
    world.clock.advance(60_000);
    await world.sweep();
    await world.deliver([{ endpoint: 'crm', events: [] }]);
    await world.answerWakeUps();
  }
}

test('no lease is left of an endpoint that was removed during a lone attempt that fails', async () => {
  await add({ retryDelays: [3_600_000] });
  await prepare(first);
  duringFirst(() => removeEndpoint(world.deps, 'crm'), 500);
  await world.deliver([wakeUpFor(first)]);
  await later();
  expect(await rowsLike('LEASE')).toEqual([]);
});

test('410 during removal: cancelled, not held', async () => {
  await add({ retryDelays: [3_600_000] });
  await prepare(first);
  duringFirst(() => removeEndpoint(world.deps, 'crm'), 410);
  await world.deliver([wakeUpFor(first)]);
  await later();
  expect((await deliveryOf(first)).status).toBe('CANCELLED');
});

test('removal that SQS kept from being finished can be repeated, or is finished', async () => {
  await add({ retryDelays: [3_600_000] });
  await prepare(first);
  world.setAnswer(() => ({ status: 500 }));
  await world.deliver([wakeUpFor(first)]);
  await world.takeWakeUps();
  const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
  const _error = await world.faults.run(plan, () => removeEndpoint(world.deps, 'crm')).catch((e: Error) => e.message);
  const _again = await removeEndpoint(world.deps, 'crm').catch((e: Error) => e.message);
  for (let minutes = 0; minutes < 70; minutes += 10) {
    world.clock.advance(600_000);
    await world.sweep();
    await world.answerWakeUps();
  }
  expect((await deliveryOf(first)).status).toBe('CANCELLED');
});
void addEndpoint;

import { beforeEach, expect, test } from 'vitest';
import { removeEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import {
  add,
  deliveryOf,
  duringFirst,
  first,
  other,
  prepare,
  rowsLike,
  startDrainWorld,
  third,
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

test('a delivery is cancelled whose endpoint says that it is gone while it is removed', async () => {
  await add({ retryDelays: [3_600_000] });
  await prepare(first);
  duringFirst(() => removeEndpoint(world.deps, 'crm'), 410);
  await world.deliver([wakeUpFor(first)]);
  await later();
  expect((await deliveryOf(first)).status).toBe('CANCELLED');
});

test('a removal that SQS kept from being finished can be repeated', async () => {
  await add({ retryDelays: [3_600_000] });
  await prepare(first);
  world.setAnswer(() => ({ status: 500 }));
  await world.deliver([wakeUpFor(first)]);
  await world.takeWakeUps();
  const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
  await expect(world.faults.run(plan, () => removeEndpoint(world.deps, 'crm'))).rejects.toThrow();
  await removeEndpoint(world.deps, 'crm');
  for (let minutes = 0; minutes < 70; minutes += 10) {
    world.clock.advance(600_000);
    await world.sweep();
    await world.answerWakeUps();
  }
  expect((await deliveryOf(first)).status).toBe('CANCELLED');
});
test('an endpoint that is added under the name of one that was removed is sent to at once, though that one asked for a day', async () => {
  await add();
  await prepare(first, other);
  world.setAnswer(async () => {
    await removeEndpoint(world.deps, 'crm');
    return { status: 429, headers: { 'retry-after': '86400' } };
  });
  await world.deliver([wakeUpFor(first)]);
  world.setAnswer(() => ({ status: 204 }));
  await add({ url: world.urlOf('new') });
  await world.fanOut(third);
  await world.answerWakeUps();
  expect(world.received.map(({ path }) => path)).toEqual(['/crm', '/new']);
});

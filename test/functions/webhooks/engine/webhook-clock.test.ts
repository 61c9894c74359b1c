import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import { deliveryKey, duePart } from '#functions/webhooks/deliveries/delivery.ts';
import { acquire, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { addEndpoint, removeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { webhookRepositories } from '#functions/webhooks/engine/dependencies.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from '#test/support/webhook-world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const year = 365 * 24 * hour;

let world: WebhookWorld;
let count = 0;
beforeAll(async () => {
  world = await startWebhookWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  count += 1;
  world.clock.set(world.clock.steady() - world.clock.now().getTime());
  world.setAnswer(() => ({ status: 204 }));
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelaysMs: [5 * minute, 5 * minute] });
  await rounds(1);
  return () => removeEndpoint(world.deps, 'crm');
});

const event = () => exampleEvent(`clock-${count}`);

/** Lets minutes pass, with the sweep and the wake-ups of each, and returns what the sweeps said. */
async function rounds(minutes: number) {
  const swept = [];
  for (let passed = 0; passed < minutes; passed += 1) {
    world.clock.advance(minute);
    swept.push(await world.sweep());
    await world.answerWakeUps();
  }
  return swept;
}
const delivery = async () => (await world.trace(event().id)).deliveries[0];
const restart = () => {
  Object.assign(world.deps, { leases: world.otherLeases() });
};

const steps = [minute, hour, year].flatMap((size) => [size, -size]);

describe.each(steps)('deliver and sweep with a clock that is set by %i ms', (step) => {
  test.each(['during a run', 'before a restart'])('make a retry in time when the clock is set %s', async (when) => {
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(event());
    await world.answerWakeUps();
    expect(await delivery()).toMatchObject({ status: 'PENDING', attempt: 1 });
    world.clock.set(step);
    if (when === 'before a restart') restart();
    world.setAnswer(() => ({ status: 204 }));
    const swept = await rounds(10);
    expect(await delivery()).toMatchObject({ status: 'DELIVERED', attempt: 2 });
    const toldOfIt = swept.filter(({ clockSetBackMs }) => clockSetBackMs !== undefined);
    expect(toldOfIt).toHaveLength(step < -minute ? 1 : 0);
  });

  test.each([
    { what: 'a lone attempt, whose message the queue brings again', size: 1, isBroughtAgain: true },
    { what: 'attempts under a lease', size: 3, isBroughtAgain: false },
  ])('make what a process left that died during $what', async ({ size, isBroughtAgain }) => {
    const dying = Array.from({ length: size }, (_, index) => exampleEvent(`clock-${count}-dies-${index}`));
    await world.fanOut(...dying);
    const plan = new FaultPlan();
    world.setAnswer(() => {
      plan.kill();
      return { status: 204 };
    });
    const wakeUps = await world.takeWakeUps();
    await world.faults.run(plan, () => world.deliver(wakeUps)).catch(() => undefined);
    world.setAnswer(() => ({ status: 204 }));
    world.clock.set(step);
    restart();
    await rounds(1);
    await world.deliver(isBroughtAgain ? wakeUps : []);
    await rounds(2);
    for (const { id } of dying) expect((await world.trace(id)).deliveries).toMatchObject([{ status: 'DELIVERED' }]);
  });

  test('answer the task that waits for a process that died while it held the endpoint', async () => {
    await world.deps.leases.change('crm', newLease, (lease) => {
      return acquire(lease, 'dead', { inFlight: {}, observations: [] }, 0, world.clock.now().getTime());
    });
    restart();
    await world.fanOut(event());
    await world.answerWakeUps();
    expect(await delivery()).toMatchObject({ status: 'PENDING' });
    world.clock.set(step);
    await rounds(3);
    expect(await delivery()).toMatchObject({ status: 'DELIVERED' });
    expect((await world.dump()).filter(({ sk }) => sk.startsWith('TASK#'))).toEqual([]);
  });

  test('send to an endpoint again after the time of its Retry-After', async () => {
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '120' } }));
    await world.fanOut(event());
    await world.answerWakeUps();
    world.clock.set(step);
    world.setAnswer(() => ({ status: 204 }));
    await rounds(8);
    expect(await delivery()).toMatchObject({ status: 'DELIVERED' });
  });
});

test('sweep finds what a clock postponed that was a year ahead for some seconds', async () => {
  await rounds(1);
  world.clock.set(year);
  world.setAnswer(() => ({ status: 500 }));
  await world.fanOut(event());
  await world.answerWakeUps();
  world.clock.set(-year);
  world.setAnswer(() => ({ status: 204 }));
  await rounds(3);
  expect(await delivery()).toMatchObject({ status: 'DELIVERED' });
});

test('sweep finds what a clock postponed by more than a retry is ever put off, however long events are kept', async () => {
  const deps = { ...world.deps, ...webhookRepositories(world.deps, () => 0.5, 365 * 24 * hour) };
  world.setAnswer(() => ({ status: 500 }));
  await world.fanOut(event());
  await world.answerWakeUps();
  const { pk, sk } = deliveryKey({ event: event().id, endpoint: 'crm' });
  // By a clock that was ahead, whose change counts as done.
  const late = world.clock.now().getTime() + 31 * 24 * hour;
  await new Partition({ dynamo: world.dynamo, table: webhooksTable }, pk).update(
    sk,
    { nextAttemptAt: late, dueAt: late },
    {},
  );
  world.setAnswer(() => ({ status: 204 }));
  world.clock.advance(minute);
  await sweep(deps, world.clock.steady() + 50_000);
  await rounds(2);
  expect(await delivery()).toMatchObject({ status: 'DELIVERED' });
});

test('sweep finds what a clock postponed though the first sweep had time for a page of others only', async () => {
  world.clock.set(hour);
  await rounds(2);
  world.setAnswer(() => ({ status: 500 }));
  await world.fanOut(event());
  await world.answerWakeUps();
  world.clock.set(-hour);
  const now = world.clock.now().getTime();
  const waiting = { due: duePart('crm'), dueAt: now + 20 * minute };
  const others = Array.from({ length: 150 }, (_, index) => ({
    ...deliveryKey({ event: `clock-${count}-${index}`, endpoint: 'crm' }),
    ...{ ...waiting, status: 'PENDING', rev: 1, attempt: 1, nextAttemptAt: now + 20 * minute, changedAt: now },
    ...{ endpointSince: new Date(now).toISOString(), eventAt: new Date(now).toISOString(), body: '{}' },
  }));
  await putRows(world.dynamo, webhooksTable, others);
  expect(await sweep(world.deps, world.clock.steady())).toMatchObject({ woken: 0 });
  world.setAnswer(() => ({ status: 204 }));
  await rounds(3);
  expect(await delivery()).toMatchObject({ status: 'DELIVERED' });
});

test.each([hour, -hour])(
  'deliver measures the duration of an attempt though the clock is set by %i ms during it',
  async (step) => {
    world.setAnswer(() => {
      world.clock.set(step);
      world.clock.advance(200);
      return { status: 500 };
    });
    await world.fanOut(event());
    const { settled } = await world.answerWakeUps();
    expect(settled.map(({ attempt }) => attempt!.endedAt - attempt!.startedAt)).toEqual([200]);
  },
);

test('sweep tells operators of a wrong clock that may be why a signature is refused', async () => {
  const theirs = new Date(world.clock.now().getTime() - 61 * minute).toUTCString();
  world.setAnswer(() => ({ status: 401, headers: { date: theirs } }));
  for (let index = 0; index < 4; index += 1) {
    await world.fanOut(exampleEvent(`clock-${count}-${index}`));
    await world.answerWakeUps();
    world.clock.advance(second);
  }
  const [row] = await world.rows('ENDPOINTS');
  expect(JSON.parse(row!.pending[0]).data.message).toContain('the clock here is 61 min ahead of the receiver’s');
});

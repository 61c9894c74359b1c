import { beforeEach, describe, expect, test } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { deliveryKey, duePart } from '#functions/webhooks/deliveries/delivery.ts';
import { sendTest } from '#functions/webhooks/deliveries/replay.ts';
import { leaseKey } from '#functions/webhooks/endpoints/leases.ts';
import { addEndpoint, existingEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import { hour, minute, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent, webhooksTable } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);

describe('sweep with time for a third of all endpoints', () => {
  // More than the sweep reads at once.
  const names = Array.from({ length: 120 }, (_, index) => `endpoint-${100 + index}`);
  beforeEach(async () => {
    await addEndpoint(world.deps, names[4]!, { url: world.urlOf('any') });
    const [row] = await world.rows('ENDPOINTS');
    const others = names.toSpliced(4, 1).map((name) => ({ ...row!, pk: 'ENDPOINTS', sk: name, name }));
    await putRows(world.dynamo, webhooksTable, others);
  });

  /** A sweep a minute later, each of whose looks at the clock takes 50 ms. */
  async function sweepNext() {
    world.clock.advance(minute);
    const began = world.clock.steady();
    let passed = 0;
    const steady = () => {
      passed += 50;
      return began + passed;
    };
    return sweep({ ...world.deps, steady }, began + 8 * second);
  }

  test.each([0, 24 * hour])('comes to each of them in turn, by a clock that was set back by %i ms', async (ahead) => {
    world.clock.set(ahead);
    await world.sweep();
    world.clock.set(-ahead);
    const tasks = names.map((name) => ({
      pk: leaseKey(name).pk,
      sk: `TASK#${world.now()}#any`,
      events: ['evt_any'],
    }));
    await putRows(world.dynamo, webhooksTable, tasks);
    const woken: string[] = [];
    for (let index = 0; index < 4; index += 1) {
      expect((await sweepNext()).left).toBeGreaterThan(40);
      woken.push(...(await world.takeWakeUps()).map(({ endpoint }) => endpoint));
    }
    expect(new Set(woken)).toEqual(new Set(names));
  });

  test('tells operators once that an endpoint was disabled', async () => {
    world.setAnswer(() => ({ status: 410 }));
    await sendTest(world.deps, names[4]!);
    await world.answerWakeUps();
    expect((await existingEndpoint(world.deps, names[4]!)).pending).toHaveLength(1);
    let told = 0;
    for (let index = 0; index < 5; index += 1) told += (await sweepNext()).announced;
    expect(told).toBe(1);
  });
});

test('sweep ends in time though the clock was set back and a backlog of retries of one endpoint waits', async () => {
  for (const name of ['backlog', 'good'])
    await addEndpoint(world.deps, name, { url: world.urlOf(name), retryDelaysMs: [hour] });
  // One retry of `good` that becomes due.
  world.setAnswer(() => ({ status: 500 }));
  await world.fanOut(exampleEvent('transfer-1'));
  await world.deliver((await world.takeWakeUps()).filter(({ endpoint }) => endpoint === 'good'));
  const nextAttemptAt = world.now() + 10 * hour;
  const rows = Array.from({ length: 1500 }, (_, index) => ({
    ...deliveryKey({ event: exampleEvent(`waiting-${index}`).id, endpoint: 'backlog' }),
    status: 'PENDING',
    rev: 1,
    attempt: 1,
    nextAttemptAt,
    changedAt: world.now(),
    ...{ endpointSince: world.clock.now().toISOString(), eventAt: world.clock.now().toISOString(), body: '{}' },
    due: duePart('backlog'),
    dueAt: nextAttemptAt,
  }));
  await putRows(world.dynamo, webhooksTable, rows);
  world.clock.advance(2 * hour);
  // A sweep by a clock that is ten minutes ahead, and is set right after that.
  world.clock.set(10 * minute);
  await world.sweep();
  world.clock.set(-10 * minute);
  await world.takeWakeUps();

  // Each call takes a while, as it does where the table is busy.
  const began = world.clock.steady();
  await sweep(world.slowed(2 * second), began + 50 * second);
  expect((world.clock.steady() - began) / second).toBeLessThanOrEqual(55);
  expect((await world.takeWakeUps()).map(({ endpoint }) => endpoint)).toContain('good');
});

import { beforeEach, describe, expect, test } from 'vitest';
import { clockToleranceMs } from '#functions/clock/instants.ts';
import { crm, day, first, minute, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);

/** Writes more retries than a sweep corrects, for five minutes later by a clock a day ahead; sets it back. */
async function putOff(): Promise<void> {
  await crm.add({ maxInFlight: 50 });
  await world.sweep();
  world.clock.set(day);
  await world.putRetries(550, world.now() + 5 * minute);
  world.clock.advance(2 * minute);
  await world.sweep();
  world.clock.set(-day);
}

describe('sweep of 550 retries that a clock a day ahead has postponed', () => {
  test('makes all due within two sweeps after the clock is set back', async () => {
    await putOff();
    // The drain hands over when its time is over. What follows is not the sweep's work.
    world.setAnswer(() => {
      world.clock.advance(second);
      return { status: 204 };
    });
    await world.pass(2);
    const waiting = await world.rowsLike('DELIVERY#');
    expect(waiting.filter(({ status, dueAt }) => status === 'PENDING' && dueAt > world.now())).toEqual([]);
    expect((await world.statuses()).DELIVERED).toBeGreaterThan(50);
  });

  test('leaves a bounded number of tasks while the circuit breaker of the endpoint is open', async () => {
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '86400' } }));
    await putOff();
    await world.pass(10);
    // Each names up to a hundred.
    expect((await world.tasks()).length).toBeLessThanOrEqual(10);
  });
});

test('sweep makes no retry again that succeeds while the sweep corrects its time', async () => {
  await crm.add({ retryDelaysMs: [minute, minute] });
  await world.sweep();
  world.clock.set(day);
  world.setAnswer(() => ({ status: 500 }));
  await world.fanOut(first);
  await world.answerWakeUps();
  world.clock.advance(2 * minute);
  await world.sweep();
  world.setAnswer(async () => {
    world.clock.set(-day);
    world.setAnswer(() => ({ status: 204 }));
    await world.sweep();
    return { status: 204 };
  });
  for (let minutes = 0; minutes < 5; minutes += 1) {
    await world.deliver([crm.wakeUp()]);
    world.clock.advance(minute);
  }
  expect(world.received).toHaveLength(2);
  expect(await world.deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
});

// Whatever the first process does: an hour of sweeps makes the delivery.
test.each([1001, 2000, clockToleranceMs])(
  'a delivery is made though the clock of fan-out is %i ms ahead of that of deliver',
  async (ahead) => {
    await crm.add();
    await world.fanOut(first);
    world.clock.set(-ahead);
    await world.answerWakeUps();
    await world.pass(60);
    expect((await world.deliveryOf(first)).status).toBe('DELIVERED');
    expect(world.received).toHaveLength(1);
  },
);

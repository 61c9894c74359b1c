import { beforeEach, describe, expect, test } from 'vitest';
import {
  add,
  deliveryOf,
  first,
  now,
  pass,
  putRetries,
  requests,
  rowsLike,
  second,
  startDrainWorld,
  statuses,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';

const minute = 60 * second;
const day = 1440 * minute;

beforeEach(startDrainWorld);

/** More retries than one sweep puts right, written for five minutes later by a clock a day ahead, which is set back then. */
async function putOff(): Promise<void> {
  await add({ maxInFlight: 50 });
  await world.sweep();
  world.clock.set(day);
  await putRetries(550, now() + 5 * minute);
  world.clock.advance(2 * minute);
  await world.sweep();
  world.clock.set(-day);
}

describe('550 retries of one endpoint that a clock a day ahead has put off', () => {
  test('are due within two sweeps once it was set back, and are being made', async () => {
    await putOff();
    // The drain hands over when its time is over: what comes then is not the sweep's matter.
    world.setAnswer(() => {
      world.clock.advance(second);
      return { status: 204 };
    });
    await pass(2);
    const waiting = await rowsLike('DELIVERY#');
    expect(waiting.filter(({ status, dueAt }) => status === 'PENDING' && dueAt > now())).toEqual([]);
    expect((await statuses()).DELIVERED).toBeGreaterThan(50);
  });

  test('do not leave ever more requests while the circuit breaker of the endpoint is open', async () => {
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '86400' } }));
    await putOff();
    await pass(10);
    // Each names up to a hundred.
    expect((await requests()).length).toBeLessThanOrEqual(10);
  });
});

test('a retry that succeeds while a sweep puts it right after the clock was set back is not made again', async () => {
  await add({ retryDelaysMs: [minute, minute] });
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
    await world.deliver([wakeUpFor()]);
    world.clock.advance(minute);
  }
  expect(world.received).toHaveLength(2);
  expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { putRows } from '../../../functions/batches.ts';
import { eventBody } from '../../../functions/transfers/event.ts';
import { deliveryKey, duePart } from '../../../functions/webhooks/delivery.ts';
import { add, now, requests, rowsLike, second, startDrainWorld, statuses, world } from './drain-world.ts';
import { exampleEvent, webhooksTable } from './webhook-world.ts';

const minute = 60 * second;
const day = 1440 * minute;

beforeEach(startDrainWorld);

/** More retries than one sweep puts right, written for five minutes later by a clock a day ahead, which is set back then. */
async function putOff(): Promise<void> {
  const { createdAt } = (await add({ maxInFlight: 50 })).endpoint;
  await world.sweep();
  world.clock.set(day);
  const nextAttemptAt = now() + 5 * minute;
  const rows = Array.from({ length: 550 }, (_, at) => {
    const event = exampleEvent(`waiting-${at}`);
    return {
      ...deliveryKey({ event: event.id, endpoint: 'crm' }),
      endpointSince: createdAt,
      eventAt: event.timestamp,
      body: eventBody(event),
      status: 'PENDING',
      rev: 1,
      attempt: 1,
      nextAttemptAt,
      changedAt: now(),
      due: duePart('crm'),
      dueAt: nextAttemptAt,
    };
  });
  await putRows(world.dynamo, webhooksTable, rows);
  world.clock.advance(2 * minute);
  await world.sweep();
  world.clock.set(-day);
}

async function rounds(count: number): Promise<void> {
  for (let minutes = 0; minutes < count; minutes += 1) {
    world.clock.advance(minute);
    await world.sweep();
    await world.answerWakeUps();
  }
}

describe('550 retries of one endpoint that a clock a day ahead has put off', () => {
  test('are due within two sweeps once it was set back, and are being made', async () => {
    await putOff();
    // The drain hands over when its time is over: what comes then is not the sweep's matter.
    world.setAnswer(() => {
      world.clock.advance(second);
      return { status: 204 };
    });
    await rounds(2);
    const waiting = await rowsLike('DELIVERY#');
    expect(waiting.filter(({ status, dueAt }) => status === 'PENDING' && dueAt > now())).toEqual([]);
    expect((await statuses()).DELIVERED).toBeGreaterThan(50);
  });

  test('do not leave ever more requests while the circuit breaker of the endpoint is open', async () => {
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '86400' } }));
    await putOff();
    await rounds(10);
    // Each names up to a hundred.
    expect((await requests()).length).toBeLessThanOrEqual(10);
  });
});

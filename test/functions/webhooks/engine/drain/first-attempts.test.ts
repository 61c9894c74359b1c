import { beforeEach, describe, expect, test } from 'vitest';
import { clockToleranceMs } from '#functions/clock/instants.ts';
import { pauseEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { add, deliveryOf, first, pass, startDrainWorld, world } from '#test/support/drain-world.ts';

beforeEach(async () => {
  const end = await startDrainWorld();
  await add();
  await world.fanOut(first);
  return end;
});

describe('a delivery whose clock of fan-out is ahead of the one of deliver, by what two machines may differ by,', () => {
  test.each([1001, 2000, clockToleranceMs])('%i ms, is made all the same', async (ahead) => {
    world.clock.set(-ahead);
    await world.answerWakeUps();
    // Whatever the first one did: an hour of sweeps has it made.
    await pass(60);
    expect((await deliveryOf(first)).status).toBe('DELIVERED');
    expect(world.received).toHaveLength(1);
  });

  test('is held all the same when the endpoint is paused', async () => {
    await pauseEndpoint(world.deps, 'crm');
    world.clock.set(-2000);
    await world.answerWakeUps();
    await pass(10);
    expect((await deliveryOf(first)).status).toBe('HELD');
  });
});

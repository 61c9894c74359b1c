import { beforeEach, expect, test } from 'vitest';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { pauseEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { type FaultKind, FaultPlan } from '../transfers/aws-faults.ts';
import { add, another, deliveryOf, first, prepare, startDrainWorld, third, wakeUpFor, world } from './drain-world.ts';

beforeEach(startDrainWorld);

/** Dies where the lease is written for the second time: when it is given back. */
class DiesGivingBack extends FaultPlan {
  override next(command: string): FaultKind | undefined {
    const before = this.calls.filter((one) => one === 'PutItemCommand').length;
    return command === 'PutItemCommand' && before === 1 ? 'crash before' : undefined;
  }
}

async function setUp() {
  await add();
  await prepare(third);
  // P knows the lease from here on, and it is clean.
  await world.deliver([wakeUpFor(third)]);
  world.clock.advance(60_000);
  await prepare(first);
  // H makes it, and dies before it gives the lease back.
  const plan = new DiesGivingBack();
  const H = another();
  await world.faults.run(plan, () => deliver(H, [wakeUpFor(first), wakeUpFor()])).catch(() => undefined);
  expect((await deliveryOf(first)).status).toBe('DELIVERED');
}

async function minutes(count: number) {
  const waits: number[] = [];
  for (let at = 0; at < count; at += 1) {
    world.clock.advance(60_000);
    const { woken, longestWait } = await world.sweep();
    waits.push(woken && longestWait);
    await world.answerWakeUps();
  }
  return waits;
}

test('active: sweep stops waking for what a dead process left, though the process woken knew the lease', async () => {
  await setUp();
  const waits = await minutes(8);
  expect(waits.at(-1)).toBe(0);
});

test('paused: the same', async () => {
  await setUp();
  await pauseEndpoint(world.deps, 'crm');
  const waits = await minutes(8);
  expect(waits.at(-1)).toBe(0);
});

import { beforeEach, describe, expect, test } from 'vitest';
import { cancelDelivery } from '#functions/webhooks/deliveries/cancel.ts';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import { pauseEndpoint, resumeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { NthFault } from '#test/support/aws-faults.ts';
import {
  add,
  deliveryOf,
  duringFirst,
  first,
  ids,
  other,
  pass,
  prepare,
  startDrainWorld,
  statuses,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';

beforeEach(startDrainWorld);

const cancel = async ({ id }: { readonly id: string }) =>
  expect(await cancelDelivery(world.deps, { event: id, endpoint: 'crm' })).toMatchObject({ isCancelled: true });

/** What a process works with that knows no lease, if something happens once it has read lease and deliveries. */
function afterReading(act: () => Promise<unknown>) {
  let isFirst = true;
  return world.through(async (command, _, next) => {
    const result = await next();
    if (command === 'BatchGetItemCommand' && isFirst) {
      isFirst = false;
      await act();
    }
    return result;
  });
}

describe('a delivery that is read, and then', () => {
  test('cancelled before it begins is not sent by the process that holds its endpoint', async () => {
    await add({ maxInFlight: 1 });
    await prepare(first, other);
    const plan = new NthFault('PutItemCommand', 2, 'pause');
    const draining = world.faults.run(plan, () => world.deliver([wakeUpFor(first, other)]));
    await plan.reachedPause;
    expect(ids()).toEqual([first.id]);
    await cancel(other);
    plan.resume();
    await draining;
    expect(ids()).toEqual([first.id]);
    expect(await deliveryOf(other)).toMatchObject({ status: 'CANCELLED' });
  });

  test('cancelled before it begins is not sent by a process that knows no lease', async () => {
    await add();
    await prepare(first);
    await deliver(
      afterReading(() => cancel(first)),
      [wakeUpFor(first)],
    );
    expect(ids()).toEqual([]);
  });

  test('made by another process is not sent again by one that knows no lease', async () => {
    await add({ maxInFlight: 1 });
    await prepare(first);
    await deliver(
      afterReading(() => world.deliver([wakeUpFor(first)])),
      [wakeUpFor(first)],
    );
    expect(ids()).toEqual([first.id]);
  });

  test('held by a drain at the very moment in which its endpoint is resumed is released', async () => {
    await add({ maxInFlight: 1 });
    await prepare(first, other);
    duringFirst(() => pauseEndpoint(world.deps, 'crm'));
    // It has read that the endpoint is paused, and is about to hold what is left.
    const plan = new NthFault('UpdateItemCommand', 2, 'pause');
    const draining = world.faults.run(plan, () => world.deliver([wakeUpFor(first, other)]));
    await plan.reachedPause;
    await resumeEndpoint(world.deps, 'crm');
    const range = { from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', dryRun: false };
    expect(await recover(world.deps, 'crm', range)).toMatchObject({ count: 0 });
    plan.resume();
    expect((await draining).unhandled).toEqual([]);
    await pass(30);
    expect(await statuses()).toEqual({ DELIVERED: 2 });
  });
});

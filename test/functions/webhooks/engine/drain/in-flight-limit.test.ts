import { beforeEach, describe, expect, test } from 'vitest';
import { clockToleranceMs } from '#functions/clock/instants.ts';
import { leaseDurationMs } from '#functions/webhooks/endpoints/lease.ts';
import { disableEndpoint, enableEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  add,
  another,
  events,
  holdRequests,
  now,
  prepare,
  startDrainWorld,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';

beforeEach(async () => {
  const end = await startDrainWorld();
  await add({ maxInFlight: 2 });
  return end;
});

const four = events.slice(0, 4);
const [some, rest] = [wakeUpFor(...four.slice(0, 2)), wakeUpFor(...four.slice(2))];

/** Waits until a process that is to begin nothing has ended or begun something; then has all of them end. */
async function expectNoMore(held: ReturnType<typeof holdRequests>, late: Promise<unknown>, ...others: unknown[]) {
  await Promise.race([late, held.underWay(3)]);
  held.release();
  await Promise.all([late, ...others]);
  expect(held.seen.most).toBe(2);
}

describe('an endpoint gets no more requests at once than it may', () => {
  test.each([60_000, -60_000])('from a process whose clock is set by %i ms meanwhile', async (by) => {
    await prepare(...four);
    const held = holdRequests();
    const first = world.deliver([some]);
    await held.underWay(2);
    world.clock.set(by);
    await expectNoMore(held, world.deliver([rest]), first);
  });

  test.each([60_000, -86_400_000])(
    'from a process that drains it beside a lone attempt of its own, with a clock that is set by %i ms meanwhile',
    async (by) => {
      const [alone, ...others] = four;
      await prepare(...four);
      const held = holdRequests(({ headers }) => {
        if (headers['webhook-id'] === alone!.id) return true;
        if (world.received.length === 2) world.clock.set(by);
        return false;
      });
      const lone = world.deliver([wakeUpFor(alone!)]);
      await held.underWay(1);
      await world.deliver([wakeUpFor(...others)]);
      held.release();
      await lone;
      expect([world.received.length, held.seen.most]).toEqual([4, 2]);
    },
  );

  test('when it is disabled and enabled while requests are under way', async () => {
    await prepare(...four);
    const held = holdRequests();
    const first = world.deliver([some]);
    await held.underWay(2);
    await disableEndpoint(world.deps, 'crm', 'an operator says so');
    await enableEndpoint(world.deps, 'crm');
    await expectNoMore(held, deliver(another(), [rest]), first);
  });

  // The longest that each part may take: 3 s from the write of the lease to the begin, 15 s for the request, and clocks that
  // differ by 5 s.
  test.each([0, clockToleranceMs])(
    'from one process, as long as requests of another one may take whose clock is %i ms behind',
    async (behind) => {
      // So that it is due by every clock: that is another test's matter.
      world.clock.set(-2 * clockToleranceMs);
      await world.fanOut(...four);
      world.clock.set(2 * clockToleranceMs);
      const held = holdRequests();
      const plan = new FaultPlan([['PutItemCommand', 'pause']]);
      const slow = { ...another(), now: () => new Date(now() - behind) };
      const first = world.faults.run(plan, () => deliver(slow, [some]));
      await plan.reachedPause;
      world.clock.advance(2900);
      plan.resume();
      await held.underWay(2);
      // Its requests may take another half a second.
      world.clock.advance(14_500);
      await expectNoMore(held, deliver(another(), [rest]), first);
    },
  );

  test('from a process that reads its deliveries once more for longer than its lease lasts', async () => {
    await prepare(...four);
    // The process remembers a lease, which another process has changed since: that is news.
    const remembering = another();
    await deliver(remembering, [rest]);
    const { leases } = world.deps;
    await leases.change('crm', await leases.read('crm'), (lease) => ({
      ...lease,
      rev: lease.rev + 1,
      changedAt: now(),
    }));
    world.received.length = 0;
    const held = holdRequests();
    // The second BatchGetItem is the one after the lease was written; it hangs, as one that is throttled or retried does.
    const plan = new FaultPlan([[4, 'pause']]);
    const slow = world.faults.run(plan, () => deliver(remembering, [some]));
    await plan.reachedPause;
    const [get, put, query] = ['BatchGetItemCommand', 'PutItemCommand', 'QueryCommand'];
    expect(plan.calls).toEqual([get, put, query, put, get]);
    world.clock.advance(leaseDurationMs);
    // Its lease is over: another process takes the deliveries over, and is making them when the first one goes on.
    const quick = deliver(another(), [some]);
    await held.underWay(2);
    plan.resume();
    await expectNoMore(held, slow, quick);
    expect(world.received).toHaveLength(2);
  });
});

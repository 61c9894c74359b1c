import { beforeEach, describe, expect, test } from 'vitest';
import { clockToleranceMs } from '#functions/clock/instants.ts';
import { leaseDurationMs } from '#functions/webhooks/endpoints/lease.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { crm, type EndpointWorld, events, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);
beforeEach(() => crm.add({ maxInFlight: 2 }));

const four = events.slice(0, 4);
const some = () => crm.wakeUp(...four.slice(0, 2));
const rest = () => crm.wakeUp(...four.slice(2));

/** Waits until a process that must begin nothing has ended or begun something, and then lets all of them end. */
async function expectNoMore(
  held: ReturnType<EndpointWorld['holdRequests']>,
  late: Promise<unknown>,
  ...others: unknown[]
) {
  await Promise.race([late, held.inFlight(3)]);
  held.release();
  await Promise.all([late, ...others]);
  expect(held.seen.most).toBe(2);
}

describe('maxInFlight', () => {
  test.each([60_000, -60_000])('limits the requests of one process whose clock is set by %i ms (P15)', async (by) => {
    await world.prepare(...four);
    const held = world.holdRequests();
    const first = world.deliver([some()]);
    await held.inFlight(2);
    world.clock.set(by);
    await expectNoMore(held, world.deliver([rest()]), first);
  });

  test.each([60_000, -86_400_000])(
    'limits the requests of a drain beside a lone attempt of its process, whose clock is set by %i ms',
    async (by) => {
      const [alone, ...others] = four;
      await world.prepare(...four);
      const held = world.holdRequests(({ headers }) => {
        if (headers['webhook-id'] === alone!.id) return true;
        if (world.received.length === 2) world.clock.set(by);
        return false;
      });
      const lone = world.deliver([crm.wakeUp(alone!)]);
      await held.inFlight(1);
      await world.deliver([crm.wakeUp(...others)]);
      held.release();
      await lone;
      expect([world.received.length, held.seen.most]).toEqual([4, 2]);
    },
  );

  test('limits the requests to an endpoint that is disabled and enabled during requests', async () => {
    await world.prepare(...four);
    const held = world.holdRequests();
    const first = world.deliver([some()]);
    await held.inFlight(2);
    await crm.disable();
    await crm.enable();
    await expectNoMore(held, deliver(world.another(), [rest()]), first);
  });

  // Longest parts: 3 s from the write of the lease to the begin, 15 s for the request. Clocks differ by 5 s.
  test.each([0, clockToleranceMs])(
    'limits the requests of one process for as long as those of another one may take, whose clock is %i ms behind',
    async (behind) => {
      // So that it is due by every clock, which another test is about.
      world.clock.set(-2 * clockToleranceMs);
      await world.fanOut(...four);
      world.clock.set(2 * clockToleranceMs);
      const held = world.holdRequests();
      const plan = new FaultPlan([['PutItemCommand', 'pause']]);
      const slow = { ...world.another(), now: () => new Date(world.now() - behind) };
      const first = world.faults.run(plan, () => deliver(slow, [some()]));
      await plan.reachedPause;
      world.clock.advance(2900);
      plan.resume();
      await held.inFlight(2);
      // Its requests may take another half a second.
      world.clock.advance(14_500);
      await expectNoMore(held, deliver(world.another(), [rest()]), first);
    },
  );

  test('limits the requests of a process that reads its deliveries once more for longer than its lease lasts', async () => {
    await world.prepare(...four);
    // The process remembers a lease, which another process has changed since: that is news.
    const remembering = world.another();
    await deliver(remembering, [rest()]);
    const { leases } = world.deps;
    await leases.change('crm', await leases.read('crm'), (lease) => ({
      ...lease,
      rev: lease.rev + 1,
      changedAt: world.now(),
    }));
    world.received.length = 0;
    const held = world.holdRequests();
    // The second BatchGetItem comes after the lease was written. It hangs, as one that is throttled or retried does.
    const plan = new FaultPlan([[4, 'pause']]);
    const slow = world.faults.run(plan, () => deliver(remembering, [some()]));
    await plan.reachedPause;
    const [get, put, query] = ['BatchGetItemCommand', 'PutItemCommand', 'QueryCommand'];
    expect(plan.calls).toEqual([get, put, query, put, get]);
    world.clock.advance(leaseDurationMs);
    // Its lease is over: another process takes the deliveries over, and is making them when the first one goes on.
    const quick = deliver(world.another(), [some()]);
    await held.inFlight(2);
    plan.resume();
    await expectNoMore(held, slow, quick);
    expect(world.received).toHaveLength(2);
  });

  test('limits the very drain in which it was lowered', async () => {
    await crm.update({ maxInFlight: 4 });
    await world.prepare(...events.slice(0, 12));
    const seen = { inFlight: 0, most: 0 };
    world.setAnswer(async () => {
      const { length } = world.received;
      if (length === 1) await crm.update({ maxInFlight: 1 });
      // Those that were chosen before the change was read.
      if (length <= 8) return { status: 204 };
      seen.inFlight += 1;
      seen.most = Math.max(seen.most, seen.inFlight);
      // A read of the table lets all other requests that are on their way arrive first.
      await world.deps.leases.read('crm');
      seen.inFlight -= 1;
      return { status: 204 };
    });
    await world.deliver([crm.wakeUp(...events.slice(0, 12))]);
    expect(await world.statuses()).toEqual({ DELIVERED: 12 });
    expect(seen.most).toBe(1);
  });
});

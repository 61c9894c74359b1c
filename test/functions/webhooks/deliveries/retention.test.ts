import { beforeEach, describe, expect, test } from 'vitest';
import { acquire, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { crm, first, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);
beforeEach(() => crm.add({ retryDelaysMs: [second] }));

/** Unix seconds, 30 days from an instant. */
const thirtyDaysAfter = (instant: number) => Math.floor(instant / 1000) + 30 * 86_400;

describe('expiry of rows', () => {
  test.each([
    { status: 'DELIVERED', count: 1, act: () => undefined },
    { status: 'FAILED', count: 2, act: () => world.setAnswer(() => ({ status: 500 })) },
    { status: 'CANCELLED', count: 0, act: () => crm.remove() },
  ])('keeps a delivery that is $status and its attempts for 30 days', async ({ status, count, act }) => {
    const arrivedAt = world.now();
    await world.prepare(first);
    await act();
    for (let time = 0; time < 2; time += 1) {
      world.clock.advance(second);
      await world.deliver([crm.wakeUp(first)]);
    }
    const { attempts } = await world.trace(first.id);
    expect(attempts).toHaveLength(count);
    // The row of the delivery has the last one.
    for (const { expiresAt, startedAt } of attempts.slice(0, -1))
      expect(expiresAt).toBe(thirtyDaysAfter(Date.parse(String(startedAt))));
    const [row] = await world.rowsLike('DELIVERY#');
    expect(row).toMatchObject({ status, expiresAt: thirtyDaysAfter(arrivedAt) });
    expect(row).not.toHaveProperty('due');
  });

  test('keeps a delivery that waits for an operator, and then one that is sent again, as long as its event', async () => {
    const expiresAt = thirtyDaysAfter(world.now());
    await crm.pause();
    await world.prepare(first);
    world.clock.advance(second);
    await world.deliver([crm.wakeUp(first)]);
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'HELD', expiresAt });
    await crm.resume();
    world.clock.advance(second);
    expect(await crm.resend(first)).toBe(true);
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'PENDING', expiresAt });
  });

  test('removes a task that no process reads after 30 days', async () => {
    await world.deps.leases.change('crm', newLease, (lease) =>
      acquire(lease, 'another', { inFlight: {}, observations: [] }, 0, world.now()),
    );
    await world.fanOut(first);
    await world.answerWakeUps();
    const tasks = await world.tasks();
    expect(tasks).toMatchObject([{ events: [first.id], expiresAt: thirtyDaysAfter(world.now()) }]);
  });
});

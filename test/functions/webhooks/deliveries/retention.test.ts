import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { daysOf } from '#functions/webhooks/deliveries/delivery.ts';
import { replay } from '#functions/webhooks/deliveries/replay.ts';
import { acquire, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { webhookRepositories } from '#functions/webhooks/engine/dependencies.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import {
  crm,
  day,
  first,
  hour,
  minute,
  other,
  range,
  second,
  startEndpointWorld,
  world,
} from '#test/support/endpoint-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

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

describe.each([1, 30, 365])('a retention of %i days', (days) => {
  const keeping = () => ({ ...world.deps, ...webhookRepositories(world.deps, () => 0.5, days * day) });
  const announce = (...events: readonly (typeof first)[]) =>
    fanOut(
      keeping(),
      events.map((event) => ({ body: eventBody(event) })),
    );

  test('holds for events, deliveries, attempts and tasks', async () => {
    const deps = keeping();
    const at = world.now();
    const unwanted = { ...exampleEvent('unwanted'), type: 'watch.failing' } as unknown as typeof first;
    await announce(first, unwanted);
    await deps.leases.leaveTask('crm', [other.id], at);
    const expiresAt = Math.floor(at / 1000) + days * 86_400;
    expect(await world.tasks()).toMatchObject([{ expiresAt }]);
    world.setAnswer(() => ({ status: 500 }));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await deliver(deps, [crm.wakeUp(first)]);
      world.clock.advance(second);
    }
    const expiries = (await world.dump()).flatMap(({ sk, expiresAt }) =>
      expiresAt === undefined ? [] : [[String(sk).split('#')[0], expiresAt]],
    );
    const kinds = ['ATTEMPT', 'DELIVERY', 'EVENT'].map((kind) => [kind, expiresAt]);
    expect(expiries.filter(([kind]) => kind !== 'TASK').toSorted()).toEqual(kinds);
  });

  test('leaves no day out in which a kept event may be, though it waited 14 days in a queue', () => {
    const now = Date.parse('2026-11-24T12:00:00Z');
    const always = { from: '1970-01-01T00:00:00.000Z', until: '9999-12-31T23:59:59.999Z' };
    const found = daysOf('event', always, now, days * day).map(({ partition }) => partition[1]);
    const dayAt = (at: number) => new Date(at).toISOString().slice(0, 10);
    expect(found).toContain(dayAt(now - (days + 14) * day));
    expect(found.at(-1)).toBe(dayAt(now + day));
    expect(found).toHaveLength(days + 14 + 3);
  });

  test('lets operators repeat events until the end', async () => {
    await announce(first);
    await deliver(keeping(), [crm.wakeUp(first)]);
    world.clock.advance(days * day - minute);
    expect(await replay(keeping(), 'crm', range)).toMatchObject({ count: 1, isComplete: true });
  });

  test('ends a delivery whose next retry would find no row', async () => {
    await crm.update({ retryDelaysMs: Array(4).fill(Math.min(7 * day, 20 * hour)) });
    await announce(first);
    // Nothing but a replay is late enough for more than a day.
    world.clock.advance((days - 1) * day);
    await replay(keeping(), 'crm', range);
    world.setAnswer(() => ({ status: 500 }));
    await deliver(keeping(), [crm.wakeUp(first)]);
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'PENDING', attempt: 1 });
    world.clock.advance(20 * hour);
    await deliver(keeping(), [crm.wakeUp(first)]);
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'FAILED', attempt: 2 });
    expect((await world.rowsLike('DELIVERY#'))[0]).not.toHaveProperty('due');
  });
});

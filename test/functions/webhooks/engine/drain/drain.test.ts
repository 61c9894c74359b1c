import { beforeEach, describe, expect, test } from 'vitest';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import {
  crm,
  events,
  first,
  minute,
  other,
  second,
  startEndpointWorld,
  third,
  world,
} from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);

describe('a drain', () => {
  test('makes all deliveries that a wake-up names, as many at once as the endpoint takes, and no more', async () => {
    await crm.add({ maxInFlight: 7 });
    await world.prepare(...events.slice(0, 28));
    const seen = world.holdBack((_, inFlight) => inFlight === 7);
    await world.deliver([crm.wakeUp(...events.slice(0, 28))]);
    expect(seen.most).toBe(7);
    expect(world.ids().toSorted()).toEqual(world.idsOf(events.slice(0, 28)));
    expect(await world.statuses()).toEqual({ DELIVERED: 28 });
    expect(await world.countWakeUps()).toBe(0);
  });

  test('begins the next attempt as each ends, so that a slow one does not hold up the others', async () => {
    await crm.add({ maxInFlight: 2 });
    await world.prepare(...events.slice(0, 12));
    const held = world.holdRequests(({ headers }) => {
      if (world.received.length === 12) held.release();
      return headers['webhook-id'] === first.id;
    });
    await world.deliver([crm.wakeUp(...events.slice(0, 12))]);
    expect([world.received.length, held.seen.most]).toEqual([12, 2]);
  });

  test('makes the retries that are due when a wake-up names nothing, and those that are not due yet later', async () => {
    await crm.add({ retryDelaysMs: [5 * second, minute] });
    await world.prepare(...events.slice(0, 3));
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([crm.wakeUp(...events.slice(0, 3))]);
    world.setAnswer(() => ({ status: 204 }));
    world.received.length = 0;
    await world.deliver([crm.wakeUp()]);
    expect(world.ids()).toEqual([]);
    world.clock.advance(5 * second);
    await world.deliver([crm.wakeUp()]);
    expect(world.ids()).toHaveLength(3);
    expect(await world.statuses()).toEqual({ DELIVERED: 3 });
  });

  test('makes first attempts and retries in turn, so that neither waits for the end of the other', async () => {
    await crm.add({ maxInFlight: 1, retryDelaysMs: [5 * second, minute] });
    const [retried, fresh] = [events.slice(0, 12), events.slice(12, 24)];
    await world.prepare(...events.slice(0, 24));
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([crm.wakeUp(...retried)]);
    expect(world.received).toHaveLength(12);
    await world.deps.leases.forget('crm');
    world.setAnswer(() => ({ status: 204 }));
    world.received.length = 0;
    world.clock.advance(5 * second);
    const named = fresh.map(({ id }) => id);
    await world.deps.leases.leaveTask('crm', named, world.now());
    await world.deliver([crm.wakeUp()]);
    const isRetry = world.received.map(({ headers }) => !named.includes(String(headers['webhook-id'])));
    expect(isRetry).toHaveLength(24);
    expect(isRetry.slice(0, 6)).toEqual([false, true, false, true, false, true]);
    expect(isRetry.slice(0, 12).filter(Boolean)).toHaveLength(6);
  });

  test('counts the delay of a retry from the end of the attempt', async () => {
    await crm.add();
    await world.prepare(first);
    world.setAnswer(() => {
      world.clock.advance(10 * second);
      return { status: 500 };
    });
    await world.deliver([crm.wakeUp(first)]);
    expect((await world.deliveryOf(first)).nextAttemptAt).toBe(world.now() + 5 * second);
  });
});

test('a drain names in its lease what is still in flight when more begins', async () => {
  await crm.add({ maxInFlight: 2 });
  await world.prepare(first, other, third);
  const named = Promise.withResolvers<string[]>();
  world.setAnswer(async ({ headers }) => {
    if (headers['webhook-id'] === first.id) await named.promise;
    if (headers['webhook-id'] === third.id)
      named.resolve(Object.keys((await world.otherLeases().read('crm')).inFlight));
    return { status: 204 };
  });
  await world.deliver([crm.wakeUp(first, other, third)]);
  expect((await named.promise).toSorted()).toEqual(world.idsOf([first, third]));
});

describe('a drain whose time is over', () => {
  test.each([
    { what: 'because its process has to end', deadline: 15 * second + 1 },
    { what: 'because it is the turn of other endpoints', deadline: 10 * minute },
  ])('begins nothing more, hands over by one wake-up, and leaves nothing behind, $what', async ({ deadline }) => {
    await crm.add({ maxInFlight: 3, retryDelaysMs: [second] });
    await world.prepare(...events.slice(0, 20));
    world.setAnswer(() => {
      if (world.received.length >= 5) world.clock.advance(20 * second);
      return { status: 204 };
    });
    await deliver(world.deps, [crm.wakeUp(...events.slice(0, 20)), crm.wakeUp()], world.clock.steady() + deadline);
    const { length } = world.received;
    expect(length).toBeLessThanOrEqual(8);
    expect(await world.countWakeUps()).toBe(1);
    world.setAnswer(() => ({ status: 204 }));
    await world.answerWakeUps();
    expect(world.received).toHaveLength(20);
    expect(new Set(world.ids()).size).toBe(20);
    expect(await world.rowsLike('TASK#')).toEqual([]);
    expect(await world.countWakeUps()).toBe(0);
  });

  test('hands over by one wake-up, too, when a retry waits', async () => {
    await crm.add({ maxInFlight: 1, retryDelaysMs: [second, minute] });
    await world.prepare(...events.slice(0, 6));
    world.setAnswer(() => {
      if (world.received.length === 3) world.clock.advance(30 * second);
      return { status: world.received.length === 1 ? 500 : 204 };
    });
    await deliver(world.deps, [crm.wakeUp(...events.slice(0, 6)), crm.wakeUp()]);
    expect(await world.countWakeUps()).toBe(1);
    await world.answerWakeUps();
    expect(await world.statuses()).toEqual({ DELIVERED: 6 });
  });

  test('ends by a signal, too', async () => {
    await crm.add({ maxInFlight: 2 });
    await world.prepare(...events.slice(0, 10));
    const stopping = new AbortController();
    world.setAnswer(() => {
      if (world.received.length === 3) stopping.abort();
      return { status: 204 };
    });
    await deliver(world.deps, [crm.wakeUp(...events.slice(0, 10))], undefined, stopping.signal);
    expect(world.received.length).toBeLessThanOrEqual(4);
    expect(await world.countWakeUps()).toBe(1);
    expect((await world.deps.leases.read('crm')).holder).toBeUndefined();
    await world.answerWakeUps();
    expect(new Set(world.ids()).size).toBe(10);
    expect(world.received).toHaveLength(10);
  });
});

test('a drain sends a wake-up for a retry that is due soon, not for one that waits longer or is over', async () => {
  await crm.add({ retryDelaysMs: [5000, 900_000, 900_001] });
  world.setAnswer(() => ({ status: world.received.length < 4 ? 500 : 204 }));
  await world.prepare(first);
  const woken: number[] = [];
  for (let attempts = 1; attempts <= 4; attempts += 1) {
    const before = await world.countWakeUps();
    await world.deliver([attempts === 1 ? crm.wakeUp(first) : crm.wakeUp()]);
    woken.push((await world.countWakeUps()) - before);
    world.clock.advance(Math.max(0, (await world.deliveryOf(first)).nextAttemptAt - world.now()));
  }
  expect(woken).toEqual([1, 1, 0, 0]);
  expect(await world.deliveryOf(first)).toMatchObject({ status: 'DELIVERED' });
});

test('a drain skips a delivery that has expired, and makes the others', async () => {
  await crm.add();
  await world.prepare(first);
  await world.deliver([crm.wakeUp({ id: 'evt_expired' }, first)]);
  expect(world.ids()).toEqual([first.id]);
  expect(await world.rowsLike('TASK#')).toEqual([]);
});

test('a drain fails a delivery whose id no header can carry, and makes the others', async () => {
  await crm.add({ retryDelaysMs: [5 * second] });
  const event = { id: 'evt_€', body: '{}', at: world.clock.now().toISOString(), kind: 'event' } as const;
  await world.deps.deliveries.create(event, await crm.read(), world.now(), true);
  const others = events.slice(0, 2);
  await world.prepare(...others);
  await world.deliver([crm.wakeUp(event, ...others)]);
  expect(world.ids().toSorted()).toEqual(world.idsOf(others));
  await world.settleAll();
  expect(await world.deliveryOf(event)).toMatchObject({ status: 'FAILED', lastAttempt: { code: 'ERR_INVALID_CHAR' } });
});

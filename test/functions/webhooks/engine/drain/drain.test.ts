import { beforeEach, describe, expect, test } from 'vitest';
import { existingEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import {
  add,
  deliveryOf,
  events,
  first,
  holdBack,
  ids,
  idsOf,
  now,
  prepare,
  rowsLike,
  second,
  startDrainWorld,
  statuses,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';

const minute = 60 * second;

beforeEach(startDrainWorld);

describe('a drain', () => {
  test('makes all deliveries that a wake-up names, as many at once as the endpoint takes, and no more', async () => {
    await add({ maxInFlight: 7 });
    await prepare(...events.slice(0, 28));
    const seen = holdBack((_, underWay) => underWay === 7);
    await world.deliver([wakeUpFor(...events.slice(0, 28))]);
    expect(seen.most).toBe(7);
    expect(ids().toSorted()).toEqual(idsOf(events.slice(0, 28)));
    expect(await statuses()).toEqual({ DELIVERED: 28 });
    expect(await world.countWakeUps()).toBe(0);
  });

  test('begins the next one as each ends: one that is slow does not hold up the others', async () => {
    await add({ maxInFlight: 2 });
    await prepare(...events.slice(0, 12));
    let most = 0;
    let underWay = 0;
    const others = Promise.withResolvers<void>();
    world.setAnswer(async ({ headers }) => {
      underWay += 1;
      most = Math.max(most, underWay);
      if (headers['webhook-id'] === first.id) await others.promise;
      else if (world.received.length === 12) others.resolve();
      underWay -= 1;
      return { status: 204 };
    });
    await world.deliver([wakeUpFor(...events.slice(0, 12))]);
    expect([world.received.length, most]).toEqual([12, 2]);
  });

  test('makes retries that are due as well when a wake-up names nothing, and those that are not due yet later', async () => {
    await add({ retryDelaysMs: [5 * second, minute] });
    await prepare(...events.slice(0, 3));
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([wakeUpFor(...events.slice(0, 3))]);
    world.setAnswer(() => ({ status: 204 }));
    world.received.length = 0;
    await world.deliver([wakeUpFor()]);
    expect(ids()).toEqual([]);
    world.clock.advance(5 * second);
    await world.deliver([wakeUpFor()]);
    expect(ids()).toHaveLength(3);
    expect(await statuses()).toEqual({ DELIVERED: 3 });
  });

  test('has first attempts and retries take turns, so that neither waits for the end of the other', async () => {
    await add({ maxInFlight: 1, retryDelaysMs: [5 * second, minute] });
    const [retried, fresh] = [events.slice(0, 12), events.slice(12, 24)];
    await prepare(...events.slice(0, 24));
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([wakeUpFor(...retried)]);
    expect(world.received).toHaveLength(12);
    await world.deps.leases.forget('crm');
    world.setAnswer(() => ({ status: 204 }));
    world.received.length = 0;
    world.clock.advance(5 * second);
    const named = fresh.map(({ id }) => id);
    await world.deps.leases.leaveRequest('crm', named, now(), now());
    await world.deliver([wakeUpFor()]);
    const isRetry = world.received.map(({ headers }) => !named.includes(String(headers['webhook-id'])));
    expect(isRetry).toHaveLength(24);
    expect(isRetry.slice(0, 6)).toEqual([false, true, false, true, false, true]);
    expect(isRetry.slice(0, 12).filter(Boolean)).toHaveLength(6);
  });

  test('has the delay of a retry counted from the end of the attempt', async () => {
    await add();
    await prepare(first);
    world.setAnswer(() => {
      world.clock.advance(10 * second);
      return { status: 500 };
    });
    await world.deliver([wakeUpFor(first)]);
    expect((await deliveryOf(first)).nextAttemptAt).toBe(now() + 5 * second);
  });
});

describe('a drain whose time is over', () => {
  test.each([
    { what: 'because its process has to end', deadline: 15 * second + 1 },
    { what: 'because it is the turn of other endpoints', deadline: 10 * minute },
  ])('begins nothing more, hands over by one wake-up, and leaves nothing behind: $what', async ({ deadline }) => {
    await add({ maxInFlight: 3, retryDelaysMs: [second] });
    await prepare(...events.slice(0, 20));
    world.setAnswer(() => {
      if (world.received.length >= 5) world.clock.advance(20 * second);
      return { status: 204 };
    });
    await deliver(world.deps, [wakeUpFor(...events.slice(0, 20)), wakeUpFor()], world.clock.steady() + deadline);
    const { length } = world.received;
    expect(length).toBeLessThanOrEqual(8);
    expect(await world.countWakeUps()).toBe(1);
    world.setAnswer(() => ({ status: 204 }));
    await world.answerWakeUps();
    expect(world.received).toHaveLength(20);
    expect(new Set(ids()).size).toBe(20);
    expect(await rowsLike('REQUEST#')).toEqual([]);
    expect(await world.countWakeUps()).toBe(0);
  });

  test('of which a retry waits hands over by one wake-up all the same', async () => {
    await add({ maxInFlight: 1, retryDelaysMs: [second, minute] });
    await prepare(...events.slice(0, 6));
    world.setAnswer(() => {
      if (world.received.length === 3) world.clock.advance(30 * second);
      return { status: world.received.length === 1 ? 500 : 204 };
    });
    await deliver(world.deps, [wakeUpFor(...events.slice(0, 6)), wakeUpFor()]);
    expect(await world.countWakeUps()).toBe(1);
    await world.answerWakeUps();
    expect(await statuses()).toEqual({ DELIVERED: 6 });
  });

  test('ends by a signal, too', async () => {
    await add({ maxInFlight: 2 });
    await prepare(...events.slice(0, 10));
    const stopping = new AbortController();
    world.setAnswer(() => {
      if (world.received.length === 3) stopping.abort();
      return { status: 204 };
    });
    await deliver(world.deps, [wakeUpFor(...events.slice(0, 10))], undefined, stopping.signal);
    expect(world.received.length).toBeLessThanOrEqual(4);
    expect(await world.countWakeUps()).toBe(1);
    expect((await world.deps.leases.read('crm')).holder).toBeUndefined();
    await world.answerWakeUps();
    expect(new Set(ids()).size).toBe(10);
    expect(world.received).toHaveLength(10);
  });
});

test('a wake-up is sent for what is to be tried again soon, not for what waits longer or is over', async () => {
  await add({ retryDelaysMs: [5000, 900_000, 900_001] });
  world.setAnswer(() => ({ status: world.received.length < 4 ? 500 : 204 }));
  await prepare(first);
  const woken: number[] = [];
  for (let attempts = 1; attempts <= 4; attempts += 1) {
    const before = await world.countWakeUps();
    await world.deliver([attempts === 1 ? wakeUpFor(first) : wakeUpFor()]);
    woken.push((await world.countWakeUps()) - before);
    world.clock.advance(Math.max(0, (await deliveryOf(first)).nextAttemptAt - now()));
  }
  expect(woken).toEqual([1, 1, 0, 0]);
  expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED' });
});

test('a delivery that has expired is not made, and keeps no other from being made', async () => {
  await add();
  await prepare(first);
  await world.deliver([wakeUpFor({ id: 'evt_expired' }, first)]);
  expect(ids()).toEqual([first.id]);
  expect(await rowsLike('REQUEST#')).toEqual([]);
});

test('a delivery whose id no header can carry fails by itself, and keeps no other from its endpoint', async () => {
  await add({ retryDelaysMs: [5 * second] });
  const crm = await existingEndpoint(world.deps, 'crm');
  const event = { id: 'evt_€', body: '{}', at: world.clock.now().toISOString(), kind: 'event' } as const;
  await world.deps.deliveries.create(event, crm, now(), true);
  const others = events.slice(0, 2);
  await prepare(...others);
  await world.deliver([wakeUpFor(event, ...others)]);
  expect(ids().toSorted()).toEqual(idsOf(others));
  await world.settleAll();
  expect(await deliveryOf(event)).toMatchObject({ status: 'FAILED', lastAttempt: { code: 'ERR_INVALID_CHAR' } });
});

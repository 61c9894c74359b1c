import { beforeEach, describe, expect, test } from 'vitest';
import { sendTest } from '#functions/webhooks/deliveries/replay.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { crm, events, first, minute, other, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);

describe('a drain whose circuit breaker opens', () => {
  test('begins nothing more, and lets one attempt through at its end, with the others after it', async () => {
    await crm.add({ maxInFlight: 1, retryDelaysMs: [10 * minute] });
    await world.prepare(...events.slice(0, 12));
    world.setAnswer(() => ({ status: 500 }));
    // Time passes, so that one attempt begins after the end of the other.
    const passing = () => {
      world.clock.advance(1);
      return world.clock.now();
    };
    await deliver({ ...world.deps, now: passing }, [crm.wakeUp(...events.slice(0, 12))]);
    expect(world.received).toHaveLength(5);
    const openUntil = (await world.deps.leases.read('crm')).openUntil!;
    expect(openUntil - world.now()).toBeGreaterThan(minute - second);
    expect(await world.countWakeUps()).toBe(1);
    world.received.length = 0;
    world.clock.advance(openUntil - world.now() - 1);
    await world.deliver([crm.wakeUp()]);
    expect(world.received).toEqual([]);
    world.clock.advance(1);
    await world.deliver([crm.wakeUp()]);
    expect(world.received).toHaveLength(1);
    world.setAnswer(() => ({ status: 204 }));
    world.clock.advance(2 * minute);
    await world.deliver([crm.wakeUp()]);
    expect(await world.statuses()).toEqual({ PENDING: 6, DELIVERED: 6 });
    world.clock.advance(10 * minute);
    await world.deliver([crm.wakeUp()]);
    expect(await world.statuses()).toEqual({ DELIVERED: 12 });
    expect(await world.rowsLike('TASK#')).toEqual([]);
  });

  test('counts attempts in flight together once, so that ten 429 open the breaker for 5 s', async () => {
    await crm.add();
    await world.prepare(...events.slice(0, 25));
    world.holdBack((_, inFlight) => inFlight === 10, 429);
    await world.deliver([crm.wakeUp(...events.slice(0, 25))]);
    expect(world.received).toHaveLength(10);
    expect(await world.deps.leases.read('crm')).toMatchObject({ failures: 1, openUntil: world.now() + 5 * second });
  });

  test('lets a single attempt through at the end of the breaker, and the others only once that one has succeeded', async () => {
    await crm.add();
    await world.prepare(...events.slice(0, 25));
    world.holdBack((_, inFlight) => inFlight === 10, 429);
    await world.deliver([crm.wakeUp(...events.slice(0, 25))]);
    world.clock.advance(6 * second);
    world.received.length = 0;
    let mostAtFirst = 0;
    const seen = world.holdBack((arrived) => {
      if (arrived === 1) mostAtFirst = seen.most;
      return true;
    });
    await world.deliver([crm.wakeUp()]);
    expect(mostAtFirst).toBe(1);
    expect(seen.most).toBeGreaterThan(1);
    expect(await world.statuses()).toEqual({ DELIVERED: 25 });
  });

  test('counts every attempt that failed, though it ended while the lease was being written', async () => {
    await crm.add({ maxInFlight: 2 });
    await world.prepare(...events.slice(0, 3));
    const [one, two] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    world.setAnswer(async () => {
      const { length } = world.received;
      return { status: length === 1 ? await one.promise : length === 2 ? await two.promise : 204 };
    });
    const { leases } = world.deps;
    const change = leases.change.bind(leases);
    let changes = 0;
    leases.change = async (...values) => {
      changes += 1;
      if (changes === 1) queueMicrotask(() => one.resolve(204));
      const changed = await change(...values);
      if (changes !== 2) return changed;
      two.resolve(429);
      while ((await world.deliveryOf(events[1]!)).attempt === 0) {}
      return changed;
    };
    await world.deliver([crm.wakeUp(...events.slice(0, 3))]);
    expect((await leases.read('crm')).openUntil).toBe(world.now() + 5 * second);
  });
});

test('a drain leaves what comes while its circuit breaker is open to the sweep, without a wake-up', async () => {
  await crm.add();
  await world.prepare(first, other);
  world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '60' } }));
  await world.deliver([crm.wakeUp(first)]);
  const before = await world.countWakeUps();
  await world.deliver([crm.wakeUp(other)]);
  expect(await world.countWakeUps()).toBe(before);
  // No process holds the endpoint, so there is none to look at the retries that are due.
  await world.deliver([crm.wakeUp()]);
  expect(world.received).toHaveLength(1);
  expect(await world.tasks()).toHaveLength(1);
});

test('a drain that looks at retries sends a wake-up for the next one, before any sweep', async () => {
  await crm.add();
  await world.prepare(first, other);
  await crm.pause();
  await world.deliver([crm.wakeUp(first, other)]);
  await crm.resume();
  expect(await crm.recover({ perSecond: 0.1 })).toMatchObject({ count: 2 });
  await world.answerWakeUps();
  expect(world.received).toHaveLength(1);
  expect(await world.countWakeUps()).toBe(1);
});

describe('a drain of a chat', () => {
  /** Adds a chat with messages to send, and returns their ids. */
  const addSlack = async (count = 6) => {
    await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'slack' });
    const ids: string[] = [];
    for (let message = 0; message < count; message += 1) {
      world.clock.advance(1);
      ids.push((await sendTest(world.deps, 'ops')).event);
    }
    return ids;
  };

  test('sends one message a second from a backlog, each by one wake-up', async () => {
    const messages = await addSlack();
    const started = world.now();
    for (let turn = 0; turn < messages.length; turn += 1) {
      const wakeUps = turn === 0 ? await world.takeWakeUps() : [{ endpoint: 'ops', events: [] }];
      const before = await world.countWakeUps();
      await world.deliver(wakeUps);
      expect((await world.countWakeUps()) - before).toBe(turn === messages.length - 1 ? 0 : 1);
      world.clock.advance(second);
    }
    expect(world.received.map(({ at }) => at - started)).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
    expect(await world.rowsLike('TASK#')).toEqual([]);
  });

  test('sends none before its time, however often it is woken', async () => {
    await addSlack();
    const wakeUps = await world.takeWakeUps();
    await world.deliver(wakeUps);
    world.clock.advance(second - 1);
    await world.deliver([...wakeUps, { endpoint: 'ops', events: [] }]);
    expect(world.received).toHaveLength(1);
    world.clock.advance(1);
    await world.deliver([{ endpoint: 'ops', events: [] }]);
    expect(world.received).toHaveLength(2);
  });

  test('sends a wake-up for a message that comes too early, and does not leave it to the sweep', async () => {
    await addSlack(1);
    await world.answerWakeUps();
    world.clock.advance(1);
    await sendTest(world.deps, 'ops');
    await world.answerWakeUps();
    expect(world.received).toHaveLength(1);
    expect(await world.countWakeUps()).toBe(1);
  });

  test('sends no message again that the chat will never take, and counts no failure', async () => {
    const [id = ''] = await addSlack();
    world.setAnswer(() => ({ status: 400, body: 'invalid_payload' }));
    await world.deliver([{ endpoint: 'ops', events: [id] }]);
    expect(await world.deliveryOf({ id })).toMatchObject({ status: 'FAILED', reason: 'rejected', attempt: 1 });
    expect(await world.deps.leases.read('ops')).toMatchObject({ failures: 0, failedAttempts: 0 });
  });
});

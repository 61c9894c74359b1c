import { beforeEach, describe, expect, test } from 'vitest';
import { transferNotice } from '#functions/notices/notice.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import {
  add,
  deliveryOf,
  events,
  holdBack,
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

describe('a breaker that opens in the middle of a drain', () => {
  test('has it begin nothing more, and one go through at its end, with the others after it', async () => {
    await add({ maxInFlight: 1, retryDelaysMs: [10 * minute] });
    await prepare(...events.slice(0, 12));
    world.setAnswer(() => ({ status: 500 }));
    // Time passes, so that one attempt begins after the end of the other.
    const passing = () => {
      world.clock.advance(1);
      return world.clock.now();
    };
    await deliver({ ...world.deps, now: passing }, [wakeUpFor(...events.slice(0, 12))]);
    expect(world.received).toHaveLength(5);
    const openUntil = (await world.deps.leases.read('crm')).openUntil!;
    expect(openUntil - now()).toBeGreaterThan(minute - second);
    expect(await world.countWakeUps()).toBe(1);
    world.received.length = 0;
    world.clock.advance(openUntil - now() - 1);
    await world.deliver([wakeUpFor()]);
    expect(world.received).toEqual([]);
    world.clock.advance(1);
    await world.deliver([wakeUpFor()]);
    expect(world.received).toHaveLength(1);
    world.setAnswer(() => ({ status: 204 }));
    world.clock.advance(2 * minute);
    await world.deliver([wakeUpFor()]);
    expect(await statuses()).toEqual({ PENDING: 6, DELIVERED: 6 });
    world.clock.advance(10 * minute);
    await world.deliver([wakeUpFor()]);
    expect(await statuses()).toEqual({ DELIVERED: 12 });
    expect(await rowsLike('REQUEST#')).toEqual([]);
  });

  test('counts what was under way together once: ten 429 of a burst leave it alone for 5 s', async () => {
    await add();
    await prepare(...events.slice(0, 25));
    holdBack((_, underWay) => underWay === 10, 429);
    await world.deliver([wakeUpFor(...events.slice(0, 25))]);
    expect(world.received).toHaveLength(10);
    expect(await world.deps.leases.read('crm')).toMatchObject({ failures: 1, openUntil: now() + 5 * second });
  });

  test('lets a single one through at its end, and all others only once that one has succeeded', async () => {
    await add();
    await prepare(...events.slice(0, 25));
    holdBack((_, underWay) => underWay === 10, 429);
    await world.deliver([wakeUpFor(...events.slice(0, 25))]);
    world.clock.advance(6 * second);
    world.received.length = 0;
    const seen = { underWay: 0, most: [] as number[] };
    world.setAnswer(async () => {
      seen.underWay += 1;
      await world.deps.leases.read('crm');
      seen.most.push(seen.underWay);
      seen.underWay -= 1;
      return { status: 204 };
    });
    await world.deliver([wakeUpFor()]);
    expect(seen.most[0]).toBe(1);
    expect(Math.max(...seen.most)).toBeGreaterThan(1);
    expect(await statuses()).toEqual({ DELIVERED: 25 });
  });

  test('knows of every attempt that failed, though it ended while the lease was being written', async () => {
    await add({ maxInFlight: 2 });
    await prepare(...events.slice(0, 3));
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
      while ((await deliveryOf(events[1]!)).attempt === 0) {}
      return changed;
    };
    await world.deliver([wakeUpFor(...events.slice(0, 3))]);
    expect((await leases.read('crm')).openUntil).toBe(now() + 5 * second);
  });
});

describe('Slack', () => {
  const notices = events
    .slice(0, 6)
    .map((one) => transferNotice({ mailbox: 'alice@example.com', direction: 'sent' }, [one]).record);
  const addSlack = async () => {
    await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'slack' });
    await fanOut(
      world.deps,
      notices.map((record) => ({ body: JSON.stringify(record) })),
    );
  };

  test('gets one message a second from a backlog, each by one wake-up', async () => {
    await addSlack();
    const started = now();
    for (let turn = 0; turn < notices.length; turn += 1) {
      const wakeUps = turn === 0 ? await world.takeWakeUps() : [{ endpoint: 'ops', events: [] }];
      const before = await world.countWakeUps();
      await world.deliver(wakeUps);
      expect((await world.countWakeUps()) - before).toBe(turn === notices.length - 1 ? 0 : 1);
      world.clock.advance(second);
    }
    expect(world.received.map(({ at }) => at - started)).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
    expect(await rowsLike('REQUEST#')).toEqual([]);
  });

  test('gets none before its time, however often it is woken', async () => {
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

  test('that will never take a message is not asked again, and is not taken to be failing', async () => {
    await addSlack();
    world.setAnswer(() => ({ status: 400, body: 'invalid_payload' }));
    await world.deliver([{ endpoint: 'ops', events: [notices[0]!.id] }]);
    expect(await deliveryOf(notices[0]!)).toMatchObject({ status: 'FAILED', reason: 'rejected', attempt: 1 });
    expect(await world.deps.leases.read('ops')).toMatchObject({ failures: 0, failedAttempts: 0 });
  });
});

import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { type DeliverDependencies, deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import type { EndpointSettingsInput } from '../../../functions/webhooks/endpoint-settings.ts';
import { leaseDuration, newLease, release } from '../../../functions/webhooks/lease.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import { resend } from '../../../functions/webhooks/replay.ts';
import type { WakeUp } from '../../../functions/webhooks/wake-ups.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

const second = 1000;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 20 }, (_, at) => exampleEvent(`transfer-${at}`));
const [first, other, third] = events as [(typeof events)[0], (typeof events)[0], (typeof events)[0]];
const now = () => world.clock.now().getTime();
const add = (settings: Partial<EndpointSettingsInput> = {}) =>
  addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), ...settings });
const wakeUpFor = (...some: readonly { id: string }[]): WakeUp => ({
  endpoint: 'crm',
  events: some.map(({ id }) => id),
});
const ids = () => world.received.map(({ headers }) => String(headers['webhook-id']));
const timesOf = ({ id }: { id: string }) => ids().filter((one) => one === id).length;
const deliveryOf = async ({ id }: { id: string }) => (await world.trace(id)).deliveries[0]!;
const requests = async () => (await world.dump()).filter(({ sk }) => sk.startsWith('REQUEST#'));

/** What another process works with, which knows no lease yet. */
const another = (): DeliverDependencies => ({
  ...world.deps,
  leases: new Leases(world.dynamo, webhooksTable, () => 0.5),
});

async function prepare(...some: readonly (typeof events)[0][]): Promise<void> {
  await world.fanOut(...some);
  await world.takeWakeUps();
}

/** Answers each request after something else has happened, which the first one alone waits for. */
function duringFirst(act: () => Promise<unknown>, status = 204): void {
  let isFirst = true;
  world.setAnswer(async () => {
    if (!isFirst) return { status: 204 };
    isFirst = false;
    await act();
    return { status };
  });
}

/** Has a process die in the middle of its requests. */
async function die(deps: DeliverDependencies, ...wakeUps: readonly WakeUp[]): Promise<void> {
  const plan = new FaultPlan();
  world.setAnswer(() => {
    plan.kill();
    return { status: 204 };
  });
  await world.faults.run(plan, () => deliver(deps, wakeUps)).catch(() => undefined);
  world.setAnswer(() => ({ status: 204 }));
}

describe('while one process drains an endpoint, another one', () => {
  test('leaves it what it was asked for, and the one that drains delivers it', async () => {
    await add();
    await prepare(...events);
    duringFirst(() => deliver(another(), [wakeUpFor(...events.slice(5))]));
    await world.deliver([wakeUpFor(...events.slice(0, 5))]);
    expect(ids().toSorted()).toEqual(events.map(({ id }) => id).toSorted());
    expect(await requests()).toEqual([]);
    expect(await world.countWakeUps()).toBe(0);
  });

  test('asks it to look at retries, and does not wake anybody for them', async () => {
    await add({ retryDelays: [5 * second] });
    await prepare(...events.slice(0, 4));
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([wakeUpFor(first)]);
    const before = await world.countWakeUps();
    world.clock.advance(5 * second);
    const woken: number[] = [];
    duringFirst(async () => {
      for (let time = 0; time < 3; time += 1) await deliver(another(), [wakeUpFor()]);
      woken.push((await world.countWakeUps()) - before);
    });
    await world.deliver([wakeUpFor(other, third)]);
    expect(woken).toEqual([0]);
    expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
    expect(await requests()).toEqual([]);
  });

  test('attempts nothing that is under way, however often it is woken for it', async () => {
    await add();
    await prepare(...events.slice(0, 3));
    duringFirst(() => deliver(another(), [wakeUpFor(first, other), wakeUpFor(third), wakeUpFor()]));
    await world.deliver([wakeUpFor(...events.slice(0, 3))]);
    expect(ids().toSorted()).toEqual(
      events
        .slice(0, 3)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(await requests()).toEqual([]);
  });

  test.each(['events', 'retries'])('that is slow at any call loses no %s and makes none twice', async (what) => {
    await add({ retryDelays: [second], maxInFlight: 2 });
    const whole = new FaultPlan();
    for (let at = 0; at === 0 || at < whole.calls.length; at += 1) {
      const some = [0, 1, 2, 3].map((count) => exampleEvent(`slow-${what}-${at}-${count}`));
      await prepare(...some);
      if (what === 'retries') {
        world.setAnswer(() => ({ status: 500 }));
        await world.deliver([wakeUpFor(...some)]);
        await world.deps.leases.forget('crm');
        world.clock.advance(second);
        world.setAnswer(() => ({ status: 204 }));
      }
      world.received.length = 0;
      const [mine, theirs] = what === 'retries' ? [[], []] : [some.slice(0, 2), some.slice(2)];
      const plan = at === 0 ? whole : new FaultPlan([[at - 1, 'pause']]);
      const slow = world.faults.run(plan, () => deliver(another(), [wakeUpFor(...theirs)]));
      await Promise.race([slow, plan.reachedPause]);
      await deliver(another(), [wakeUpFor(...mine)]);
      plan.resume();
      await slow;
      await world.answerWakeUps();
      expect([at, ids().toSorted()]).toEqual([at, some.map(({ id }) => id).toSorted()]);
      expect([at, await requests()]).toEqual([at, []]);
    }
  });

  test('has what it asks for made while there is room, though an attempt of the other one takes long', async () => {
    await add({ maxInFlight: 4 });
    await prepare(...events.slice(0, 4));
    const made = Promise.withResolvers<void>();
    world.setAnswer(async ({ headers }) => {
      if (headers['webhook-id'] === third.id) made.resolve();
      if (headers['webhook-id'] !== first.id) return { status: 204 };
      await deliver(another(), [wakeUpFor(third, events[3]!)]);
      world.clock.advance(second);
      await made.promise;
      return { status: 204 };
    });
    await world.deliver([wakeUpFor(first, other)]);
    expect(ids().toSorted()).toEqual(
      events
        .slice(0, 4)
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  test('asks for the same deliveries as others do, and they are made once', async () => {
    await add();
    await prepare(first, other);
    for (const named of [[first.id], [first.id, other.id]]) {
      await world.deps.leases.leaveRequest('crm', named, now(), now());
    }
    await world.deliver([wakeUpFor()]);
    expect(ids().toSorted()).toEqual([first.id, other.id].toSorted());
    expect(await requests()).toEqual([]);
  });

  test('has a delivery made again that it was asked to resend, though that one has made it already', async () => {
    await add({ maxInFlight: 1 });
    await prepare(...events.slice(0, 3));
    world.setAnswer(async () => {
      if (world.received.length === 2) {
        await resend(world.deps, { event: String(world.received[0]!.headers['webhook-id']), endpoint: 'crm' });
        await deliver(another(), await world.takeWakeUps());
      }
      return { status: 204 };
    });
    await world.deliver([wakeUpFor(...events.slice(0, 3))]);
    expect(ids().toSorted()).toEqual([...events.slice(0, 3).map(({ id }) => id), ids()[0]].toSorted());
    expect(await requests()).toEqual([]);
  });
});

describe('a process that was paused for longer than its lease', () => {
  test('begins nothing more, and what it was to make is made by others, once', async () => {
    await add({ maxInFlight: 1 });
    await prepare(...events.slice(0, 6));
    duringFirst(async () => {
      world.clock.advance(leaseDuration);
      await deliver(another(), [wakeUpFor(events[5]!)]);
    });
    await world.deliver([wakeUpFor(...events.slice(0, 5))]);
    await world.answerWakeUps();
    expect(timesOf(first)).toBe(2);
    expect(events.slice(1, 6).map(timesOf)).toEqual([1, 1, 1, 1, 1]);
    expect(await requests()).toEqual([]);
  });

  test('begins nothing under the lease of another that still works', async () => {
    await add({ maxInFlight: 1 });
    await prepare(...events.slice(0, 6));
    let most = 0;
    let underWay = 0;
    let companion: Promise<unknown> | undefined;
    const arrived = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    world.setAnswer(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      if (world.received.length === 1) {
        world.clock.advance(leaseDuration);
        companion = deliver(another(), [wakeUpFor(...events.slice(3))]);
        await arrived.promise;
      } else if (world.received.length === 2) {
        arrived.resolve();
        await ended.promise;
      }
      underWay -= 1;
      return { status: 204 };
    });
    await world.deliver([wakeUpFor(...events.slice(0, 3))]);
    expect(world.received).toHaveLength(2);
    ended.resolve();
    await companion;
    // The one that died for others, and the one of the other process.
    expect(most).toBe(2);
    expect(await requests()).toEqual([]);
    expect(new Set(ids()).size).toBe(6);
  });

  test('during an attempt says what came of it all the same, beside what came of the one that followed', async () => {
    await add();
    await prepare(first);
    duringFirst(async () => {
      world.clock.advance(60 * second);
      await deliver(another(), [wakeUpFor(first)]);
    }, 500);
    const { settled } = await world.deliver([wakeUpFor(first)]);
    expect(settled).toMatchObject([{ attempt: { outcome: { kind: 'failed' } } }]);
    const { deliveries, attempts } = await world.trace(first.id);
    expect(deliveries).toMatchObject([{ status: 'DELIVERED', attempt: 2 }]);
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'failed'],
      [2, 'delivered'],
    ]);
  });

  test('between writing the lease and beginning makes no request', async () => {
    await add({ maxInFlight: 2 });
    await prepare(...events.slice(0, 2));
    const plan = new FaultPlan([['PutItemCommand', 'pause']]);
    const slow = world.faults.run(plan, () => deliver(world.deps, [wakeUpFor(first, other)], now() + 15 * second + 1));
    await plan.reachedPause;
    world.clock.advance(leaseDuration);
    plan.resume();
    await slow;
    expect(world.received).toEqual([]);
    await world.answerWakeUps();
    expect(ids().toSorted()).toEqual([first.id, other.id].toSorted());
  });
});

test('a process that others always are quicker than makes no request, and leaves its deliveries to the next one', async () => {
  await add();
  await prepare(first, other);
  const crowded = new DynamoDBClient({
    ...sdkSettings(world.sdkEnvironment),
    endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  });
  crowded.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === PutItemCommand.name) {
          await another().leases.change('crm', newLease, (lease) =>
            release(lease, { flights: {}, observations: [] }, now()),
          );
        }
        return next(args);
      },
    { step: 'initialize' },
  );
  const leases = new Leases(crowded, webhooksTable, () => 0);
  leases.leaveRequest = (...request) => world.deps.leases.leaveRequest(...request);
  const { unhandled } = await deliver({ ...world.deps, leases }, [wakeUpFor(first, other)]);
  crowded.destroy();
  expect([unhandled, world.received]).toEqual([[], []]);
  expect(await world.countWakeUps()).toBe(1);
  await world.answerWakeUps();
  expect(ids().toSorted()).toEqual([first.id, other.id].toSorted());
  expect(await requests()).toEqual([]);
});

describe('a process that has died', () => {
  test('has its deliveries made by the next one as soon as its lease ends, and not before, with that attempt counted', async () => {
    await add();
    await prepare(...events.slice(0, 4));
    await die(another(), wakeUpFor(...events.slice(0, 3)));
    world.received.length = 0;
    world.clock.advance(leaseDuration - 1);
    await world.deliver([wakeUpFor(events[3]!)]);
    expect(world.received).toEqual([]);
    world.clock.advance(1);
    await world.sweep();
    await world.answerWakeUps();
    expect(new Set(ids())).toEqual(new Set(events.slice(0, 4).map(({ id }) => id)));
    const attempts = await Promise.all(events.slice(0, 4).map(async (one) => (await deliveryOf(one)).attempt));
    expect(attempts[3]).toBe(1);
    expect(attempts.slice(0, 3)).toContain(2);
    expect(await requests()).toEqual([]);
  });

  test('has its deliveries made by one that remembers the lease as it was before', async () => {
    await add();
    const [before, ...others] = events.slice(0, 6);
    await prepare(...events.slice(0, 6));
    const remembering = another();
    await deliver(remembering, [wakeUpFor(before!, others[0]!)]);
    await die(another(), wakeUpFor(others[1]!, others[2]!));
    world.received.length = 0;
    world.clock.advance(leaseDuration);
    await deliver(remembering, [wakeUpFor(others[3]!, others[4]!)]);
    expect(ids().toSorted()).toEqual(
      others
        .slice(1)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect((await deliveryOf(others[1]!)).attempt).toBe(2);
  });
});

describe('lone attempts', () => {
  test('of several processes, which remember less of them, take up no more than half of the room', async () => {
    await add({ maxInFlight: 4 });
    const some = events.slice(0, 8);
    await prepare(...some);
    let most = 0;
    let underWay = 0;
    const released = Promise.withResolvers<void>();
    world.setAnswer(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await released.promise;
      underWay -= 1;
      return { status: 204 };
    });
    const processes = some.map(another);
    // All of them have read the endpoint before the first one writes.
    const plans = some.map(() => new FaultPlan([['PutItemCommand', 'pause']]));
    const runs = some.map((one, at) => world.faults.run(plans[at]!, () => deliver(processes[at]!, [wakeUpFor(one)])));
    await Promise.all(plans.map((plan) => plan.reachedPause));
    for (const plan of plans) plan.resume();
    let ended = 0;
    for (const run of runs) void run.then(() => (ended += 1));
    while (world.received.length + ended < some.length) await world.deps.leases.read('crm');
    const live = Object.values((await world.deps.leases.read('crm')).flights);
    expect(live.length).toBeLessThanOrEqual(4);
    released.resolve();
    await Promise.all(runs);
    await world.answerWakeUps();
    expect(most).toBeLessThanOrEqual(4);
    expect(ids().toSorted()).toEqual(some.map(({ id }) => id).toSorted());
    expect(await requests()).toEqual([]);
  });

  test('of a process that died are made by the next one that is woken for them, once their time is over', async () => {
    await add();
    await prepare(first);
    await die(another(), wakeUpFor(first));
    world.received.length = 0;
    await world.deliver([wakeUpFor(first)]);
    expect(world.received).toEqual([]);
    expect(await world.countWakeUps()).toBe(1);
    world.clock.advance(leaseDuration);
    await world.deliver([wakeUpFor()]);
    expect(ids()).toEqual([first.id]);
    expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
    expect(await requests()).toEqual([]);
  });

  test('of others that take up all of the room are waited for, by one wake-up for their end', async () => {
    await add({ maxInFlight: 10, retryDelays: [5 * second, 5 * second] });
    await prepare(first, other, third);
    await die(another(), wakeUpFor(first));
    world.setAnswer(() => ({ status: 429 }));
    await deliver(another(), [wakeUpFor(other)]);
    const before = await world.countWakeUps();
    world.clock.advance(5 * second);
    world.received.length = 0;
    world.setAnswer(() => ({ status: 204 }));
    await deliver(another(), [wakeUpFor(third)], world.clock.steady() + 60 * second);
    expect(world.received).toEqual([]);
    expect(await world.countWakeUps()).toBe(before + 1);
    world.clock.advance(leaseDuration);
    await world.deliver([wakeUpFor()]);
    expect(ids().toSorted()).toEqual([other.id, third.id].toSorted());
  });

  test('of a delivery that stands among the retries are waited for by one that looks at these', async () => {
    await add();
    await prepare(first);
    await world.deliver([wakeUpFor(first)]);
    world.clock.advance(leaseDuration);
    await resend(world.deps, { event: first.id, endpoint: 'crm' });
    const plan = new FaultPlan();
    const woken: number[] = [];
    const before = await world.countWakeUps();
    duringFirst(async () => {
      await world.faults.run(plan, () => deliver(another(), [wakeUpFor()], world.clock.steady() + 60 * second));
      woken.push((await world.countWakeUps()) - before);
    });
    await world.deliver([wakeUpFor(first)]);
    expect(plan.calls.length).toBeLessThan(20);
    expect(woken).toEqual([1]);
    expect(ids()).toEqual([first.id, first.id]);
  });

  test('that have ended keep nothing from being sent again at once', async () => {
    await add();
    await prepare(first);
    await world.deliver([wakeUpFor(first)]);
    expect(await resend(world.deps, { event: first.id, endpoint: 'crm' })).toBe(true);
    await world.answerWakeUps();
    expect(ids()).toEqual([first.id, first.id]);
    expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 1 });
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import { leaseOf } from '#functions/webhooks/endpoints/lease.ts';
import {
  enableEndpoint,
  existingEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan, NthFault } from '#test/support/aws-faults.ts';
import {
  add,
  deliveryOf,
  events,
  first,
  pass,
  prepare,
  rowsLike,
  second,
  startDrainWorld,
  statuses,
  third,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';

beforeEach(startDrainWorld);

const range = { from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', dryRun: false };

describe('a delivery held by a drain at the very moment in which its endpoint is resumed is released', () => {
  /** Holds a delivery while the endpoint is resumed and recovered, with a fault after that. */
  async function holdWith(
    fault: (commands: readonly string[], command: string) => 'refused' | undefined,
    dies = false,
  ) {
    await add();
    await prepare(first);
    await pauseEndpoint(world.deps, 'crm');
    class Plan extends FaultPlan {
      private isPaused = false;
      override next(command: string) {
        if (command === 'UpdateItemCommand' && !this.isPaused) {
          this.isPaused = true;
          return 'pause' as const;
        }
        return this.isPaused ? fault(this.calls, command) : undefined;
      }
    }
    const plan = new Plan();
    const draining = world.faults.run(plan, () => world.deliver([wakeUpFor(first)])).catch(() => undefined);
    await plan.reachedPause;
    await resumeEndpoint(world.deps, 'crm');
    expect(await recover(world.deps, 'crm', range)).toMatchObject({ count: 0 });
    // It dies once that is written.
    if (dies) plan.kill();
    plan.resume();
    await draining;
    world.clock.advance(60 * second);
    // The queue brings the wake-up again.
    await world.deliver([wakeUpFor(first)]);
    await pass(30);
    expect(await statuses()).toEqual({ DELIVERED: 1 });
  }

  test('where nothing goes wrong', () => holdWith(() => undefined));

  test('though the process dies between holding and looking again', () => holdWith(() => undefined, true));

  test('though DynamoDB refuses one call after holding', () => {
    let isRefused = false;
    return holdWith((calls, command) => {
      const held = calls.filter((one) => one === 'UpdateItemCommand').length;
      if (isRefused || held < 1 || command === 'UpdateItemCommand') return undefined;
      isRefused = true;
      return 'refused';
    });
  });
});

test('an endpoint that is gone at its last attempt, and enabled and recovered before that is written down, is sent the event', async () => {
  await add({ retryDelaysMs: [60 * second] });
  await prepare(first);
  world.setAnswer(() => ({ status: 500 }));
  await world.deliver([wakeUpFor(first)]);
  world.clock.advance(61 * second);
  world.setAnswer(() => ({ status: 410 }));
  class Plan extends FaultPlan {
    private isDone = false;
    override next(command: string) {
      const isOfDelivery = command === 'UpdateItemCommand';
      if (!isOfDelivery || this.isDone) return undefined;
      this.isDone = true;
      return 'pause' as const;
    }
  }
  const plan = new Plan();
  const draining = world.faults.run(plan, () => world.deliver([{ endpoint: 'crm', events: [] }]));
  await plan.reachedPause;
  expect((await existingEndpoint(world.deps, 'crm')).status).toBe('disabled');
  world.setAnswer(() => ({ status: 204 }));
  await enableEndpoint(world.deps, 'crm');
  expect(await recover(world.deps, 'crm', range)).toMatchObject({ count: 0 });
  plan.resume();
  await draining;
  await pass(30);
  expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED' });
});

test('an endpoint that was added under the name of one that was removed is not shut by an attempt at that one which ends later', async () => {
  await add();
  await prepare(first);
  let isFirst = true;
  world.setAnswer(async () => {
    if (!isFirst) return { status: 204 };
    isFirst = false;
    await removeEndpoint(world.deps, 'crm');
    world.clock.advance(1);
    await add({ url: world.urlOf('new') });
    return { status: 429, headers: { 'retry-after': '86400' } };
  });
  await world.deliver([wakeUpFor(first)]);
  await world.fanOut(third);
  await world.answerWakeUps();
  await pass(10);
  const [lease] = await rowsLike('LEASE');
  expect(leaseOf(lease as never).openUntil).toBeUndefined();
  expect(world.received.map(({ path }) => path)).toEqual(['/crm', '/new']);
});

test('an endpoint whose secret was shown to nobody is not there: adding it can be repeated', async () => {
  const plan = new NthFault('QueryCommand', 1, 'refused');
  await world.faults.run(plan, () => add()).catch(() => undefined);
  await expect(add()).resolves.toMatchObject({ secret: expect.stringMatching(/^whsec_/) });
});

test('holding a backlog reads the endpoint a bounded number of times at once', async () => {
  await add();
  await prepare(...events);
  await pauseEndpoint(world.deps, 'crm');
  let underWay = 0;
  let most = 0;
  let reads = 0;
  const counted = world.through(async (command, _, next) => {
    if (command !== 'QueryCommand' && command !== 'GetItemCommand') return next();
    reads += 1;
    underWay += 1;
    most = Math.max(most, underWay);
    return next().finally(() => {
      underWay -= 1;
    });
  });
  await deliver(counted, [wakeUpFor(...events)]);
  expect({ most, reads }).toEqual({
    most: expect.toSatisfy((count) => count <= 25),
    reads: expect.toSatisfy((count) => count < 10),
  });
});

test('an attempt that asks for a long pause is written down, though DynamoDB refuses to read the endpoint again', async () => {
  await add({ retryDelaysMs: [60 * second] });
  await prepare(first);
  let isAnswered = false;
  world.setAnswer(() => {
    isAnswered = true;
    return { status: 429, headers: { 'retry-after': '600' } };
  });
  class Plan extends FaultPlan {
    override next(command: string) {
      return isAnswered && command === 'QueryCommand' ? ('refused' as const) : undefined;
    }
  }
  await world.faults.run(new Plan(), () => world.deliver([wakeUpFor(first)]));
  expect(await deliveryOf(first)).toMatchObject({ status: 'PENDING', attempt: 1, lastAttempt: { status: 429 } });
});

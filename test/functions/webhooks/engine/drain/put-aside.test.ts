import { beforeEach, describe, expect, test } from 'vitest';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan, NthFault } from '#test/support/aws-faults.ts';
import { crm, events, first, minute, other, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);
beforeEach(() => crm.add({ maxInFlight: 1, retryDelaysMs: [minute] }));

/** Pauses at the first write of a delivery, and then lets calls go wrong as a test has it. */
class PauseAtDelivery extends FaultPlan {
  private isPaused = false;
  private readonly later: (calls: readonly string[], command: string) => 'refused' | undefined;
  constructor(later: PauseAtDelivery['later'] = () => undefined) {
    super();
    this.later = later;
  }
  override next(command: string) {
    if (this.isPaused) return this.later(this.calls, command);
    this.isPaused = command === 'UpdateItemCommand';
    return this.isPaused ? ('pause' as const) : undefined;
  }
}

describe('putAside of a delivery while its endpoint is resumed and recovered', () => {
  /** Resumes the endpoint before the delivery is written down as held, and lets half an hour pass. */
  async function resumeWhileHolding(plan: FaultPlan, dies = false) {
    const draining = world.faults.run(plan, () => world.deliver([crm.wakeUp(first)])).catch(() => undefined);
    await plan.reachedPause;
    world.setAnswer(() => ({ status: 204 }));
    await ((await crm.read()).status === 'disabled' ? crm.enable() : crm.resume());
    expect(await crm.recover()).toMatchObject({ count: 0 });
    // It dies once that is written.
    if (dies) plan.kill();
    plan.resume();
    const drained = await draining;
    world.clock.advance(minute);
    // The queue brings the wake-up again, unless the drain was done.
    if (!drained || drained.unhandled.length > 0) await world.deliver([crm.wakeUp(first)]);
    await world.pass(30);
    expect((await world.deliveryOf(first)).status).toBe('DELIVERED');
    return drained;
  }

  test('releases it', async () => {
    await world.prepare(first);
    await crm.pause();
    expect(await resumeWhileHolding(new PauseAtDelivery())).toMatchObject({ unhandled: [] });
  });

  test('releases it though the process dies between holding and looking again', async () => {
    await world.prepare(first);
    await crm.pause();
    await resumeWhileHolding(new PauseAtDelivery(), true);
  });

  test('releases it though DynamoDB refuses one call after holding', async () => {
    await world.prepare(first);
    await crm.pause();
    let isRefused = false;
    const refuseOnce = (calls: readonly string[], command: string) => {
      if (isRefused || !calls.includes('UpdateItemCommand') || command === 'UpdateItemCommand') return undefined;
      isRefused = true;
      return 'refused';
    };
    await resumeWhileHolding(new PauseAtDelivery(refuseOnce));
  });

  test('releases it in the middle of a drain', async () => {
    await world.prepare(first, other);
    world.during(crm.pause);
    const plan = new NthFault('UpdateItemCommand', 2, 'pause');
    const draining = world.faults.run(plan, () => world.deliver([crm.wakeUp(other, first)]));
    await plan.reachedPause;
    await crm.resume();
    expect(await crm.recover()).toMatchObject({ count: 0 });
    plan.resume();
    expect((await draining).unhandled).toEqual([]);
    await world.pass(30);
    expect(await world.statuses()).toEqual({ DELIVERED: 2 });
  });

  test('releases it where the endpoint was paused while it said that it is gone', async () => {
    await world.prepare(first);
    world.during(crm.pause, { status: 410 });
    expect(await resumeWhileHolding(new PauseAtDelivery())).toMatchObject({ unhandled: [] });
  });

  test('releases it where the endpoint said at the last attempt that it is gone', async () => {
    await world.prepare(first);
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([crm.wakeUp(first)]);
    world.clock.advance(minute);
    world.setAnswer(() => ({ status: 410 }));
    await resumeWhileHolding(new PauseAtDelivery());
  });
});

describe('an endpoint that answers 410', () => {
  /** Never leaves a delivery held at an active endpoint, which no process would look at. */
  async function expectNotStuck() {
    await world.pass(10);
    expect({ endpoint: (await crm.read()).status, delivery: (await world.deliveryOf(first)).status }).not.toEqual({
      endpoint: 'active',
      delivery: 'HELD',
    });
  }

  // The calls: endpoint, lease and delivery; the lease; the endpoint, and that it is disabled; the delivery; the lease again.
  test.each([1, 2, 3, 4, 5])('leaves no delivery stuck though the process dies after its call %i', async (call) => {
    world.setAnswer(() => ({ status: 410 }));
    await world.prepare(first);
    const plan = new FaultPlan([[call, 'crash after']]);
    await world.faults.run(plan, () => world.deliver([crm.wakeUp(first)])).catch(() => undefined);
    world.clock.advance(minute);
    await world.deliver([crm.wakeUp(first)]);
    await expectNotStuck();
  });

  test('leaves no delivery stuck though an operator changes the endpoint during each request', async () => {
    world.setAnswer(async () => {
      await crm.update({ maxInFlight: 9 });
      return { status: 410 };
    });
    await world.fanOut(first);
    await world.answerWakeUps();
    await expectNotStuck();
  });

  test('is disabled though its row changes before that is written, as by a sweep that has published an event', async () => {
    world.setAnswer(() => ({ status: 410 }));
    await world.prepare(first);
    const plan = new NthFault('PutItemCommand', 2, 'pause');
    const draining = world.faults.run(plan, () => world.deliver([crm.wakeUp(first)]));
    await plan.reachedPause;
    await world.deps.endpoints.clearPending(await crm.read());
    plan.resume();
    await draining;
    expect((await crm.read()).status).toBe('disabled');
    expect((await world.deliveryOf(first)).status).toBe('HELD');
  });

  test('stays active and gets the event at another address that it was given during the request', async () => {
    world.during(() => crm.update({ url: world.urlOf('moved') }), { status: 410 });
    await world.fanOut(first);
    await world.answerWakeUps();
    await world.pass(10);
    expect((await crm.read()).status).toBe('active');
    expect((await world.deliveryOf(first)).status).toBe('DELIVERED');
    expect(world.received.map(({ path }) => path)).toEqual(['/crm', '/moved']);
  });

  test('stays paused when it was paused during the request', async () => {
    await world.prepare(first);
    world.during(crm.pause, { status: 410 });
    await world.deliver([crm.wakeUp(first)]);
    expect(await crm.read()).toMatchObject({ status: 'paused' });
    expect(await world.statuses()).toEqual({ HELD: 1 });
  });
});

test('a drain records an attempt that asks for a long pause, though DynamoDB refuses to read the endpoint again', async () => {
  await world.prepare(first);
  world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '600' } }));
  class Plan extends FaultPlan {
    override next(command: string) {
      return world.received.length > 0 && command === 'QueryCommand' ? ('refused' as const) : undefined;
    }
  }
  await world.faults.run(new Plan(), () => world.deliver([crm.wakeUp(first)]));
  expect(await world.deliveryOf(first)).toMatchObject({ status: 'PENDING', attempt: 1, lastAttempt: { status: 429 } });
});

describe('putAside', () => {
  test('reads the endpoint a bounded number of times while it holds a backlog', async () => {
    await world.prepare(...events);
    await crm.pause();
    const seen = { inFlight: 0, most: 0, reads: 0 };
    const counted = world.through(async (command, _, next) => {
      if (command !== 'QueryCommand' && command !== 'GetItemCommand') return next();
      seen.reads += 1;
      seen.inFlight += 1;
      seen.most = Math.max(seen.most, seen.inFlight);
      return next().finally(() => {
        seen.inFlight -= 1;
      });
    });
    await deliver(counted, [crm.wakeUp(...events)]);
    expect(await world.statuses()).toEqual({ HELD: events.length });
    expect(seen.most).toBeLessThanOrEqual(25);
    expect(seen.reads).toBeLessThan(10);
  });

  test('lets a retry whose time has not come wait, so that nothing has to be released for it', async () => {
    await world.prepare(first);
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([crm.wakeUp(first)]);
    await crm.pause();
    await world.deliver([crm.wakeUp(first)]);
    expect(await world.statuses()).toEqual({ PENDING: 1 });
  });

  test('fails where SQS takes no wake-up for what is left of a removed endpoint, and not for a paused one', async () => {
    await world.prepare(first);
    const late = () => {
      const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
      return world.faults.run(plan, () => deliver(world.deps, [crm.wakeUp(first)], world.clock.steady()));
    };
    await crm.pause();
    expect((await late()).unhandled).toEqual([]);
    await crm.remove();
    expect((await late()).unhandled).toMatchObject([{ endpoint: 'crm', isKept: false }]);
  });

  test('holds a delivery though the clock of deliver is 2 s behind that of fan-out', async () => {
    await world.fanOut(first);
    await crm.pause();
    world.clock.set(-2 * second);
    await world.answerWakeUps();
    await world.pass(10);
    expect((await world.deliveryOf(first)).status).toBe('HELD');
  });
});

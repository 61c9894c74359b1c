import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { transferNotice } from '#functions/notices/notice.ts';
import { recover, resend } from '#functions/webhooks/deliveries/replay.ts';
import {
  acquire,
  admission,
  leaseDurationMs,
  newLease,
  plausibleLease,
  withoutFailures,
} from '#functions/webhooks/endpoints/lease.ts';
import {
  addEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  updateEndpoint,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { Work } from '#functions/webhooks/engine/work.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  add,
  another,
  deliveryOf,
  die,
  duringFirst,
  events,
  first,
  ids,
  idsOf,
  now,
  other,
  prepare,
  requests,
  rowsLike,
  second,
  startDrainWorld,
  statuses,
  third,
  timesOf,
  wakeUpFor,
  world,
} from '#test/support/drain-world.ts';

beforeEach(startDrainWorld);

describe('what comes too early for an endpoint', () => {
  test('with a pace is woken for when it may be sent, and not left to the sweep', async () => {
    await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'slack' });
    for (const one of events.slice(0, 2)) {
      const { record } = transferNotice({ mailbox: 'alice@example.com', direction: 'sent' }, [one]);
      await fanOut(world.deps, [{ body: JSON.stringify(record) }]);
      await world.answerWakeUps();
    }
    expect(world.received).toHaveLength(1);
    expect(await world.countWakeUps()).toBe(1);
  });

  test('whose circuit breaker is open is left to the sweep, by no wake-up of its own', async () => {
    await add();
    await prepare(first, other);
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '60' } }));
    await world.deliver([wakeUpFor(first)]);
    const before = await world.countWakeUps();
    await world.deliver([wakeUpFor(other)]);
    expect(await world.countWakeUps()).toBe(before);
    // Nobody holds the endpoint, so there is nobody to be asked for the retries that are due.
    await world.deliver([wakeUpFor()]);
    expect(world.received).toHaveLength(1);
    expect(await requests()).toHaveLength(1);
  });
});

describe('a drain that learns while it gathers deliveries that there is to be no request', () => {
  test('because its endpoint was paused begins none that it had gathered before, and has them held', async () => {
    await add();
    await prepare(first, other);
    world.setAnswer(() => ({ status: 500 }));
    await world.deliver([wakeUpFor(first)]);
    world.clock.advance(10 * second);
    // What the wake-up names was read while the endpoint was active, the retry is read once it is not.
    const plan = new FaultPlan([['QueryCommand', 'pause']]);
    const draining = world.faults.run(plan, () => world.deliver([wakeUpFor(other), wakeUpFor()]));
    await plan.reachedPause;
    await pauseEndpoint(world.deps, 'crm');
    plan.resume();
    await draining;
    expect(ids()).toEqual([first.id]);
    expect(await statuses()).toEqual({ HELD: 2 });
  });

  test('because nothing can be signed writes no attempt into the lease', async () => {
    await add();
    await prepare(first, other);
    const dataKey = new DataKey(randomBytes(32).toString('base64'));
    const { unhandled } = await deliver({ ...world.deps, dataKey }, [wakeUpFor(first, other)]);
    expect(unhandled).toHaveLength(1);
    expect(await rowsLike('LEASE')).toEqual([]);
  });
});

test('an attempt of a process that died does not count for a delivery that had come to its end, and was sent again since', async () => {
  await add();
  await prepare(first, other);
  const plan = new FaultPlan();
  world.setAnswer(async ({ headers }) => {
    if (headers['webhook-id'] === first.id) return { status: 204 };
    while ((await deliveryOf(first)).status !== 'DELIVERED') {}
    plan.kill();
    return { status: 204 };
  });
  await world.faults.run(plan, () => deliver(another(), [wakeUpFor(first, other)])).catch(() => undefined);
  world.setAnswer(() => ({ status: 204 }));
  expect(Object.keys((await world.deps.leases.read('crm')).inFlight).toSorted()).toEqual(idsOf([first, other]));
  await resend(world.deps, { event: first.id, endpoint: 'crm' });
  world.clock.advance(leaseDurationMs);
  await world.answerWakeUps();
  expect(await deliveryOf(first)).toMatchObject({ status: 'DELIVERED', attempt: 1 });
  expect(await deliveryOf(other)).toMatchObject({ status: 'DELIVERED', attempt: 2 });
});

test('a process that comes to nothing leaves the attempts of one that died in the lease, for those to see who make them', async () => {
  await add();
  await prepare(first, other, third);
  const remembering = another();
  await deliver(remembering, [wakeUpFor(third)]);
  await die(another(), wakeUpFor(first, other));
  world.clock.advance(leaseDurationMs);
  await deliver(remembering, [wakeUpFor()]);
  await world.sweep();
  await world.answerWakeUps();
  expect(await statuses()).toEqual({ DELIVERED: 3 });
});

test('what was sent by itself is sent again at once when an operator asks for it, whichever process is woken', async () => {
  await add();
  await prepare(first);
  await world.deliver([wakeUpFor(first)]);
  await resend(world.deps, { event: first.id, endpoint: 'crm' });
  await deliver(another(), [wakeUpFor(first)]);
  expect(ids()).toEqual([first.id, first.id]);
});

test('an endpoint that is paused while it says that it is gone stays paused', async () => {
  await add();
  await prepare(first);
  duringFirst(() => pauseEndpoint(world.deps, 'crm'), 410);
  await world.deliver([wakeUpFor(first)]);
  expect(await world.deps.endpoints.find('crm')).toMatchObject({ status: 'paused' });
  expect(await statuses()).toEqual({ HELD: 1 });
});

test('a retry whose time has not come waits on while its endpoint is paused, so that nothing has to be released for it', async () => {
  await add();
  await prepare(first);
  world.setAnswer(() => ({ status: 500 }));
  await world.deliver([wakeUpFor(first)]);
  await pauseEndpoint(world.deps, 'crm');
  await world.deliver([wakeUpFor(first)]);
  expect(await statuses()).toEqual({ PENDING: 1 });
});

test('a clock that was ahead leaves no holder, attempt or pace behind, though failures were forgotten by one that is right', () => {
  const [at, ahead] = [now(), now() + 3600 * second];
  const inFlight = { a: { attempt: 1, of: 0, until: ahead + leaseDurationMs } };
  const lease = acquire(newLease, 'holder', { inFlight, observations: [] }, second, ahead);
  const believed = plausibleLease(withoutFailures(lease, at), at);
  expect(admission(believed, { maxInFlight: 1, interval: second }, at)).toMatchObject({ kind: 'free', room: 1 });
});

test('a request that a drain leaves undone is read again by it', async () => {
  await add();
  await prepare(first);
  await world.deps.leases.leaveRequest('crm', [first.id], now(), now());
  const work = new Work(world.deps, 'crm', [], true);
  for (let times = 0; times < 2; times += 1) {
    expect((await work.look(1, true))?.deliveries).toHaveLength(1);
    work.putBack(first.id);
    expect(await work.leave(now(), false)).toBe(true);
  }
});

test('a process whose lease one with a clock ahead has taken before it died makes what that one had begun, and counts it', async () => {
  await add({ maxInFlight: 1 });
  await prepare(first, other, third);
  const ahead = () => new Date(now() + leaseDurationMs);
  duringFirst(() => die({ ...another(), now: ahead }, wakeUpFor(third)));
  await deliver(another(), [wakeUpFor(first, other)]);
  expect(await statuses()).toEqual({ DELIVERED: 3 });
  expect(await deliveryOf(third)).toMatchObject({ attempt: 2 });
});

test('a success whose writing down fails here and takes effect later is not sent again meanwhile', async () => {
  await add();
  await prepare(first);
  const plan = new FaultPlan([['UpdateItemCommand', 'late']]);
  const { unhandled } = await world.faults.run(plan, () => world.deliver([wakeUpFor(first)]));
  expect(unhandled).toHaveLength(1);
  await world.deliver([wakeUpFor(first)]);
  await plan.deliverLate();
  world.clock.advance(leaseDurationMs);
  await world.deliver([wakeUpFor()]);
  expect(ids()).toEqual([first.id]);
  expect(await requests()).toEqual([]);
});

test('an endpoint that is to get fewer at once from now on gets no more from the very drain that is under way', async () => {
  await add({ maxInFlight: 4 });
  await prepare(...events.slice(0, 12));
  const seen = { underWay: 0, most: 0 };
  world.setAnswer(async () => {
    const { length } = world.received;
    if (length === 1) await updateEndpoint(world.deps, 'crm', { maxInFlight: 1 });
    // Those that were chosen before the change was read.
    if (length <= 8) return { status: 204 };
    seen.underWay += 1;
    seen.most = Math.max(seen.most, seen.underWay);
    // Whatever else is on its way comes in meanwhile.
    await world.deps.leases.read('crm');
    seen.underWay -= 1;
    return { status: 204 };
  });
  await world.deliver([wakeUpFor(...events.slice(0, 12))]);
  expect(await statuses()).toEqual({ DELIVERED: 12 });
  expect(seen.most).toBe(1);
});

test('the lease names what is still under way when more begins', async () => {
  await add({ maxInFlight: 2 });
  await prepare(first, other, third);
  const named = Promise.withResolvers<string[]>();
  world.setAnswer(async ({ headers }) => {
    if (headers['webhook-id'] === first.id) await named.promise;
    if (headers['webhook-id'] === third.id)
      named.resolve(Object.keys((await world.otherLeases().read('crm')).inFlight));
    return { status: 204 };
  });
  await world.deliver([wakeUpFor(first, other, third)]);
  expect((await named.promise).toSorted()).toEqual(idsOf([first, third]));
});

test('what is left of a removed endpoint is brought again by its queue where SQS takes no wake-up; a sweep sees to a paused one', async () => {
  await add();
  await prepare(first);
  const late = () => {
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    return world.faults.run(plan, () => deliver(world.deps, [wakeUpFor(first)], world.clock.steady()));
  };
  await pauseEndpoint(world.deps, 'crm');
  expect((await late()).unhandled).toEqual([]);
  await removeEndpoint(world.deps, 'crm');
  expect((await late()).unhandled).toMatchObject([{ endpoint: 'crm', isKept: false }]);
});

test('a drain that looks at retries has the endpoint looked at again when the next one is due, before any sweep', async () => {
  await add();
  await prepare(first, other);
  await pauseEndpoint(world.deps, 'crm');
  await world.deliver([wakeUpFor(first, other)]);
  await resumeEndpoint(world.deps, 'crm');
  const range = { from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', dryRun: false };
  expect(await recover(world.deps, 'crm', { ...range, perSecond: 0.1 })).toMatchObject({ count: 2 });
  await world.answerWakeUps();
  expect(world.received).toHaveLength(1);
  expect(await world.countWakeUps()).toBe(1);
});

test('the sweep has what waits for a paused endpoint put aside, though its circuit breaker is open', async () => {
  await add();
  await prepare(first, other);
  world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
  await world.deliver([wakeUpFor(first)]);
  await world.deliver([wakeUpFor(other)]);
  await pauseEndpoint(world.deps, 'crm');
  await world.sweep();
  await world.answerWakeUps();
  expect(await deliveryOf(other)).toMatchObject({ status: 'HELD' });
});

test('a message of fan-out that its queue brings again, for SQS took no wake-up, is not handed on as well', async () => {
  await add();
  await addEndpoint(world.deps, 'erp', { url: world.urlOf('erp') });
  let steady = 0;
  const deps = { ...world.deps, steady: () => steady++ };
  const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
  // Time is over after the first of its two endpoints.
  const { deliveries, handedOn, unhandled } = await world.faults.run(plan, () =>
    fanOut(deps, [{ body: eventBody(first) }], 1),
  );
  expect({ deliveries, handedOn, unhandled: unhandled.length }).toEqual({ deliveries: 1, handedOn: 0, unhandled: 1 });
});

test('a delivery that was held and is sent again says no more that it was paused', async () => {
  await add();
  await prepare(first);
  await pauseEndpoint(world.deps, 'crm');
  await world.deliver([wakeUpFor(first)]);
  await resumeEndpoint(world.deps, 'crm');
  expect(await deliveryOf(first)).toMatchObject({ status: 'HELD', reason: 'paused' });
  await resend(world.deps, { event: first.id, endpoint: 'crm' });
  await world.answerWakeUps();
  const { status, reason } = await deliveryOf(first);
  expect({ status, reason }).toEqual({ status: 'DELIVERED', reason: undefined });
});

test('a holder stays one though a machine whose clock is 10 s ahead has changed its lease', () => {
  const lease = acquire(newLease, 'holder', { inFlight: {}, observations: [] }, 0, now());
  expect(plausibleLease(withoutFailures(lease, now() + 10 * second), now()).holder).toEqual(lease.holder);
});

test('what is left to a drain is made while its last attempt takes long, and not only once that ends', async () => {
  await add({ maxInFlight: 4 });
  await prepare(first, other, third);
  world.setAnswer(async ({ headers }) => {
    if (headers['webhook-id'] !== first.id) return { status: 204 };
    while ((await deliveryOf(other)).status !== 'DELIVERED') {}
    await deliver(another(), [wakeUpFor(third)]);
    world.clock.advance(second);
    for (let reads = 0; reads < 20_000 && timesOf(third) === 0; reads += 1) await world.deps.leases.read('crm');
    return { status: timesOf(third) === 1 ? 204 : 500 };
  });
  await world.deliver([wakeUpFor(first, other)]);
  expect(await statuses()).toEqual({ DELIVERED: 3 });
});

test('what the index still calls held is not recovered once it was delivered', async () => {
  await add();
  await prepare(first);
  await pauseEndpoint(world.deps, 'crm');
  await world.deliver([wakeUpFor(first)]);
  await resumeEndpoint(world.deps, 'crm');
  const range = { from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', dryRun: false };
  const plan = new FaultPlan([['BatchGetItemCommand', 'pause']]);
  const late = world.faults.run(plan, () => recover(world.deps, 'crm', range));
  await plan.reachedPause;
  await recover(world.deps, 'crm', range);
  await world.answerWakeUps();
  plan.resume();
  expect(await late).toMatchObject({ count: 0 });
  expect(await statuses()).toEqual({ DELIVERED: 1 });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { recover, replay, resend } from '#functions/webhooks/deliveries/replay.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { crm, first, hour, range, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvents } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);
beforeEach(() => crm.add({ maxInFlight: 100 }));

/** Announces events, in batches as fan-out gets them. */
async function announce(prefix: string, count: number) {
  const events = exampleEvents(prefix, count);
  for (let from = 0; from < count; from += 10) await world.fanOut(...events.slice(from, from + 10));
  return events;
}

describe('recover', () => {
  test('counts what was held, and then releases all of it over many pages, no faster than it is told', async () => {
    await crm.pause();
    const events = await announce('held', 130);
    await world.answerWakeUps();
    await expect(crm.recover()).rejects.toThrow('the endpoint crm is paused: resume it first');
    await crm.resume();
    expect(await crm.recover({ dryRun: true })).toEqual({ count: 130, isComplete: true });
    const { next, ...done } = await crm.recover({ deadline: 0, dryRun: true });
    expect([done, await crm.recover({ after: next, dryRun: true })]).toEqual([
      { count: 100, isComplete: false },
      { count: 30, isComplete: true },
    ]);
    expect(await crm.recover({ perSecond: 50 })).toEqual({ count: 130, isComplete: true });
    const waiting = (await world.dump()).filter(({ due }) => due?.startsWith('DUE#'));
    const places = waiting.map(({ nextAttemptAt }) => nextAttemptAt - world.now());
    expect(places.filter((place) => place < second)).toHaveLength(50);
    expect(Math.max(...places)).toBe(2580);
    // One for each page.
    expect(await world.countWakeUps()).toBe(2);
    await world.takeWakeUps();
    world.clock.advance(2 * second);
    await world.deliver([crm.wakeUp()]);
    // By the clocks of two machines, an attempt may be a second early.
    expect(world.received.length).toBeGreaterThanOrEqual(101);
    world.clock.advance(580);
    await world.deliver([crm.wakeUp()]);
    expect(world.ids().toSorted()).toEqual(world.idsOf(events));
    expect(await crm.recover()).toMatchObject({ count: 0 });
  });

  test('sends what was held for an endpoint to the one that was added again under its name', async () => {
    await crm.pause();
    await world.fanOut(first);
    await world.answerWakeUps();
    await crm.remove();
    world.clock.advance(1);
    await crm.add({ url: world.urlOf('again') });
    await crm.recover();
    await world.settleAll();
    expect(world.received.map(({ path }) => path)).toEqual(['/again']);
  });

  test('leaves alone what the index still calls held, once it was delivered', async () => {
    await crm.pause();
    await world.fanOut(first);
    await world.answerWakeUps();
    await crm.resume();
    const plan = new FaultPlan([['BatchGetItemCommand', 'pause']]);
    const late = world.faults.run(plan, () => crm.recover());
    await plan.reachedPause;
    await crm.recover();
    await world.answerWakeUps();
    plan.resume();
    expect(await late).toMatchObject({ count: 0 });
    expect(await world.statuses()).toEqual({ DELIVERED: 1 });
  });
});

test.each(['recover', 'replay'] as const)('%s takes the events that happened in its range', async (way) => {
  if (way === 'recover') await crm.pause();
  world.clock.advance(3 * hour);
  await world.fanOut(first);
  await world.answerWakeUps();
  if (way === 'recover') await crm.resume();
  const at = (hours: number) => new Date(Date.parse(range.from) + hours * hour).toISOString();
  const counts = [0, 1, -24].map(async (from) => {
    const within = { from: at(from), until: at(from < 0 ? 0 : from + 1), dryRun: true };
    return (await { recover, replay }[way](world.deps, 'crm', within)).count;
  });
  expect(await Promise.all(counts)).toEqual([1, 0, 0]);
});

describe('replay', () => {
  test('delivers what has ended again under the same ids, whether it was delivered or failed', async () => {
    const [failing, ...others] = exampleEvents('ended', 4);
    await world.fanOut(...others);
    await world.answerWakeUps();
    world.setAnswer(() => ({ status: 400 }));
    await world.fanOut(failing!);
    await world.settleAll();
    world.setAnswer(() => ({ status: 204 }));
    world.received.length = 0;
    expect(await crm.replay({ dryRun: true })).toMatchObject({ count: 4 });
    expect([await world.takeWakeUps(), await crm.replay()]).toMatchObject([[], { count: 4 }]);
    await world.settleAll();
    expect(world.ids().toSorted()).toEqual(world.idsOf([failing!, ...others]));
  });

  test('begins the retry schedule anew', async () => {
    await crm.update({ retryDelaysMs: [second] });
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(first);
    await world.settleAll();
    expect(world.received).toHaveLength(2);
    await crm.replay();
    await world.settleAll();
    expect(world.received).toHaveLength(4);
  });

  test('leaves alone what is still on its way', async () => {
    await world.fanOut(first);
    expect(await crm.replay()).toMatchObject({ count: 0 });
  });

  // A poll publishes an event again when its notice has failed, and SQS may bring it twice by itself.
  test.each(['no endpoint', 'zulu'])(
    'finds an event that arrived once for %s, and again when another endpoint was there',
    async (before) => {
      await crm.remove();
      if (before !== 'no endpoint') await addEndpoint(world.deps, before, { url: world.urlOf(before) });
      await world.fanOut(first);
      await world.answerWakeUps();
      await addEndpoint(world.deps, 'added', { url: world.urlOf('added') });
      await world.fanOut(first);
      await world.answerWakeUps();
      expect((await world.trace(first.id)).deliveries).toContainEqual(
        expect.objectContaining({ endpoint: 'added', status: 'DELIVERED' }),
      );
      expect(await replay(world.deps, 'added', range)).toMatchObject({ count: 1, isComplete: true });
    },
  );

  test('comes to its end, as a dry run or not, though one request has time for a part of the events of one poll', async () => {
    // The changes of one poll have the same time.
    const many = await announce('many', 250);
    await world.deliver([crm.wakeUp(...many)]);
    await world.takeWakeUps();
    world.received.length = 0;
    const slow = world.through((command, _, next) => {
      if (command === 'QueryCommand') world.clock.advance(second);
      return next();
    });
    for (const dryRun of [true, false]) {
      // As the command does, which asks again until all is done; each request has time for two pages of three.
      let done: Awaited<ReturnType<typeof replay>> | undefined;
      let matching = 0;
      for (let requests = 0; requests < 10 && !done?.isComplete; requests += 1) {
        const deadline = world.clock.steady() + 2500;
        done = await replay(slow, 'crm', { ...range, after: done?.next, dryRun, perSecond: 1000, deadline });
        matching += done.count;
        world.clock.advance(5 * second);
        await world.deliver([crm.wakeUp()]);
      }
      expect({ isComplete: done?.isComplete, matching }).toEqual({ isComplete: true, matching: 250 });
      expect(world.received).toHaveLength(dryRun ? 0 : 250);
    }
  });
});

describe('resend', () => {
  test('sends one delivery again, unless it is still on its way', async () => {
    await world.fanOut(first);
    expect(await crm.resend(first)).toBe(false);
    await world.answerWakeUps();
    expect(await crm.resend(first)).toBe(true);
    await world.answerWakeUps();
    expect(world.ids()).toEqual([first.id, first.id]);
    expect(world.received[0]!.body).toBe(world.received[1]!.body);
    expect(await crm.resend({ id: 'evt_none' })).toBe(false);
    const ofNoEndpoint = resend(world.deps, { event: first.id, endpoint: 'none' });
    await expect(ofNoEndpoint).rejects.toThrow('there is no endpoint none');
  });

  test('forgets why a delivery was held', async () => {
    await crm.pause();
    await world.fanOut(first);
    await world.answerWakeUps();
    await crm.resume();
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'HELD', reason: 'paused' });
    await crm.resend(first);
    await world.answerWakeUps();
    const { status, reason } = await world.deliveryOf(first);
    expect({ status, reason }).toEqual({ status: 'DELIVERED', reason: undefined });
  });
});

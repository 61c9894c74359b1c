import { beforeEach, describe, expect, test } from 'vitest';
import { type Replay, recover, replay, resend } from '#functions/webhooks/deliveries/replay.ts';
import {
  addEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  updateEndpoint,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 100 });
  return () => world.close();
});

const events = Array.from({ length: 130 }, (_, index) => exampleEvent(`transfer-${index}`));
const all = { from: '2026-11-24T00:00:00.000Z', until: '2026-11-24T00:00:00.001Z', dryRun: false };
const ids = () => world.received.map(({ headers }) => headers['webhook-id']);
const waiting = async () => (await world.dump()).filter(({ due }) => due?.startsWith('DUE#'));

describe('recovering', () => {
  test('counts first, then releases everything that was held, over many pages, no faster than asked', async () => {
    await pauseEndpoint(world.deps, 'crm');
    await world.fanOut(...events);
    await world.settleAll();
    await expect(recover(world.deps, 'crm', all)).rejects.toThrow('the endpoint crm is paused: resume it first');
    await resumeEndpoint(world.deps, 'crm');
    expect(await recover(world.deps, 'crm', { ...all, dryRun: true })).toEqual({
      count: 130,
      isComplete: true,
    });
    const started = world.clock.now().getTime();
    expect(await recover(world.deps, 'crm', { ...all, perSecond: 50 })).toEqual({
      count: 130,
      isComplete: true,
    });
    const places = (await waiting()).map(({ nextAttemptAt }) => nextAttemptAt - started);
    expect(places.filter((place) => place < 1000)).toHaveLength(50);
    expect(Math.max(...places)).toBe(2580);
    await world.takeWakeUps();
    world.clock.advance(2000);
    await world.deliver([{ endpoint: 'crm', events: [] }]);
    // By the clocks of two machines, an attempt may be a second early.
    expect(world.received.length).toBeGreaterThanOrEqual(101);
    world.clock.advance(580);
    await world.deliver([{ endpoint: 'crm', events: [] }]);
    expect(new Set(ids())).toEqual(new Set(events.map(({ id }) => id)));
    expect(world.received).toHaveLength(130);
    expect(await recover(world.deps, 'crm', all)).toMatchObject({ count: 0 });
  });

  test('takes only events of the range, and goes on where it stopped', async () => {
    await pauseEndpoint(world.deps, 'crm');
    for (let index = 0; index < events.length; index += 10) await world.fanOut(...events.slice(index, index + 10));
    await world.settleAll();
    await resumeEndpoint(world.deps, 'crm');
    const before = { ...all, from: '2026-11-23T00:00:00.000Z', until: all.from };
    expect(await recover(world.deps, 'crm', before)).toMatchObject({ count: 0 });
    const { next, ...done } = await recover(world.deps, 'crm', { ...all, deadline: 0 });
    expect(done).toEqual({ count: 100, isComplete: false });
    expect(await recover(world.deps, 'crm', { ...all, after: next })).toEqual({ count: 30, isComplete: true });
    // One for each page.
    expect(await world.takeWakeUps()).toEqual(Array(2).fill({ endpoint: 'crm', events: [] }));
  });

  test('sends what was held for an endpoint to the one that was added again under its name', async () => {
    await pauseEndpoint(world.deps, 'crm');
    await world.fanOut(events[0]!);
    await world.settleAll();
    await removeEndpoint(world.deps, 'crm');
    world.clock.advance(1);
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('again') });
    await recover(world.deps, 'crm', all);
    await world.settleAll();
    expect(world.received.map(({ path }) => path)).toEqual(['/again']);
  });
});

describe('a range', () => {
  const hour = (at: number) => `2026-11-24T0${at}:00:00.000Z`;

  test.each(['recover', 'replay'] as const)('is one of times at which things happened, for %s', async (way) => {
    if (way === 'recover') await pauseEndpoint(world.deps, 'crm');
    world.clock.advance(3 * 3_600_000);
    await world.fanOut(events[0]!);
    await world.settleAll();
    if (way === 'recover') await resumeEndpoint(world.deps, 'crm');
    const matching = async (from: string, until: string) => {
      const found = await { recover, replay }[way](world.deps, 'crm', { from, until, dryRun: true });
      return found.count;
    };
    expect(await matching(hour(0), hour(1))).toBe(1);
    expect(await matching(hour(1), hour(9))).toBe(0);
    expect(await matching('2026-11-23T00:00:00.000Z', hour(0))).toBe(0);
  });
});

describe('replaying', () => {
  test('delivers a range again under the same ids, whatever became of it', async () => {
    await world.fanOut(...events.slice(0, 3));
    await world.settleAll();
    world.setAnswer(() => ({ status: 400 }));
    await world.fanOut(events[3]!);
    await world.settleAll();
    world.setAnswer(() => ({ status: 204 }));
    world.received.length = 0;
    expect(await replay(world.deps, 'crm', { ...all, dryRun: true })).toMatchObject({ count: 4 });
    await world.settleAll();
    expect(ids()).toEqual([]);
    expect(await replay(world.deps, 'crm', all)).toMatchObject({ count: 4 });
    await world.settleAll();
    expect(ids().toSorted()).toEqual(
      events
        .slice(0, 4)
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  test('begins the schedule anew', async () => {
    await updateEndpoint(world.deps, 'crm', { retryDelaysMs: [1000] });
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(events[0]!);
    await world.settleAll();
    expect(world.received).toHaveLength(2);
    await replay(world.deps, 'crm', all);
    await world.settleAll();
    expect(world.received).toHaveLength(4);
  });

  test('leaves alone what is still on its way', async () => {
    await world.fanOut(events[0]!);
    expect(await replay(world.deps, 'crm', all)).toMatchObject({ count: 0 });
  });

  test('resends one delivery, unless it is still on its way', async () => {
    const [event] = events;
    const name = { event: event!.id, endpoint: 'crm' };
    await world.fanOut(event!);
    expect(await resend(world.deps, name)).toBe(false);
    await world.settleAll();
    expect(await resend(world.deps, name)).toBe(true);
    await world.answerWakeUps();
    expect(ids()).toEqual([event!.id, event!.id]);
    expect(world.received[0]!.body).toBe(world.received[1]!.body);
    expect(await resend(world.deps, { ...name, event: 'evt_none' })).toBe(false);
    await expect(resend(world.deps, { ...name, endpoint: 'nobody' })).rejects.toThrow('there is no endpoint nobody');
  });
});

// A poll publishes an event again when its notice has failed, and SQS may bring it twice by itself.
test.each(['no endpoint', 'zulu'])(
  'an event that arrived once for %s, and again when another endpoint was added, is replayed for that one',
  async (before) => {
    await removeEndpoint(world.deps, 'crm');
    const event = events[0]!;
    if (before !== 'no endpoint') await addEndpoint(world.deps, before, { url: world.urlOf(before) });
    await world.fanOut(event);
    await world.answerWakeUps();
    await addEndpoint(world.deps, 'added', { url: world.urlOf('added') });
    await world.fanOut(event);
    await world.answerWakeUps();
    expect((await world.trace(event.id)).deliveries).toContainEqual(
      expect.objectContaining({ endpoint: 'added', status: 'DELIVERED' }),
    );
    expect(await replay(world.deps, 'added', all)).toMatchObject({ count: 1, isComplete: true });
  },
);

test('a replay of more events of one poll than one request has time for comes to an end, and a dry run, too', async () => {
  // The changes of one poll have the same time.
  const many = Array.from({ length: 250 }, (_, index) => exampleEvent(`transfer-${index}`));
  for (let index = 0; index < many.length; index += 10) await world.fanOut(...many.slice(index, index + 10));
  await world.deliver([{ endpoint: 'crm', events: many.map(({ id }) => id) }]);
  await world.takeWakeUps();
  world.received.length = 0;
  const slow = world.through((command, _, next) => {
    if (command === 'QueryCommand') world.clock.advance(1000);
    return next();
  });
  for (const dryRun of [true, false]) {
    // As the command does, which asks again until all is done; each request has time for two pages of three.
    let done: Replay | undefined;
    let matching = 0;
    for (let requests = 0; requests < 10 && !done?.isComplete; requests += 1) {
      const deadline = world.clock.steady() + 2500;
      done = await replay(slow, 'crm', { ...all, after: done?.next, dryRun, perSecond: 1000, deadline });
      matching += done.count;
      world.clock.advance(5000);
      await world.deliver([{ endpoint: 'crm', events: [] }]);
    }
    expect({ isComplete: done?.isComplete, matching }).toEqual({ isComplete: true, matching: 250 });
    expect(world.received).toHaveLength(dryRun ? 0 : 250);
  }
});

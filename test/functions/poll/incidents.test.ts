import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { pollOnDemand } from '#functions/poll/on-demand-poll.ts';
import { type FaultKind, FaultPlan } from '#test/support/aws-faults.ts';
import { hour, IncidentWorld, minute } from '#test/support/incident-world.ts';
import { pollBudget } from '#test/support/poll-world.ts';

let incidents: IncidentWorld;
beforeAll(async () => {
  incidents = await IncidentWorld.start();
});
beforeEach(() => incidents.reset(3));
afterAll(() => incidents.world.close());

const nothing = { events: [], notices: [] };

describe('a cause that many watches share', () => {
  it('is told once with the number, three examples and the remedy, over shards and ticks', async () => {
    const watches = incidents.watchesOf(60);
    await incidents.declare(watches);
    incidents.fail(watches);
    await incidents.pass(3);
    const [failing, ...others] = await incidents.world.takeEvents();
    expect(others).toEqual([]);
    expect(failing?.attributes).toEqual({ type: 'watch.many_failing' });
    expect(failing?.event.data).toMatchObject({
      cause: 'not_verified',
      message: expect.stringContaining('have an administrator register the client id'),
      watches: 60,
      mailboxes: 60,
      examples: ['m000@example.com', 'm001@example.com', 'm002@example.com'],
    });
    const notices = await incidents.world.takeNotices();
    expect(notices.map(({ subject }) => subject)).toEqual(['Cannot watch 60 mailboxes']);
    expect(notices[0]?.text).toContain('m000@example.com, m001@example.com, m002@example.com and 57 more');
    expect(notices[0]?.text).toContain('watch verify MAILBOX');
  });

  it('has its end told once', async () => {
    const watches = incidents.watchesOf(20);
    await incidents.declare(watches);
    incidents.fail(watches);
    await incidents.pass(10);
    expect((await incidents.told()).events).toEqual(['watch.many_failing 20']);
    incidents.mend(watches);
    await incidents.pass(10);
    expect(await incidents.told()).toEqual({
      events: ['watch.many_recovered 20'],
      notices: ['Watching 20 mailboxes again'],
    });
  });

  it('is told with the right number while mailboxes are still being added', async () => {
    const watches = incidents.watchesOf(40);
    incidents.fail(watches);
    for (let index = 0; index < 40; index += 10) {
      await incidents.declare(watches.slice(0, index + 10));
      await incidents.pass(1);
    }
    await incidents.pass(5);
    expect((await incidents.told()).events).toEqual(['watch.many_failing 40']);
  });

  it('is told five minutes after a watch has failed three times even if ever more begin to fail', async () => {
    const watches = incidents.watchesOf(24);
    await incidents.declare(watches);
    await incidents.pass(1);
    for (let index = 0; index < 12; index += 1) {
      incidents.fail(watches.slice(0, 2 * index + 2));
      await incidents.pass(1);
    }
    const { events } = await incidents.told();
    expect(events).toEqual([expect.stringMatching(/^watch\.many_failing 1[4-8]$/)]);
    await incidents.pass(10);
    expect(await incidents.told()).toEqual(nothing);
  });

  it('is one outage, whether the server is unreachable, silent or at fault', async () => {
    const watches = incidents.watchesOf(9);
    await incidents.declare(watches);
    incidents.fail(watches.slice(0, 3), 'unreachable');
    incidents.fail(watches.slice(3, 5), 'timeout');
    incidents.fail(watches.slice(5), 'server_fault');
    await incidents.pass(6);
    expect((await incidents.told()).events).toEqual(['watch.many_failing 9']);
  });

  it('is told beside another one that others have', async () => {
    const watches = incidents.watchesOf(8);
    await incidents.declare(watches);
    incidents.fail(watches.slice(0, 5));
    incidents.fail(watches.slice(5), 'forbidden');
    await incidents.pass(5);
    expect((await incidents.told()).events.toSorted()).toEqual(['watch.many_failing 3', 'watch.many_failing 5']);
  });

  it('is told anew for what begins to fail more than an hour later, and not before', async () => {
    const watches = incidents.watchesOf(9);
    await incidents.declare(watches);
    incidents.fail(watches.slice(0, 4));
    await incidents.pass(5);
    expect((await incidents.told()).events).toEqual(['watch.many_failing 4']);
    incidents.fail(watches.slice(4, 6));
    for (let index = 0; index < 10; index += 1) {
      incidents.world.clock.advance(4 * minute);
      await incidents.pass(1);
    }
    expect(await incidents.told()).toEqual(nothing);
    incidents.world.clock.advance(hour / 4);
    incidents.fail(watches.slice(6, 8));
    await incidents.pass(5);
    expect((await incidents.told()).events).toEqual(['watch.many_failing 2']);
    incidents.world.clock.advance(2 * hour);
    incidents.fail(watches.slice(8));
    await incidents.pass(5);
    expect((await incidents.told()).events).toEqual(['watch.failing']);
    incidents.mend(watches);
    await incidents.pass(10);
    expect((await incidents.told()).events.toSorted()).toEqual(['watch.many_recovered 8', 'watch.recovered']);
  });

  it('that comes and goes is told once', async () => {
    const watches = incidents.watchesOf(6);
    await incidents.declare(watches);
    for (let turn = 0; turn < 4; turn += 1) {
      incidents.fail(watches);
      await incidents.pass(6);
      incidents.mend(watches);
      await incidents.pass(2);
    }
    await incidents.pass(8);
    expect((await incidents.told()).events).toEqual(['watch.many_failing 6', 'watch.many_recovered 6']);
  });

  it('is over when its last failing watch is paused or removed', async () => {
    const watches = incidents.watchesOf(3);
    await incidents.declare(watches);
    incidents.fail(watches);
    await incidents.pass(5);
    await incidents.registry.pause(watches[0]!);
    await incidents.registry.remove(watches[1]!, incidents.world.clock.now().toISOString());
    incidents.mend(watches.slice(2));
    await incidents.pass(10);
    expect((await incidents.told()).events).toEqual(['watch.many_failing 3', 'watch.many_recovered 3']);
  });

  it('costs nothing but reading the registry at a tick at which there is nothing to tell', async () => {
    const watches = incidents.watchesOf(6);
    await incidents.declare(watches);
    incidents.fail(watches);
    await incidents.pass(5);
    await incidents.tick(0);
    const plan = new FaultPlan();
    await incidents.tick(0, plan);
    expect(plan.calls).toEqual(['QueryCommand', 'QueryCommand']);
  });
});

describe('a watch that fails alone', () => {
  it('is told by itself at its third poll, and so is its recovery', async () => {
    const watches = incidents.watchesOf(5);
    await incidents.declare(watches);
    await incidents.pass(1);
    incidents.fail(watches.slice(3, 4));
    await incidents.pass(3);
    expect(await incidents.told()).toEqual({
      events: ['watch.failing'],
      notices: ['Cannot watch transfers sent by m003@example.com'],
    });
    incidents.mend(watches);
    await incidents.pass(1);
    expect((await incidents.told()).events).toEqual(['watch.recovered']);
  });

  it('is told by itself when the other one with that cause was well before it was told', async () => {
    const watches = incidents.watchesOf(2);
    await incidents.declare(watches);
    incidents.deps = { ...incidents.deps, schedule: { ...incidents.deps.schedule, shards: 1 } };
    incidents.fail(watches);
    for (let index = 0; index < 5; index += 1) {
      if (index === 2) incidents.mend(watches.slice(1));
      incidents.world.clock.advance(minute);
      await incidents.tick(0);
    }
    expect((await incidents.told()).events).toEqual(['watch.failing']);
  });
});

describe.each<FaultKind>(['refused', 'lost', 'crash before', 'crash after'])('a call that is hit by: %s', (kind) => {
  // The call with number 14 takes what was published off the incident.
  test.each<number | string>(['PutItemCommand', 'PublishBatchCommand', 'PublishCommand', 'UpdateItemCommand', 14])(
    'loses no beginning and no end of an incident and repeats them under the same id only: call %s',
    async (command) => {
      const watches = incidents.watchesOf(4);
      await incidents.declare(watches);
      incidents.deps = { ...incidents.deps, schedule: { shards: 1, pollIntervalMs: minute, fullListingEvery: 1 } };
      const one = async (plan?: FaultPlan) => {
        incidents.world.clock.advance(minute);
        await incidents.tick(0, plan).catch(() => undefined);
      };
      incidents.fail(watches);
      await one();
      await one();
      // The incident is told in this one, after the third poll of each.
      await one(new FaultPlan([[command, kind]]));
      for (let index = 0; index < 3; index += 1) await one();
      incidents.mend(watches);
      for (let index = 0; index < 6; index += 1) await one();
      await one(new FaultPlan([[command, kind]]));
      for (let index = 0; index < 4; index += 1) await one();

      const events = await incidents.world.takeEvents();
      expect(new Set(events.map(({ event }) => event.type))).toEqual(
        new Set(['watch.many_failing', 'watch.many_recovered']),
      );
      expect(new Set(events.map(({ body }) => body)).size).toBe(2);
      expect(new Set((await incidents.world.takeNotices()).map(({ subject }) => subject)).size).toBe(2);
    },
  );
});

test('two shards that find an incident at the same time tell it once', async () => {
  const watches = incidents.watchesOf(12);
  await incidents.declare(watches);
  incidents.fail(watches);
  for (let index = 0; index < 4; index += 1) {
    incidents.world.clock.advance(minute);
    await Promise.all([0, 1, 2].map((shard) => incidents.tick(shard)));
  }
  expect((await incidents.told()).events).toEqual(['watch.many_failing 12']);
});

test('once a poll finds a cause mended, all watches that fail for it are polled at the next tick', async () => {
  const watches = incidents.watchesOf(12);
  await incidents.declare(watches);
  incidents.deps = { ...incidents.deps, schedule: { shards: 1, pollIntervalMs: 24 * hour, fullListingEvery: 1 } };
  incidents.fail(watches);
  for (let index = 0; index < 60; index += 1) {
    incidents.world.clock.advance(minute);
    await incidents.tick(0);
  }
  expect((await incidents.told()).events).toEqual(['watch.many_failing 12']);
  incidents.mend(watches);
  const [asked] = await pollOnDemand(incidents.deps, watches[0]!, incidents.world.clock.now().getTime() + pollBudget);
  expect(asked?.problem).toBeUndefined();
  incidents.world.clock.advance(1000);
  expect((await incidents.tick(0)).polls.map(({ problem }) => problem)).toEqual(Array(11).fill(undefined));
  incidents.world.clock.advance(minute);
  expect((await incidents.tick(0)).polls).toEqual([]);
});

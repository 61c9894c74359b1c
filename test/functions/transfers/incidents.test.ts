import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { pollAsked } from '../../../functions/transfers/asked-poll.ts';
import type { TokenSource } from '../../../functions/transfers/carried-tokens.ts';
import { CryptshareClient } from '../../../functions/transfers/cryptshare.ts';
import type { IncidentEvent } from '../../../functions/transfers/event.ts';
import { CryptshareFailure, type FailureCause } from '../../../functions/transfers/failure.ts';
import type { PollDependencies } from '../../../functions/transfers/poll.ts';
import { ServerCalls } from '../../../functions/transfers/server-calls.ts';
import { pollShard } from '../../../functions/transfers/shard.ts';
import type { Watch } from '../../../functions/transfers/transfer.ts';
import { Watches } from '../../../functions/transfers/watches.ts';
import { createTransfersTable } from '../../../infra/local/embedded-services.ts';
import { type FaultKind, FaultPlan } from './aws-faults.ts';
import { clientId, given, pollBudget, startWorld, token, type World } from './world.ts';

const minute = 60_000;
const hour = 60 * minute;
const shards = 3;

let world: World;
let deps: PollDependencies;
let tables = 0;
/** Why mailboxes cannot be listed; the others can. */
const troubles = new Map<string, FailureCause>();

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  tables += 1;
  troubles.clear();
  const calls = new ServerCalls({
    ...{ origin: world.cryptshare.url, clientId, maxConcurrentPages: 4, now: world.clock.now, random: () => 0.5 },
    sleep: async (milliseconds) => world.clock.advance(milliseconds),
  });
  const tokens: TokenSource = {
    ...given(token),
    async tokenFor(mailbox) {
      const cause = troubles.get(mailbox);
      if (cause) throw new CryptshareFailure(cause);
      return token;
    },
  };
  deps = {
    ...world.deps,
    server: new CryptshareClient(calls, tokens),
    table: `incidents-${tables}`,
    timetable: { shards, every: minute, fullListingEvery: 1 },
  };
  await createTransfersTable(deps.dynamo, deps.table);
  await world.takeEvents();
  await world.takeNotices();
});

const watchesOf = (count: number, prefix = 'm'): Watch[] =>
  Array.from({ length: count }, (_, at) => world.watch(`${prefix}${String(at).padStart(3, '0')}@example.com`));
const registry = () => new Watches(deps.dynamo, deps.table);
const declare = (watches: readonly Watch[]) => registry().declare(watches, false, world.clock.now().toISOString());
const fail = (watches: readonly Watch[], cause: FailureCause = 'not_verified') => {
  for (const { mailbox } of watches) troubles.set(mailbox, cause);
};
const mend = (watches: readonly Watch[]) => {
  for (const { mailbox } of watches) troubles.delete(mailbox);
};
const tick = (shard: number) => {
  const now = world.clock.now().getTime();
  return pollShard(deps, { shard, at: new Date(now).toISOString() }, now + pollBudget, () => {});
};

/** Has the shards tick in turns, each once a minute. */
async function pass(minutes: number): Promise<void> {
  for (let at = 0; at < minutes * shards; at += 1) {
    world.clock.advance(minute / shards);
    await tick(at % shards);
  }
}

/** What was told since the last call: events and notices in short. */
async function told() {
  const events = (await world.takeEvents()).map(({ event }) => {
    const { watches } = event.data as IncidentEvent['data'];
    return watches === undefined ? event.type : `${event.type} ${watches}`;
  });
  return { events, notices: (await world.takeNotices()).map(({ subject }) => subject) };
}
const nothing = { events: [], notices: [] };

describe('a cause that many watches share', () => {
  it('is told once with the number, three examples and the remedy, over shards and ticks', async () => {
    const watches = watchesOf(500);
    await declare(watches);
    fail(watches);
    await pass(4);
    const [failing, ...others] = await world.takeEvents();
    expect(others).toEqual([]);
    expect(failing?.attributes).toEqual({ type: 'watch.many_failing' });
    expect(failing?.event.data).toMatchObject({
      cause: 'not_verified',
      message: expect.stringContaining('have an administrator register the client id'),
      watches: 500,
      mailboxes: 500,
      examples: ['m000@example.com', 'm001@example.com', 'm002@example.com'],
    });
    const notices = await world.takeNotices();
    expect(notices.map(({ subject }) => subject)).toEqual(['Cannot watch 500 mailboxes']);
    expect(notices[0]?.text).toContain('m000@example.com, m001@example.com, m002@example.com and 497 more');
    expect(notices[0]?.text).toContain('watch verify MAILBOX');
  });

  it('has its end told once', async () => {
    const watches = watchesOf(20);
    await declare(watches);
    fail(watches);
    await pass(10);
    expect((await told()).events).toEqual(['watch.many_failing 20']);
    mend(watches);
    await pass(10);
    expect(await told()).toEqual({ events: ['watch.many_recovered 20'], notices: ['Watching 20 mailboxes again'] });
  });

  it('is told with the right number while mailboxes are still being added', async () => {
    const watches = watchesOf(40);
    fail(watches);
    for (let at = 0; at < 40; at += 10) {
      await declare(watches.slice(0, at + 10));
      await pass(1);
    }
    await pass(5);
    expect((await told()).events).toEqual(['watch.many_failing 40']);
  });

  it('is told five minutes after a watch has failed three times even if ever more begin to fail', async () => {
    const watches = watchesOf(24);
    await declare(watches);
    await pass(1);
    for (let at = 0; at < 12; at += 1) {
      fail(watches.slice(0, 2 * at + 2));
      await pass(1);
    }
    const { events } = await told();
    expect(events).toEqual([expect.stringMatching(/^watch\.many_failing 1[4-8]$/)]);
    await pass(10);
    expect(await told()).toEqual(nothing);
  });

  it('is one outage, whether the server is unreachable, silent or at fault', async () => {
    const watches = watchesOf(9);
    await declare(watches);
    fail(watches.slice(0, 3), 'unreachable');
    fail(watches.slice(3, 5), 'timeout');
    fail(watches.slice(5), 'server_fault');
    await pass(6);
    expect((await told()).events).toEqual(['watch.many_failing 9']);
  });

  it('is told beside another one that others have', async () => {
    const watches = watchesOf(8);
    await declare(watches);
    fail(watches.slice(0, 5));
    fail(watches.slice(5), 'forbidden');
    await pass(5);
    expect((await told()).events.toSorted()).toEqual(['watch.many_failing 3', 'watch.many_failing 5']);
  });

  it('is told anew for what begins to fail more than an hour later, and not before', async () => {
    const watches = watchesOf(9);
    await declare(watches);
    fail(watches.slice(0, 4));
    await pass(5);
    expect((await told()).events).toEqual(['watch.many_failing 4']);
    fail(watches.slice(4, 6));
    await pass(50);
    expect(await told()).toEqual(nothing);
    world.clock.advance(hour / 4);
    fail(watches.slice(6, 8));
    await pass(5);
    expect((await told()).events).toEqual(['watch.many_failing 2']);
    world.clock.advance(2 * hour);
    fail(watches.slice(8));
    await pass(5);
    expect((await told()).events).toEqual(['watch.failing']);
    mend(watches);
    await pass(10);
    expect((await told()).events.toSorted()).toEqual(['watch.many_recovered 8', 'watch.recovered']);
  });

  it('that comes and goes is told once', async () => {
    const watches = watchesOf(6);
    await declare(watches);
    for (let turn = 0; turn < 4; turn += 1) {
      fail(watches);
      await pass(6);
      mend(watches);
      await pass(2);
    }
    await pass(8);
    expect((await told()).events).toEqual(['watch.many_failing 6', 'watch.many_recovered 6']);
  });

  it('is over when its last failing watch is paused or removed', async () => {
    const watches = watchesOf(3);
    await declare(watches);
    fail(watches);
    await pass(5);
    await registry().pause(watches[0]!);
    await registry().remove(watches[1]!);
    mend(watches.slice(2));
    await pass(10);
    expect((await told()).events).toEqual(['watch.many_failing 3', 'watch.many_recovered 3']);
  });

  it('costs nothing but reading the registry at a tick at which there is nothing to tell', async () => {
    const watches = watchesOf(6);
    await declare(watches);
    fail(watches);
    await pass(5);
    await tick(0);
    const plan = new FaultPlan();
    await world.faults.run(plan, () => tick(0));
    expect(plan.calls).toEqual(['QueryCommand']);
  });
});

describe('a watch that fails alone', () => {
  it('is told by itself at its third poll, and so is its recovery', async () => {
    const watches = watchesOf(5);
    await declare(watches);
    await pass(1);
    fail(watches.slice(3, 4));
    await pass(3);
    expect(await told()).toEqual({
      events: ['watch.failing'],
      notices: ['Cannot watch transfers sent by m003@example.com'],
    });
    mend(watches);
    await pass(1);
    expect((await told()).events).toEqual(['watch.recovered']);
  });

  it('is told by itself when the other one with that cause was well before it was told', async () => {
    const watches = watchesOf(2);
    await declare(watches);
    deps = { ...deps, timetable: { ...deps.timetable, shards: 1 } };
    fail(watches);
    for (let at = 0; at < 5; at += 1) {
      if (at === 2) mend(watches.slice(1));
      world.clock.advance(minute);
      await tick(0);
    }
    expect((await told()).events).toEqual(['watch.failing']);
  });
});

describe.each<FaultKind>(['refused', 'lost', 'crash before', 'crash after'])('a call that is hit by: %s', (kind) => {
  test.each(['PutItemCommand', 'PublishBatchCommand', 'PublishCommand', 'UpdateItemCommand'])(
    'loses no beginning and no end of an incident and repeats them under the same id only: %s',
    async (command) => {
      const watches = watchesOf(4);
      await declare(watches);
      deps = { ...deps, timetable: { shards: 1, every: minute, fullListingEvery: 1 } };
      const one = async (plan?: FaultPlan) => {
        world.clock.advance(minute);
        await (plan ? world.faults.run(plan, () => tick(0)) : tick(0)).catch(() => undefined);
      };
      fail(watches);
      await one();
      await one();
      // The incident is told in this one, after the third poll of each.
      await one(new FaultPlan([[command, kind]]));
      for (let at = 0; at < 5; at += 1) await one();
      mend(watches);
      for (let at = 0; at < 6; at += 1) await one();
      await one(new FaultPlan([[command, kind]]));
      for (let at = 0; at < 8; at += 1) await one();

      const events = await world.takeEvents();
      expect(new Set(events.map(({ event }) => event.type))).toEqual(
        new Set(['watch.many_failing', 'watch.many_recovered']),
      );
      expect(new Set(events.map(({ body }) => body)).size).toBe(2);
      expect(new Set((await world.takeNotices()).map(({ subject }) => subject)).size).toBe(2);
    },
  );
});

test('two shards that find an incident at the same time tell it once', async () => {
  const watches = watchesOf(12);
  await declare(watches);
  fail(watches);
  for (let at = 0; at < 4; at += 1) {
    world.clock.advance(minute);
    await Promise.all([0, 1, 2].map(tick));
  }
  expect((await told()).events).toEqual(['watch.many_failing 12']);
});

test('once a poll finds a cause mended, all watches that fail for it are polled at the next tick', async () => {
  const watches = watchesOf(12);
  await declare(watches);
  deps = { ...deps, timetable: { shards: 1, every: 24 * hour, fullListingEvery: 1 } };
  fail(watches);
  for (let at = 0; at < 60; at += 1) {
    world.clock.advance(minute);
    await tick(0);
  }
  expect((await told()).events).toEqual(['watch.many_failing 12']);
  mend(watches);
  const [asked] = await pollAsked(deps, watches[0]!, world.clock.now().getTime() + pollBudget);
  expect(asked?.trouble).toBeUndefined();
  world.clock.advance(1000);
  expect((await tick(0)).polls.map(({ trouble }) => trouble)).toEqual(Array(11).fill(undefined));
  world.clock.advance(minute);
  expect((await tick(0)).polls).toEqual([]);
});

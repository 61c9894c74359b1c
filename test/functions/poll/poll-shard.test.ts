import { beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import type { Verification } from '#functions/cryptshare/verification.ts';
import { parseTick, type WatchPoll } from '#functions/poll/poll-shard.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { watchKey } from '#functions/transfers/transfer.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { pollBudget } from '#test/support/poll-world.ts';
import {
  alwaysDue,
  breakDown,
  declare,
  deps,
  mailboxes,
  minute,
  now,
  poll,
  pollWith,
  registry,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

const noon = '2026-11-24T12:00:00Z';

beforeAll(startShardWorld);
beforeEach(startShards);

describe('the shards', () => {
  it('divide the watches: each is polled by exactly one of them', async () => {
    const watches = await declare(12);
    for (const shards of [1, 2, 3, 5]) {
      const polled: string[] = [];
      pollWith({ schedule: alwaysDue(shards) });
      for (let shard = 0; shard < shards; shard += 1) polled.push(...mailboxes(await poll(shard)));
      expect(polled.sort()).toEqual(watches.map(({ mailbox }) => mailbox).sort());
    }
  });

  it('read their own watches and no others, which all together are all of them', async () => {
    const watches = await declare(200);
    const rows = new ShardRows(deps.dynamo, deps.table, 4);
    for (const shards of [1, 3, 60]) {
      const views = [];
      for (let shard = 0; shard < shards; shard += 1) views.push((await rows.read(shard, shards, deps.origin)).watches);
      expect(views.flat().map(watchKey).toSorted()).toEqual(watches.map(watchKey).toSorted());
      expect(Math.max(...views.map((view) => view.length))).toBeLessThan((200 / shards) * 1.3 + 8);
    }
  });

  it('may become more or fewer at any time: no poll is left out, and each change has each watch polled once more at most', async () => {
    const watches = await declare(12);
    const polled: string[] = [];
    pollWith({ schedule: { ...alwaysDue(1), pollIntervalMs: 20 * minute } });
    await poll();
    for (let index = 0; index < 60; index += 1) {
      world.clock.advance(minute);
      const shards = [1, 3, 2, 5][Math.floor(index / 7) % 4]!;
      pollWith({ schedule: { ...deps.schedule, shards } });
      // Of one shard in five, ticks are lost now and then.
      for (let shard = 0; shard < shards; shard += 1) {
        if ((index + shard) % 5 === 0 && index < 59) continue;
        polled.push(...mailboxes(await poll(shard)));
      }
    }
    const times = Map.groupBy(polled, (mailbox) => mailbox);
    for (const { mailbox } of watches) expect(times.get(mailbox)?.length).toBeGreaterThanOrEqual(3);
    expect(polled.length).toBeLessThanOrEqual(watches.length * (4 + 8));
  });

  it('keep their watches from poll to poll', async () => {
    await declare(6);
    pollWith({ schedule: alwaysDue(2) });
    const before = mailboxes(await poll(1));
    world.clock.advance(minute);
    expect(before.length).toBeGreaterThan(0);
    expect(mailboxes(await poll(1))).toEqual(before);
  });

  it('poll no disabled watch', async () => {
    const [first, second] = await declare(2);
    await registry().declare([second!], false, now());
    const shardPoll = await poll();
    expect(mailboxes(shardPoll)).toEqual([second!.mailbox]);
    expect(mailboxes(shardPoll)).not.toContain(first!.mailbox);
    expect(shardPoll.skipped).toBe(0);
  });

  it('tell of each poll as it ends', async () => {
    await declare(3);
    const told: WatchPoll[] = [];
    const { polls } = await poll(0, pollBudget, (each) => told.push(each));
    expect(told).toEqual(polls);
    expect(told.map(({ outcome }) => outcome)).toEqual(['baseline', 'baseline', 'baseline']);
  });
});

test.each([
  { what: 'nothing', event: undefined },
  { what: 'null', event: null },
  { what: 'a text', event: '{"shard":0,"at":"2026-11-24T00:00:00Z"}' },
  { what: 'an empty object', event: {} },
  { what: 'a missing time', event: { shard: 0 } },
  { what: 'a negative shard', event: { shard: -1, at: noon } },
  { what: 'a time that is none', event: { shard: 0, at: '<aws.scheduler.scheduled-time>' } },
  { what: 'half a shard', event: { shard: 0.5, at: noon } },
  { what: 'a shard as text', event: { shard: '0', at: noon } },
  { what: 'something besides', event: { shard: 0, at: noon, id: 'x' } },
])('$what is no tick', ({ event }) => {
  expect(() => parseTick(event)).toThrow();
});

test('a tick is what the scheduler sends', () => {
  expect(parseTick({ shard: 1, at: noon })).toEqual({ shard: 1, at: noon });
});

describe('a watch that fails', () => {
  it('harms no other', async () => {
    const [broken, ...others] = await declare(4);
    breakDown(broken!);
    const { polls } = await poll();
    const outcomes = new Map(polls.map(({ watch, outcome, problem }) => [watch.mailbox, [outcome, problem?.cause]]));
    expect(outcomes.get(broken!.mailbox)).toEqual(['failed', 'token_invalid']);
    for (const { mailbox } of others) expect(outcomes.get(mailbox)).toEqual(['baseline', undefined]);
  });

  it('because of DynamoDB harms no other', async () => {
    await declare(3);
    // The first two read watches and shards, the third takes the shard, the fourth reads the snapshot of some watch.
    const { polls, skipped } = await world.faults.run(new FaultPlan([[3, 'refused']]), () => poll());
    expect(skipped).toBe(0);
    expect(polls.map(({ outcome, problem }) => [outcome, problem?.cause]).sort()).toEqual([
      ['baseline', undefined],
      ['baseline', undefined],
      ['failed', 'aws_error'],
    ]);
  });

  it('is told after three polls, and told again when it is well, each once', async () => {
    const [broken] = await declare(2);
    const told: string[][] = [];
    const notices: string[] = [];
    const polls = async (count: number) => {
      for (let index = 0; index < count; index += 1) {
        await poll();
        world.clock.advance(minute);
        told.push((await world.takeEvents()).map(({ event }) => event.type));
        notices.push(...(await world.takeNotices()).map(({ subject }) => subject));
      }
    };
    breakDown(broken!);
    await polls(5);
    world.cryptshare.faults.clear();
    await polls(3);
    expect(told).toEqual([[], [], ['watch.failing'], [], [], ['watch.recovered'], [], []]);
    expect(notices).toEqual([
      expect.stringMatching(/^Cannot watch transfers sent by shard-\d+-0@example\.com$/),
      expect.stringMatching(/^Watching transfers sent by shard-\d+-0@example\.com again$/),
    ]);
  });

  it('is told with its cause, a remedy and since when', async () => {
    const [broken] = await declare(1);
    breakDown(broken!);
    const since = world.clock.now().toISOString();
    for (let index = 0; index < 3; index += 1) {
      await poll();
      world.clock.advance(minute);
    }
    const [told] = await world.takeEvents();
    expect(told?.attributes).toEqual({ type: 'watch.failing', mailbox: broken!.mailbox, direction: 'sent' });
    expect(told?.event.data).toMatchObject({
      cause: 'token_invalid',
      message: expect.stringContaining('verify it by e-mail'),
      failingSince: since,
    });
    expect((await world.takeNotices())[0]?.text).toContain('verify it by e-mail');
  });

  it('loses no change: it is told once the watch is well', async () => {
    const [broken] = await declare(1);
    await poll();
    breakDown(broken!, 1);
    const { trackingId } = world.cryptshare.transfers.create({ sender: broken!.mailbox, to: ['bob@example.com'] });
    await poll();
    expect(await world.takeEvents()).toEqual([]);
    await poll();
    expect((await world.takeEvents()).map(({ event }) => event.data)).toEqual([
      expect.objectContaining({ trackingId }),
    ]);
  });

  it('counts the time since its listing was complete', async () => {
    const [broken] = await declare(1);
    breakDown(broken!, 3);
    const gaps: number[] = [];
    for (let index = 0; index < 4; index += 1) {
      gaps.push((await poll()).polls[0]!.sinceCompleteMs);
      world.clock.advance(minute);
    }
    expect(gaps).toEqual([0, minute, 2 * minute, 0]);
  });
});

describe('a verification by e-mail', () => {
  const day = 24 * 60 * minute;

  /** Polls daily, and counts what is told of the end that the verification has then. */
  async function toldDaily(days: number, validUntil: string, method: Verification['method'] = 'email') {
    const told: number[] = [];
    for (let passed = 0; passed < days; passed += 1) {
      const cachedVerification = (mailbox: string): Verification => ({ mailbox, rev: 1, method, validUntil });
      pollWith({ tokens: { cachedVerification, forgive: () => {} } });
      await poll();
      const events = await world.takeEvents();
      told.push(events.filter(({ event }) => event.type === 'watch.verification_expiring').length);
      world.clock.advance(day);
    }
    return told;
  }
  const inDays = (days: number) => new Date(world.clock.now().getTime() + days * day).toISOString();

  it('has its end told once, a week ahead, and the end of the next one again', async () => {
    await declare(1);
    await world.takeNotices();
    expect(await toldDaily(5, inDays(9))).toEqual([0, 0, 1, 0, 0]);
    expect((await world.takeNotices()).map(({ text }) => text).join()).toContain('watch verify');
    expect(await toldDaily(2, inDays(3))).toEqual([1, 0]);
  });

  it('is told later when SNS failed, and not at all when the client id renews it', async () => {
    await declare(1);
    await poll();
    await world.faults.run(new FaultPlan([['PublishBatchCommand', 'refused']]), () => toldDaily(1, inDays(3)));
    expect(await toldDaily(2, inDays(2))).toEqual([1, 0]);
    expect(await toldDaily(2, inDays(1), 'client_id')).toEqual([0, 0]);
  });
});

describe('a process that is told to stop', () => {
  it('ends the polls under way, begins no further one, and the next tick makes up for those', async () => {
    const watches = await declare(20);
    const stopping = new AbortController();
    const underWay = new Set<Watch>();
    let atStop = 0;
    pollWith({ supervision: { stopping: stopping.signal, polls: underWay } });
    world.setDrift(() => {
      if (!stopping.signal.aborted) atStop = underWay.size;
      stopping.abort();
    });
    const stopped = await poll();
    expect(stopped.polls.every(({ isComplete, problem }) => isComplete && !problem)).toBe(true);
    expect(stopped.polls).toHaveLength(atStop);
    expect(underWay.size).toBe(0);
    expect(atStop).toBeLessThan(watches.length);

    pollWith({ supervision: undefined });
    const polled = new Set([...mailboxes(stopped), ...mailboxes(await poll())]);
    expect(polled.size).toBe(watches.length);
  });
});

import { beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import type { Verification } from '#functions/cryptshare/verification.ts';
import { putRows } from '#functions/dynamodb/batch.ts';
import { parseTick, type WatchPoll } from '#functions/poll/poll-shard.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { registryKey, shardOf } from '#functions/watches/places.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  alwaysDue,
  breakDown,
  day,
  declare,
  deps,
  mailboxes,
  minute,
  now,
  poll,
  pollAfter,
  pollWith,
  registry,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(startShards);

describe('pollShard', () => {
  it('polls each watch in exactly one shard, however many there are', async () => {
    const watches = await declare(12);
    for (const shards of [1, 2, 3, 5]) {
      const polled: string[] = [];
      pollWith({ schedule: alwaysDue(shards) });
      for (let shard = 0; shard < shards; shard += 1) polled.push(...mailboxes(await poll({ shard })));
      expect(polled.sort()).toEqual(watches.map(({ mailbox }) => mailbox).sort());
    }
  });

  it('leaves no poll out while the number of shards changes, and adds one for each watch and change at most', async () => {
    const watches = await declare(6);
    const polled: string[] = [];
    pollWith({ schedule: { ...alwaysDue(1), pollIntervalMs: 20 * minute } });
    await poll();
    for (let step = 0; step < 60; step += 1) {
      world.clock.advance(minute);
      const shards = [1, 3, 2, 5][Math.floor(step / 7) % 4]!;
      pollWith({ schedule: { ...deps.schedule, shards } });
      for (let shard = 0; shard < shards; shard += 1) {
        const isLost = (step + shard) % 5 === 0 && step < 59;
        if (!isLost) polled.push(...mailboxes(await poll({ shard })));
      }
    }
    const times = Map.groupBy(polled, (mailbox) => mailbox);
    for (const { mailbox } of watches) expect(times.get(mailbox)?.length).toBeGreaterThanOrEqual(3);
    expect(polled.length).toBeLessThanOrEqual(watches.length * (4 + 8));
  });

  it('polls each watch at a moment of its own in its interval', async () => {
    await declare(24, { pollIntervalMs: 10 * minute });
    expect((await pollAfter(15_000)).polls).toHaveLength(24);
    const polls: number[] = [];
    for (let step = 0; step < 20; step += 1) polls.push((await pollAfter(minute)).polls.length);
    expect(polls.reduce((sum, count) => sum + count, 0)).toBe(48);
    expect(Math.max(...polls)).toBeLessThan(10);
    expect(polls.slice(0, 10)).toEqual(polls.slice(10));
  });

  it('polls a watch whose interval was changed at the next tick, and in that interval from then on', async () => {
    const [watch] = await declare(1, { pollIntervalMs: day });
    await pollAfter(15_000);
    expect((await pollAfter(minute)).polls).toHaveLength(0);
    await registry().configure(watch!, { pollIntervalMs: minute }, now());
    for (let step = 0; step < 3; step += 1) expect((await pollAfter(minute)).polls).toHaveLength(1);
  });

  it('polls a quiet watch in the interval of quiet ones until it changes or was resumed', async () => {
    pollWith({ schedule: { ...alwaysDue(1), pollIntervalMs: 5 * minute, quietIntervalMs: 30 * minute } });
    const [watch] = await declare(1);
    await pollAfter(15_000);
    const pollsIn = async (hours: number) => {
      let polls = 0;
      for (let step = 0; step < 12 * hours; step += 1) polls += (await pollAfter(5 * minute)).polls.length;
      return polls;
    };
    expect(await pollsIn(1)).toBeGreaterThanOrEqual(11);
    expect(await pollsIn(1)).toBe(2);
    world.cryptshare.transfers.create({ sender: watch!.mailbox, to: ['bob@example.com'] });
    expect(await pollsIn(0.5)).toBeGreaterThan(0);
    expect(await pollsIn(0.5)).toBe(6);
    await pollsIn(1);
    await registry().pause(watch!);
    await registry().resume((await registry().find(watch!))!, now());
    expect(await pollsIn(0.5)).toBe(6);
  });

  it('stores no time of a change where no interval depends on it', async () => {
    const [watch] = await declare(1);
    await poll();
    expect(await registry().find(watch!)).not.toHaveProperty('changedAt');
  });

  it.each([1, 2])('polls nothing for a shard that no longer exists, of %i', async (shards) => {
    await declare(6);
    pollWith({ schedule: alwaysDue(shards) });
    expect(await poll({ shard: shards })).toEqual({ polls: [], skipped: 0 });
  });

  it('polls no disabled watch, and does not count it as skipped', async () => {
    const [, second] = await declare(2);
    await registry().declare([second!], false, now());
    const shardPoll = await poll();
    expect(mailboxes(shardPoll)).toEqual([second!.mailbox]);
    expect(shardPoll.skipped).toBe(0);
  });

  it('reports each poll as it ends', async () => {
    await declare(3);
    const told: WatchPoll[] = [];
    const { polls } = await poll({ onPoll: (each) => told.push(each) });
    expect(told).toEqual(polls);
    expect(told.map(({ outcome }) => outcome)).toEqual(['baseline', 'baseline', 'baseline']);
  });

  it('polls the other watches when the server refuses one', async () => {
    const [broken, ...others] = await declare(4);
    breakDown(broken!);
    const { polls } = await poll();
    const outcomes = new Map(polls.map(({ watch, outcome, problem }) => [watch.mailbox, [outcome, problem?.cause]]));
    expect(outcomes.get(broken!.mailbox)).toEqual(['failed', 'token_invalid']);
    for (const { mailbox } of others) expect(outcomes.get(mailbox)).toEqual(['baseline', undefined]);
  });

  it('polls the other watches when the row of one is damaged, and warns of it without its mailbox', async () => {
    const [bad, good] = await declare(2);
    const damaged = { pk: 'WATCHES', sk: registryKey(bad!), ...bad!, isDisabled: 'no' };
    await putRows(deps.dynamo, deps.table, [damaged]);
    const polled = await pollAfter(minute);
    expect(mailboxes(polled)).toEqual([good!.mailbox]);
    expect(polled.warning).toMatch(/^the row WATCHES .* is not as expected: isDisabled must be true or false$/);
    expect(polled.warning).not.toContain(bad!.mailbox);
  });

  it.each([
    { sk: 'server', origin: () => deps.origin, circuit: 'open' },
    { sk: 'server#mended', outage: 'today' },
    { sk: 'server#incident#outage', rev: 1, from: 0 },
    { sk: 'shard#1', rev: 1, shards: 2, failing: 'none' },
  ])('polls its watches and warns when the row $sk, which shards share, is damaged', async ({ origin, ...row }) => {
    pollWith({ schedule: alwaysDue(2) });
    const ofShard = (await declare(6)).filter((watch) => shardOf(watch, deps.schedule) === 0);
    await putRows(deps.dynamo, deps.table, [{ pk: 'SHARDS', ...row, origin: origin?.() }]);
    const polled = await poll({ shard: 0 });
    expect(mailboxes(polled).sort()).toEqual(ofShard.map(({ mailbox }) => mailbox).sort());
    expect(polled.warning).toMatch(new RegExp(`^the row SHARDS ${row.sk} is not as expected: `));
  });

  it('polls the other watches when DynamoDB refuses to read the snapshot of one', async () => {
    await declare(3);
    // Two calls read watches and shards, one takes the lease, and the next one reads a snapshot.
    const { polls, skipped } = await world.faults.run(new FaultPlan([[3, 'refused']]), () => poll());
    expect(skipped).toBe(0);
    expect(polls.map(({ outcome, problem }) => [outcome, problem?.cause]).sort()).toEqual([
      ['baseline', undefined],
      ['baseline', undefined],
      ['failed', 'aws_error'],
    ]);
  });

  it('announces that a watch fails after three polls, with a remedy, and its recovery, each once', async () => {
    const [broken] = await declare(2);
    const told: string[][] = [];
    const since = now();
    const polls = async (count: number) => {
      for (let step = 0; step < count; step += 1) {
        await poll();
        world.clock.advance(minute);
        const events = await world.takeEvents();
        told.push(events.map(({ event }) => event.type));
        for (const { attributes, event } of events) {
          expect(attributes).toEqual({ type: event.type, mailbox: broken!.mailbox, direction: 'sent' });
          expect(event.data).toMatchObject({
            ...{ cause: 'token_invalid', failingSince: since },
            message: expect.stringContaining('verify it by e-mail'),
          });
        }
      }
    };
    breakDown(broken!);
    await polls(5);
    world.cryptshare.faults.clear();
    await polls(3);
    expect(told).toEqual([[], [], ['watch.failing'], [], [], ['watch.recovered'], [], []]);
  });

  it('counts the time since the last complete listing of a watch', async () => {
    const [broken] = await declare(1);
    breakDown(broken!, 3);
    const gaps: number[] = [];
    for (let step = 0; step < 4; step += 1) {
      gaps.push((await poll()).polls[0]!.sinceCompleteMs);
      world.clock.advance(minute);
    }
    expect(gaps).toEqual([0, minute, 2 * minute, 0]);
  });

  it('announces the end of a verification by e-mail once, a week ahead, again if SNS failed, and anew after a renewal', async () => {
    await declare(1);
    const toldDaily = async (days: number, validIn: number, method: Verification['method'] = 'email') => {
      const validUntil = new Date(world.clock.now().getTime() + validIn * day).toISOString();
      const cachedVerification = (mailbox: string): Verification => ({ mailbox, rev: 1, method, validUntil });
      pollWith({ tokens: { cachedVerification, forgive: () => {} } });
      const told: number[] = [];
      for (let passed = 0; passed < days; passed += 1) {
        await poll();
        const events = await world.takeEvents();
        told.push(events.filter(({ event }) => event.type === 'watch.verification_expiring').length);
        world.clock.advance(day);
      }
      return told;
    };
    expect(await toldDaily(5, 9)).toEqual([0, 0, 1, 0, 0]);
    await world.faults.run(new FaultPlan([['PublishBatchCommand', 'refused']]), () => toldDaily(1, 3));
    expect(await toldDaily(2, 2)).toEqual([1, 0]);
    expect(await toldDaily(2, 1, 'client_id')).toEqual([0, 0]);
  });

  it('completes the polls in flight of a process that is to stop, and leaves the others to the next tick', async () => {
    const watches = await declare(20);
    const stopping = new AbortController();
    const inFlight = new Set<Watch>();
    let atStop = 0;
    pollWith({ supervision: { stopping: stopping.signal, polls: inFlight } });
    world.setDrift(() => {
      if (!stopping.signal.aborted) atStop = inFlight.size;
      stopping.abort();
    });
    const stopped = await poll();
    expect(stopped.polls.every(({ isComplete, problem }) => isComplete && !problem)).toBe(true);
    expect(stopped.polls).toHaveLength(atStop);
    expect(inFlight.size).toBe(0);
    expect(atStop).toBeLessThan(watches.length);

    pollWith({ supervision: undefined });
    const polled = new Set([...mailboxes(stopped), ...mailboxes(await poll())]);
    expect(polled.size).toBe(watches.length);
  });
});

describe('parseTick', () => {
  const noon = '2026-11-24T12:00:00Z';

  it('returns the tick that the scheduler sends', () => {
    expect(parseTick({ shard: 1, at: noon })).toEqual({ shard: 1, at: noon });
  });

  test.each([
    { what: 'an undefined event', event: undefined },
    { what: 'a missing time', event: { shard: 0 } },
    { what: 'a time that is none', event: { shard: 0, at: '<aws.scheduler.scheduled-time>' } },
    { what: 'a negative shard', event: { shard: -1, at: noon } },
    { what: 'half a shard', event: { shard: 0.5, at: noon } },
    { what: 'another property', event: { shard: 0, at: noon, id: 'x' } },
  ])('refuses $what', ({ event }) => {
    expect(() => parseTick(event)).toThrow();
  });
});

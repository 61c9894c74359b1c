import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handleInvocation } from '#functions/poll/handle-invocation.ts';
import { writeGraceMs } from '#functions/poll/shard-lease.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { pollBudget } from '#test/support/poll-world.ts';
import {
  deps,
  mailboxOf,
  minute,
  now,
  readShard,
  registry,
  seed,
  shardRows,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

let metrics: Metrics;
let watch: Watch;

beforeAll(startShardWorld);
beforeEach(async () => {
  const end = await startShards();
  metrics = new Metrics({ namespace: 'TransferNotifier', serviceName: 'transfer-notifier' });
  watch = await register('alice');
  return end;
});

const invoke = (event: unknown, sleep = deps.topic.sleep) => {
  const logger = new Logger({ logLevel: 'SILENT' });
  const others = { ...deps, topic: { ...deps.topic, sleep }, logger, metrics };
  return handleInvocation(others, event, world.clock.now().getTime() + pollBudget);
};

/** Registers a watch of a mailbox with one transfer. */
async function register(name: string): Promise<Watch> {
  const added = world.watch(mailboxOf(name));
  seed(added, 1);
  await registry().addAll([added], true, now());
  return added;
}

/** Holds the lease of the shard for a time in milliseconds, and returns what releases it. */
async function holdShard(milliseconds: number) {
  const since = world.clock.now().getTime();
  const hold = await shardRows().acquire(0, (await readShard()).row, { since, until: since + milliseconds });
  return () => shardRows().release(hold!, undefined);
}

describe('handleInvocation', () => {
  it('polls the given watch alone, and announces its changes', async () => {
    await register('bob');
    const { polls, skipped } = await invoke(watch);
    expect(polls).toMatchObject([{ watch, outcome: 'baseline', published: 1 }]);
    expect(skipped).toBe(0);
    expect(await world.takeEvents()).toHaveLength(1);
  });

  it('polls a disabled watch', async () => {
    await registry().pause(watch);
    expect((await invoke(watch)).polls).toMatchObject([{ watch, outcome: 'baseline' }]);
  });

  it('polls nothing for an unknown watch', async () => {
    expect(await invoke({ mailbox: 'unknown@example.com', direction: 'sent' })).toEqual({ polls: [], skipped: 0 });
  });

  it('waits for the end of another poll of its shard', async () => {
    const release = await holdShard(minute);
    let pauses = 0;
    const sleep = async (milliseconds: number) => {
      world.clock.advance(milliseconds);
      pauses += 1;
      if (pauses === 3) await release();
    };
    expect((await invoke(watch, sleep)).polls).toMatchObject([{ watch, outcome: 'baseline' }]);
    expect(pauses).toBe(3);
  });

  it('reports a shard that stays busy, sends nothing, and counts no problem of the watch', async () => {
    await holdShard(10 * minute);
    const { polls } = await invoke(watch, async (milliseconds) => world.clock.advance(milliseconds));
    expect(polls).toMatchObject([{ outcome: 'failed', problem: { cause: 'busy' } }]);
    expect(world.cryptshare.requests.total).toBe(0);
    expect(await registry().find(watch)).not.toHaveProperty('health');
  });

  it('lists the watch in full, under a lease until its last possible write', async () => {
    const people = { sender: watch.mailbox, to: ['bob@example.com'] };
    world.cryptshare.transfers.seed({ ...people, count: 110, state: 'DELETED_BY_EXPIRATION' });
    await invoke(watch);
    const until = world.clock.now().getTime() + pollBudget + writeGraceMs;
    let leases: object | undefined;
    world.setDrift(async () => {
      ({ leases } = (await readShard()).row);
    });
    expect((await invoke(watch)).polls).toMatchObject([{ outcome: 'unchanged', scope: 'all', transfers: 111 }]);
    expect(Object.values(leases ?? {})).toMatchObject([{ until }]);
  });

  it('sends nothing while the stored circuit is open', async () => {
    const toldAt = world.clock.now().getTime();
    const open = { faults: 1, openUntil: toldAt + minute, toldAt, cause: 'throttled' } as const;
    await shardRows().keepCircuit(deps.origin, open, toldAt);
    expect((await invoke(watch)).polls).toMatchObject([{ outcome: 'failed', problem: { cause: 'throttled' } }]);
    expect(world.cryptshare.requests.total).toBe(0);
    world.clock.advance(minute);
    expect((await invoke(watch)).polls).toMatchObject([{ outcome: 'baseline' }]);
  });

  it('leaves the ticks of the shard as they are', async () => {
    await invoke({ shard: 0, at: now() });
    world.clock.advance(minute);
    await invoke(watch);
    const { polls } = await invoke({ shard: 0, at: now() });
    expect(polls).toMatchObject([{ watch }]);
  });

  it('counts published events, and no complete listing, which would show that ticks arrive', async () => {
    await invoke(watch);
    const [{ Metrics: measured } = { Metrics: [] }] = metrics.serializeMetrics()._aws.CloudWatchMetrics;
    expect(measured.map(({ Name }) => Name)).toEqual(['EventsPublished']);
    expect(metrics.serializeMetrics()).toMatchObject({ EventsPublished: 1 });
  });

  it.each([[{}], [null], ['sent'], [{ mailbox: 'alice@example.com' }], [{ mailbox: 'a@b.c', direction: 'up' }]])(
    'refuses an unknown event: %j',
    async (event) => {
      await expect(invoke(event)).rejects.toMatchObject({ issues: expect.anything() });
    },
  );
});

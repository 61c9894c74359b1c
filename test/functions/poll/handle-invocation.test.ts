import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handleInvocation } from '#functions/poll/handle-invocation.ts';
import { writeGraceMs } from '#functions/poll/last-write.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';
import { Watches } from '#functions/watches/watches.ts';
import { pollBudget, startWorld, table, type World } from '#test/support/poll-world.ts';

let world: World;
let metrics: Metrics;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  metrics = new Metrics({ namespace: 'TransferNotifier', serviceName: 'transfer-notifier' });
});

const invoke = (event: unknown, sleep = world.deps.topics.sleep) => {
  const logger = new Logger({ logLevel: 'SILENT' });
  const deps = { ...world.deps, topics: { ...world.deps.topics, sleep }, logger, metrics };
  return handleInvocation(deps, event, world.clock.now().getTime() + pollBudget);
};

const termOf = (milliseconds: number) => {
  const since = world.clock.now().getTime();
  return { since, until: since + milliseconds };
};

/** Registers a watch of a mailbox with one transfer. */
async function register(mailbox: string): Promise<Watch> {
  const watch = world.watch(mailbox);
  world.cryptshare.transfers.seed({ sender: mailbox, to: ['bob@example.com'], count: 1, state: 'ACTIVE' });
  await new Watches(world.deps.dynamo, table).addAll([watch], true, world.clock.now().toISOString());
  return watch;
}

describe('an invocation for one watch', () => {
  it('polls that watch alone, and announces what it finds', async () => {
    const asked = await register('asked@example.com');
    await register('other@example.com');
    const { polls, skipped } = await invoke(asked);
    expect(polls).toMatchObject([{ watch: asked, outcome: 'baseline', published: 1 }]);
    expect(skipped).toBe(0);
    expect(await world.takeEvents()).toHaveLength(1);
  });

  it('polls a disabled watch, too', async () => {
    const disabled = await register('disabled@example.com');
    await new Watches(world.deps.dynamo, table).pause(disabled);
    expect((await invoke(disabled)).polls).toMatchObject([{ watch: disabled, outcome: 'baseline' }]);
  });

  it('polls nothing when there is no such watch', async () => {
    expect(await invoke({ mailbox: 'nobody@example.com', direction: 'sent' })).toEqual({ polls: [], skipped: 0 });
  });

  it('waits until nobody else polls its shard', async () => {
    const asked = await register('waits@example.com');
    const { deps, clock } = world;
    const rows = new ShardRows(deps.dynamo, table, 4);
    const { row } = await rows.read(0, 1, deps.origin);
    const hold = await rows.acquire(0, row, termOf(60_000));
    let pauses = 0;
    const sleep = async (milliseconds: number) => {
      clock.advance(milliseconds);
      pauses += 1;
      if (pauses === 3) await rows.release(hold!, undefined);
    };
    expect((await invoke(asked, sleep)).polls).toMatchObject([{ watch: asked, outcome: 'baseline' }]);
    expect(pauses).toBe(3);
  });

  it('says so when somebody else polls its shard all the time, and neither asks the server nor counts it as problem', async () => {
    const asked = await register('busy@example.com');
    const { deps, clock, cryptshare } = world;
    const rows = new ShardRows(deps.dynamo, table, 4);
    const { row } = await rows.read(0, 1, deps.origin);
    const hold = await rows.acquire(0, row, termOf(600_000));
    cryptshare.requests.reset();
    const { polls } = await invoke(asked, async (milliseconds) => clock.advance(milliseconds));
    await rows.release(hold!, undefined);
    expect(polls).toMatchObject([{ outcome: 'failed', problem: { cause: 'busy' } }]);
    expect(cryptshare.requests.total).toBe(0);
    expect(await new Watches(deps.dynamo, table).find(asked)).not.toHaveProperty('health');
  });

  it('lists in full, and keeps its watch for as long as something of it may be under way', async () => {
    const asked = await register('kept@example.com');
    const { deps, clock, cryptshare } = world;
    const people = { sender: asked.mailbox, to: ['bob@example.com'] };
    cryptshare.transfers.seed({ ...people, count: 110, state: 'DELETED_BY_EXPIRATION' });
    await invoke(asked);
    const until = clock.now().getTime() + pollBudget + writeGraceMs;
    let leases: object | undefined;
    world.setDrift(async () => {
      ({ leases } = (await new ShardRows(deps.dynamo, table, 4).read(0, 1, deps.origin)).row);
    });
    expect((await invoke(asked)).polls).toMatchObject([{ outcome: 'unchanged', scope: 'all', transfers: 111 }]);
    world.setDrift(() => {});
    expect(Object.values(leases ?? {})).toMatchObject([{ until }]);
  });

  it('leaves a server alone that has told another process so', async () => {
    const asked = await register('resting@example.com');
    const { deps, clock, cryptshare } = world;
    const rows = new ShardRows(deps.dynamo, table, 4);
    const toldAt = clock.now().getTime();
    await rows.keepCircuit(deps.origin, { faults: 1, openUntil: toldAt + 60_000, toldAt, cause: 'throttled' }, toldAt);
    cryptshare.requests.reset();
    expect((await invoke(asked)).polls).toMatchObject([{ outcome: 'failed', problem: { cause: 'throttled' } }]);
    expect(cryptshare.requests.total).toBe(0);
    clock.advance(60_000);
    expect((await invoke(asked)).polls).toMatchObject([{ outcome: 'baseline' }]);
  });

  it('leaves the ticks of its shard as they are', async () => {
    const asked = await register('ticked@example.com');
    const tick = { shard: 0, at: world.clock.now().toISOString() };
    await invoke(tick);
    world.clock.advance(60_000);
    await invoke(asked);
    const { polls } = await invoke({ shard: 0, at: world.clock.now().toISOString() });
    expect(polls.map(({ watch }) => watch.mailbox)).toContain(asked.mailbox);
  });

  it('counts what it published, but not as a sign that the clock works', async () => {
    await invoke(await register('measured@example.com'));
    const [{ Metrics: measured } = { Metrics: [] }] = metrics.serializeMetrics()._aws.CloudWatchMetrics;
    expect(measured.map(({ Name }) => Name)).toEqual(['EventsPublished']);
    expect(metrics.serializeMetrics()).toMatchObject({ EventsPublished: 1 });
  });
});

it.each([[{}], [null], ['sent'], [{ mailbox: 'alice@example.com' }], [{ mailbox: 'a@b.c', direction: 'up' }]])(
  'an invocation for nothing that is known is refused: %j',
  async (event) => {
    await expect(invoke(event)).rejects.toMatchObject({ issues: expect.anything() });
  },
);

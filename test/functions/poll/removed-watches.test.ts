import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, test } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { pollShard, type ShardPoll } from '#functions/poll/poll-shard.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { type FaultKind, FaultPlan } from '#test/support/aws-faults.ts';
import { pollBudget, startWorld, type World, type WorldDependencies } from '#test/support/poll-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  world.cryptshare.switches.idleTermMs = 1000 * day;
});
afterAll(() => world.close());

const day = 86_400_000;
let tables = 0;
let deps: WorldDependencies;
let registry: Watches;
let watch: Watch;
let trackingIds: string[];
beforeEach(async () => {
  tables += 1;
  deps = { ...world.depsOn(`removed-${tables}`), schedule: { shards: 1, pollIntervalMs: day, fullListingEvery: 1 } };
  await createTransfersTable(deps.dynamo, deps.table);
  registry = new Watches(deps.dynamo, deps.table);
  watch = world.watch(`removed-${tables}@example.com`);
  trackingIds = seed(3);
});

function seed(count: number): string[] {
  const people = { sender: watch.mailbox, to: ['bob@example.com'] };
  return world.cryptshare.transfers.seed({ ...people, count, state: 'ACTIVE' }).map(({ trackingId }) => trackingId);
}
const now = () => world.clock.now().toISOString();
function tick(plan = new FaultPlan()) {
  world.clock.advance(90_000);
  return world.faults.run(plan, () =>
    pollShard(deps, { shard: 0, at: now() }, world.clock.steady() + pollBudget, () => {}),
  );
}
/** Sort keys of what is left of the watch's snapshot. */
async function left(): Promise<string[]> {
  const { Items = [] } = await deps.dynamo.send(
    new QueryCommand({
      TableName: deps.table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: watchKey(watch) } },
    }),
  );
  return Items.map(({ sk }) => sk!.S!);
}
/** What the table holds of watches. */
async function registered(): Promise<number> {
  const query = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: 'WATCHES' } } };
  return (await deps.dynamo.send(new QueryCommand({ TableName: deps.table, ...query }))).Count ?? 0;
}
const told = async () =>
  (await world.takeEvents())
    .map(({ event }) => event as TransferEvent)
    .map(({ type, data }) => `${type} ${data.trackingId}`);

/** Polls the watch once, and takes it out of the registry. */
async function removed(): Promise<void> {
  await registry.addAll([watch], false, now());
  await tick();
  await registry.remove(watch, now());
  await told();
}
/** Ends the time for which what was removed is kept. */
const wait = () => world.clock.advance(30 * day);

describe('what is known of a watch', () => {
  it('that was removed stays for 30 days, and is gone then', async () => {
    await removed();
    expect(await registry.list()).toEqual([]);
    world.clock.advance(29 * day);
    await tick();
    expect(await left()).toHaveLength(5);
    world.clock.advance(day);
    await tick();
    expect([await left(), await registered()]).toEqual([[], 0]);
  });

  it('that has left the configuration file stays for 30 days, and is gone then', async () => {
    await registry.declare([watch], false, now());
    await tick();
    await registry.declare([], false, now());
    world.clock.advance(29 * day);
    await tick();
    expect(await registry.list()).toMatchObject([{ ...watch, isDisabled: true }]);
    expect(await left()).toHaveLength(5);
    world.clock.advance(day);
    await tick();
    expect([await left(), await registered()]).toEqual([[], 0]);
  });

  it('that an operator has paused stays', async () => {
    await registry.declare([watch], false, now());
    await tick();
    await registry.pause(watch);
    wait();
    await tick();
    expect(await left()).toHaveLength(5);
  });

  it('that was never polled is gone, too', async () => {
    await registry.addAll([watch], false, now());
    await registry.remove(watch, now());
    wait();
    await tick();
    expect(await registered()).toBe(0);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['added again', () => registry.addAll([watch], false, now())],
    ['declared', () => registry.declare([watch], false, now())],
  ])('that is %s in time is not deleted, and what has changed meanwhile is told', async (_, again) => {
    await removed();
    world.clock.advance(29 * day);
    world.cryptshare.transfers.setState(trackingIds[0]!, 'FAILED');
    await again();
    wait();
    await tick();
    expect(await told()).toEqual([`transfer.failed ${trackingIds[0]}`]);
    expect(await left()).toHaveLength(5);
    expect(await registry.list()).toHaveLength(1);
  });

  it('is deleted a part at each tick, whatever there is of it', async () => {
    seed(520);
    await removed();
    wait();
    const plan = new FaultPlan();
    await tick(plan);
    const deleted = plan.calls.filter((command) => command === 'DeleteItemCommand').length;
    expect(deleted).toBe(500);
    expect((await left()).length).toBeGreaterThan(23);
    await tick();
    expect([await left(), await registered()]).toEqual([[], 0]);
  });
});

describe('a clock that is a month ahead for one tick', () => {
  const month = 31 * day;
  function renewClient(): void {
    const server = world.client();
    onTestFinished(() => server.close());
    deps = { ...deps, server };
  }
  async function tickAhead(): Promise<ShardPoll> {
    world.clock.set(month);
    return tick().finally(() => world.clock.set(-month));
  }

  it.each<[string, () => unknown]>([
    ['that the process has spoken to before', () => {}],
    ['that the process has not spoken to yet', renewClient],
    [
      'of which another mailbox is polled meanwhile',
      () => registry.addAll([world.watch('bob@example.com')], false, now()),
    ],
    ['that does not answer', () => world.cryptshare.faults.inject({ times: 5, answer: { kind: 'dropped' } })],
  ])('deletes nothing that was removed, beside a server %s', async (_, prepare) => {
    await removed();
    await prepare();
    await tickAhead();
    world.cryptshare.faults.clear();
    await tick();
    expect(await left()).toHaveLength(5);
    expect(await registered()).toBeGreaterThan(0);
  });

  it('has what is deleted 30 days after its removal no later for it', async () => {
    await removed();
    await tickAhead();
    wait();
    await tick();
    expect([await left(), await registered()]).toEqual([[], 0]);
  });
});

/** Of a tick that deletes: two reads, the lease, root, claim, transfers, three of them, blocks, one, root, watch, lease. */
const calls = Array.from({ length: 16 }, (_, call) => call);

describe.each<FaultKind>(['lost', 'crash before', 'crash after'])('a call that is hit by: %s', (kind) => {
  test.each(calls)('leaves nothing of a removed watch behind, once later ticks have gone on: call %i', async (call) => {
    await removed();
    wait();
    await tick(new FaultPlan([[call, kind]])).catch(() => undefined);
    await tick();
    await tick();
    expect([await left(), await registered()]).toEqual([[], 0]);
  });
});

test.each(calls)(
  'a watch that is added again and polled in the middle of its deletion keeps all of its new snapshot: before call %i',
  async (call) => {
    await removed();
    wait();
    const plan = new FaultPlan([[call, 'pause']]);
    const deleting = tick(plan);
    await Promise.race([plan.reachedPause, deleting]);
    const rest = trackingIds.concat(seed(1));
    await registry.addAll([watch], false, now());
    // As an invocation of another deployment, which knows nothing of this lease.
    const poll = () => pollWatch(deps, watch, world.terms());
    await poll();
    plan.resume();
    await deleting;
    world.clock.advance(90_000);
    await poll();
    await poll();
    // Where the poll was first, it has gone on with the old snapshot.
    expect([[], [`transfer.active ${rest[3]}`]]).toContainEqual(await told());
    expect((await left()).filter((key) => key.startsWith('T#'))).toHaveLength(4);
    for (const trackingId of rest) world.cryptshare.transfers.setState(trackingId, 'FAILED');
    world.clock.advance(90_000);
    await poll();
    expect((await told()).toSorted()).toEqual(rest.map((trackingId) => `transfer.failed ${trackingId}`).toSorted());
    await tick();
    expect((await left()).filter((key) => key.startsWith('T#'))).toHaveLength(4);
    expect(await registry.find(watch)).toMatchObject(watch);
  },
);

describe('a watch that is added again', () => {
  /** Polls what is due, in the time that a tick has on AWS. */
  const poll = () => pollShard(deps, { shard: 0, at: now() }, world.clock.steady() + 110_000, () => {});
  async function pollAgain(times: number, after: number): Promise<void> {
    for (let index = 0; index < times; index += 1) {
      world.clock.advance(after);
      await registry.hasten(watch.mailbox, now());
      await poll();
    }
  }

  it.each([
    ['forward by an hour', 3_600_000],
    ['back by an hour', -3_600_000],
    ['not at all', 0],
  ])('keeps its new snapshot while the old one is deleted, by a clock that is set %s meanwhile', async (_, by) => {
    await removed();
    wait();
    // After the claim, before the rows are read that are deleted: two reads, lease, root, claim, transfers.
    const plan = new FaultPlan([[5, 'pause']]);
    const deleting = tick(plan);
    await plan.reachedPause;
    await registry.addAll([watch], false, now());
    world.clock.set(by);
    onTestFinished(() => world.clock.set(-by));
    world.clock.advance(2000);
    await poll();
    plan.resume();
    await deleting;
    await pollAgain(3, by < 0 ? 700_000 : 90_000);
    // Nothing has changed, so nothing is to be told.
    expect(await told()).toEqual([]);
    world.cryptshare.transfers.setState(trackingIds[0]!, 'FAILED');
    await pollAgain(2, 90_000);
    const events = (await world.takeEvents()).map(({ event }) => event as TransferEvent);
    expect(events.map(({ type, data }) => [type, data.trackingId, data.previousState])).toEqual([
      ['transfer.failed', trackingIds[0], 'ACTIVE'],
    ]);
    expect((await left()).filter((key) => key.startsWith('T#'))).toHaveLength(3);
  });

  it.each([false, true])('is polled within minutes (while its snapshot is being deleted: %s)', async (isDeleting) => {
    seed(520);
    await removed();
    if (isDeleting) wait();
    world.clock.advance(60_000);
    await poll();
    await registry.addAll([watch], false, now());
    const outcomes: string[] = [];
    for (let minute = 1; minute <= 60; minute += 1) {
      world.clock.advance(60_000);
      outcomes.push(...(await poll()).polls.map(({ outcome }) => `${minute} min: ${outcome}`));
    }
    expect(outcomes.filter((one) => !one.endsWith('superseded'))).toEqual([
      expect.stringMatching(/^\d min: (baseline|unchanged)$/),
    ]);
  });
});

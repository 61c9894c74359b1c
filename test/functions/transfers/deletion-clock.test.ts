import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { TransferEvent } from '../../../functions/transfers/event.ts';
import type { PollDependencies } from '../../../functions/transfers/poll.ts';
import { pollShard } from '../../../functions/transfers/shard.ts';
import { type Watch, watchKey } from '../../../functions/transfers/transfer.ts';
import { Watches } from '../../../functions/transfers/watches.ts';
import { createTransfersTable } from '../../../infra/local/embedded-services.ts';
import { FaultPlan } from './aws-faults.ts';
import { pollBudget, startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  world.cryptshare.switches.idleTermMs = 1000 * day;
});
afterAll(() => world.close());

const day = 86_400_000;
let tables = 0;
let deps: PollDependencies;
let registry: Watches;
let watch: Watch;
let trackingIds: string[];
beforeEach(async () => {
  tables += 1;
  deps = { ...world.deps, table: `removed-${tables}`, timetable: { shards: 1, every: day, fullListingEvery: 1 } };
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

test.each([
  ['forward by an hour', 3_600_000],
  ['back by an hour', -3_600_000],
  ['not at all', 0],
])(
  'a watch added again while its snapshot is deleted, by a clock that is set %s, keeps its new snapshot',
  async (_, by) => {
    await removed();
    wait();
    // After the claim, before the rows are read that are deleted: two reads, lease, root, claim, transfers.
    const plan = new FaultPlan([[5, 'pause']]);
    const deleting = tick(plan);
    await plan.reachedPause;
    await registry.addAll([watch], false, now());
    world.clock.set(by);
    onTestFinished(() => world.clock.set(-by));
    const again = () => pollShard(deps, { shard: 0, at: now() }, world.clock.steady() + pollBudget, () => {});
    world.clock.advance(2000);
    await again();
    plan.resume();
    await deleting;
    for (let at = 0; at < 3; at += 1) {
      world.clock.advance(by < 0 ? 700_000 : 90_000);
      await registry.hasten(watch.mailbox, now());
      await again();
    }
    // Nothing has changed, so nothing is to be told.
    expect(await told()).toEqual([]);
    world.cryptshare.transfers.setState(trackingIds[0]!, 'FAILED');
    for (let at = 0; at < 2; at += 1) {
      world.clock.advance(90_000);
      await registry.hasten(watch.mailbox, now());
      await again();
    }
    const events = (await world.takeEvents()).map(({ event }) => event as TransferEvent);
    expect(events.map(({ type, data }) => [type, data.trackingId, data.previousState])).toEqual([
      ['transfer.failed', trackingIds[0], 'ACTIVE'],
    ]);
    expect((await left()).filter((key) => key.startsWith('T#'))).toHaveLength(3);
  },
);

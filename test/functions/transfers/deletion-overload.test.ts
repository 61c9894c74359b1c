import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { PollDependencies } from '../../../functions/transfers/poll.ts';
import { pollShard, type Tick, type WatchPoll } from '../../../functions/transfers/shard.ts';
import type { Timetable } from '../../../functions/transfers/timetable.ts';
import type { Watch } from '../../../functions/transfers/transfer.ts';
import { Watches } from '../../../functions/transfers/watches.ts';
import { createTransfersTable } from '../../../infra/local/embedded-services.ts';
import { pollBudget, startWorld, type World } from './world.ts';

const minute = 60_000;
const day = 1440 * minute;

let world: World;
beforeAll(async () => {
  world = await startWorld();
  world.cryptshare.switches.idleTermMs = 1000 * day;
});
afterAll(() => world.close());

let tables = 0;
let lastTick = 0;
let deps: PollDependencies;
beforeEach(async () => {
  tables += 1;
  deps = { ...world.deps, table: `shards-${tables}`, timetable: alwaysDue(1) };
  await createTransfersTable(deps.dynamo, deps.table);
  world.cryptshare.faults.clear();
  await world.takeEvents();
  await world.takeNotices();
});

/** Declares watches of so many mailboxes, each with one transfer. */
async function declare(count: number): Promise<Watch[]> {
  const list = Array.from({ length: count }, (_, at) => world.watch(`shard-${tables}-${at}@example.com`));
  for (const { mailbox } of list) {
    world.cryptshare.transfers.seed({ sender: mailbox, to: ['bob@example.com'], count: 1, state: 'ACTIVE' });
  }
  await new Watches(deps.dynamo, deps.table).declare(list, false, now());
  return list;
}
const now = () => world.clock.now().toISOString();

/** Of watches that are due at each tick. */
const alwaysDue = (shards: number): Timetable => ({ shards, every: 1, fullListingEvery: 1 });

/** A tick now, but always after the one before. */
function tick(shard = 0): Tick {
  lastTick = Math.max(lastTick + 1, world.clock.now().getTime());
  return { shard, at: new Date(lastTick).toISOString() };
}
const poll = (shard = 0, budget = pollBudget, onPoll: (poll: WatchPoll) => void = () => {}) =>
  pollShard(deps, tick(shard), world.clock.now().getTime() + budget, onPoll);

test.each([7, 12])(
  'the snapshot of a removed watch is deleted after 30 days, %i watches of which the ticks have time for eight',
  async (count) => {
    const [removed] = await declare(count);
    world.clock.advance(minute);
    await poll();
    await new Watches(deps.dynamo, deps.table).remove(removed!, now());
    world.clock.advance(31 * day);
    if (count > 8) world.setDrift(() => world.clock.advance(pollBudget));
    onTestFinished(() => world.setDrift(() => {}));
    for (let each = 0; each < 60; each += 1) {
      world.clock.advance(2 * minute);
      await poll();
    }
    const { QueryCommand } = await import('@aws-sdk/client-dynamodb');
    const { Items = [] } = await deps.dynamo.send(
      new QueryCommand({
        TableName: deps.table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: `sent#${removed!.mailbox}` } },
      }),
    );
    expect(Items.map(({ sk, rev }) => [sk!.S, rev!.N])).toEqual([]);
  },
);

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { placeOf } from '../../../functions/transfers/places.ts';
import type { PollDependencies } from '../../../functions/transfers/poll.ts';
import { pollShard, type ShardPoll, type Tick, type WatchPoll } from '../../../functions/transfers/shard.ts';
import type { Timetable } from '../../../functions/transfers/timetable.ts';
import type { Watch } from '../../../functions/transfers/transfer.ts';
import { Watches } from '../../../functions/transfers/watches.ts';
import { faultAnswers } from '../../../infra/local/cryptshare-faults.ts';
import { createTransfersTable } from '../../../infra/local/embedded-services.ts';
import { pollBudget, startWorld, type World } from './world.ts';

const minute = 60_000;

let world: World;
beforeAll(async () => {
  world = await startWorld();
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
const mailboxes = ({ polls }: ShardPoll) => polls.map(({ watch }) => watch.mailbox).sort();

/** Watches whose places begin with 0x10 to 0x17. */
async function declareThere(count: number): Promise<Watch[]> {
  const list: Watch[] = [];
  for (let at = 0; list.length < count; at += 1) {
    const mailbox = `there-${tables}-${at}@example.com`;
    const place = placeOf({ mailbox });
    if (place < 0x10000001 || place > 0x17ffffff) continue;
    list.push(world.watch(mailbox));
    world.cryptshare.transfers.seed({ sender: mailbox, to: ['bob@example.com'], count: 1, state: 'ACTIVE' });
  }
  await new Watches(deps.dynamo, deps.table).declare(list, false, now());
  return list;
}

const breakDown = ({ mailbox }: Watch, times = 1000) =>
  world.cryptshare.faults.inject({ path: encodeURIComponent(mailbox), times, answer: faultAnswers.emptyUnauthorized });

test.each([1, 2])('a tick of a shard that is there no more, of %i, polls nothing', async (shards) => {
  await declareThere(3);
  deps = { ...deps, timetable: alwaysDue(shards) };
  await poll(0);
  world.clock.advance(minute);
  expect(mailboxes(await poll(shards))).toEqual([]);
});

test.each([false, true])(
  'an incident ends when no watch fails any more (with a last tick of the third shard of formerly three: %s)',
  async (isLate) => {
    const watches = await declareThere(3);
    deps = { ...deps, timetable: { ...alwaysDue(2), every: minute } };
    await poll(0);
    for (const watch of watches) breakDown(watch);
    const types: string[] = [];
    const step = async () => {
      world.clock.advance(minute);
      for (const shard of [0, 1]) await poll(shard);
      types.push(...(await world.takeEvents()).map(({ event }) => event.type));
    };
    for (let at = 0; at < 10; at += 1) await step();
    // The schedule of the third shard is deleted at the end of a deployment: its ticks come for as long.
    if (isLate) await poll(2);
    world.cryptshare.faults.clear();
    for (let at = 0; at < 240; at += 1) await step();
    expect(types).toEqual(['watch.many_failing', 'watch.many_recovered']);
  },
);

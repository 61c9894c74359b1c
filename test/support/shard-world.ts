import { pollShard, type ShardPoll, type Tick, type WatchPoll } from '#functions/poll/poll-shard.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { Schedule } from '#functions/watches/schedule.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { faultAnswers } from '#infra/simulator/faults.ts';
import { pollBudget, startWorld, type World, type WorldDependencies } from './poll-world.ts';

export const minute = 60_000;

/** The world of the tests of a file. */
export let world: World;
/** What the test that runs polls with. */
export let deps: WorldDependencies;
let tables = 0;
let lastTick = 0;

/** Gives the tests of a file a world. */
export async function startShardWorld(): Promise<() => Promise<void>> {
  world = await startWorld();
  lastTick = 0;
  // A test may take months.
  world.cryptshare.switches.idleTermMs = 1000 * 1440 * minute;
  return () => world.close();
}

/** Gives a test a table of its own, with watches that are due at each tick of a single shard. */
export async function startShards(): Promise<() => void> {
  tables += 1;
  deps = { ...world.depsOn(`shards-${tables}`), schedule: alwaysDue(1) };
  await createTransfersTable(deps.dynamo, deps.table);
  world.cryptshare.faults.clear();
  await world.takeEvents();
  world.takeNotices();
  return () => world.setDrift(() => {});
}

/** Has the next polls be made with something else. */
export function pollWith(other: Partial<WorldDependencies>): void {
  deps = { ...deps, ...other };
}

/** Declares watches of so many mailboxes, each with one transfer; only such as are wanted. */
export async function declare(count: number, isWanted: (watch: Watch) => boolean = () => true): Promise<Watch[]> {
  const list: Watch[] = [];
  for (let index = 0; list.length < count; index += 1) {
    const mailbox = `shard-${tables}-${index}@example.com`;
    if (!isWanted({ mailbox, direction: 'sent' })) continue;
    list.push(world.watch(mailbox));
    world.cryptshare.transfers.seed({ sender: mailbox, to: ['bob@example.com'], count: 1, state: 'ACTIVE' });
  }
  await registry().declare(list, false, now());
  return list;
}
export const registry = () => new Watches(deps.dynamo, deps.table);
export const now = () => world.clock.now().toISOString();

/** Of watches that are due at each tick. */
export const alwaysDue = (shards: number): Schedule => ({ shards, pollIntervalMs: 1, fullListingEvery: 1 });

/** A tick now, but always after the one before. */
function tick(shard: number): Tick {
  lastTick = Math.max(lastTick + 1, world.clock.now().getTime());
  return { shard, at: new Date(lastTick).toISOString() };
}
export const poll = (shard = 0, budget = pollBudget, onPoll: (poll: WatchPoll) => void = () => {}) =>
  pollShard(deps, tick(shard), world.clock.steady() + budget, onPoll);
export const mailboxes = ({ polls }: ShardPoll) => polls.map(({ watch }) => watch.mailbox).sort();

/** Has the server refuse the token of a mailbox, so many times. */
export const breakDown = ({ mailbox }: Watch, times = 1000) =>
  world.cryptshare.faults.inject({ path: encodeURIComponent(mailbox), times, answer: faultAnswers.emptyUnauthorized });

/** Has each page that is listed take all the time that a tick has. */
export const slowDown = () => world.setDrift(() => world.clock.advance(pollBudget));

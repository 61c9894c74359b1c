import { QueryCommand } from '@aws-sdk/client-dynamodb';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { pollShard, type ShardPoll, type WatchPoll } from '#functions/poll/poll-shard.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { Schedule } from '#functions/watches/schedule.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';
import { type WantedWatch, Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import { pollBudget, startWorld, type World, type WorldDependencies } from './poll-world.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** The world of the tests of a file. */
export let world: World;
/** Dependencies of the polls of the current test. */
export let deps: WorldDependencies;
let tables = 0;
let lastTick = 0;

/** Gives the tests of a file a world. */
export async function startShardWorld(): Promise<() => Promise<void>> {
  world = await startWorld();
  // A mailbox's moment depends on its name, which must not depend on the files before.
  tables = 0;
  // A test may take years.
  world.cryptshare.switches.idleTermMs = 10_000 * day;
  return () => world.close();
}

/** Gives a test a table of its own, with watches that are due at each tick of a single shard. */
export async function startShards(): Promise<() => void> {
  tables += 1;
  lastTick = 0;
  deps = { ...world.depsOn(`shards-${tables}`), schedule: alwaysDue(1) };
  await createTransfersTable(deps.dynamo, deps.table);
  world.cryptshare.faults.clear();
  world.cryptshare.requests.reset();
  world.clock.set(world.clock.steady() - world.clock.now().getTime());
  await world.takeEvents();
  return () => world.setDrift(() => {});
}

/** Changes dependencies of the next polls. */
export function pollWith(other: Partial<WorldDependencies>): void {
  deps = { ...deps, ...other };
}

/** Address of a mailbox that no other test has. */
export const mailboxOf = (name: number | string) => `shards-${tables}-${name}@example.com`;

/** Gives the server active transfers of a mailbox, and returns their tracking ids. */
export const seed = ({ mailbox }: Watch, count: number): string[] =>
  world.cryptshare.transfers
    .seed({ sender: mailbox, to: ['bob@example.com'], count, state: 'ACTIVE' })
    .map(({ trackingId }) => trackingId);

interface Declared {
  readonly pollIntervalMs?: number;
  /** Selects the mailboxes. */
  readonly isWanted?: (watch: Watch) => boolean;
}

/** Declares watches of new mailboxes, each with one transfer. */
export async function declare(
  count: number,
  { pollIntervalMs, isWanted = () => true }: Declared = {},
): Promise<WantedWatch[]> {
  const list: WantedWatch[] = [];
  for (let number = 0; list.length < count; number += 1) {
    const watch = world.watch(mailboxOf(number));
    if (!isWanted(watch)) continue;
    list.push({ ...watch, ...(pollIntervalMs !== undefined && { pollIntervalMs }) });
    seed(watch, 1);
  }
  await registry().declare(list, false, now());
  return list;
}
export const registry = () => new Watches(deps.dynamo, deps.table);
export const shardRows = () => new ShardRows(deps.dynamo, deps.table, deps.server.calls.options.maxConcurrentPages);
export const readShard = () => shardRows().read(0, 1, deps.origin);
export const now = () => world.clock.now().toISOString();

/** Of watches that are due at each tick. */
export const alwaysDue = (shards: number): Schedule => ({ shards, pollIntervalMs: 1, fullListingEvery: 1 });

/** The time of the clock, but later than the tick before. */
function nextTick(): string {
  lastTick = Math.max(lastTick + 1, world.clock.now().getTime());
  return new Date(lastTick).toISOString();
}

interface TickOptions {
  readonly shard?: number;
  /** Milliseconds that the tick may take. */
  readonly budget?: number;
  readonly at?: string;
  readonly as?: WorldDependencies;
  readonly onPoll?: (poll: WatchPoll) => void;
}

/** Has a shard tick now. */
export const poll = ({ shard = 0, budget = pollBudget, at = nextTick(), as = deps, onPoll }: TickOptions = {}) =>
  pollShard(as, { shard, at }, world.clock.steady() + budget, onPoll ?? (() => {}));

/** Has a shard tick after a time in milliseconds, by a clock that may have been set back since. */
export function pollAfter(milliseconds: number, options: TickOptions = {}): Promise<ShardPoll> {
  world.clock.advance(milliseconds);
  return poll({ at: now(), ...options });
}

export const mailboxes = ({ polls }: ShardPoll) => polls.map(({ watch }) => watch.mailbox).sort();

/** Has the server refuse the token of a mailbox. */
export const breakDown = ({ mailbox }: Watch, times = 1000) =>
  world.cryptshare.faults.inject({ path: encodeURIComponent(mailbox), times, answer: faultAnswers.emptyUnauthorized });

/** Has each page that is listed take all the time that a tick has. */
export const slowDown = () => world.setDrift(() => world.clock.advance(pollBudget));

/** Number of rows in a partition of the table. */
export async function rowsOf(pk: string): Promise<number> {
  const query = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: pk } } };
  return (await deps.dynamo.send(new QueryCommand({ TableName: deps.table, ...query }))).Count ?? 0;
}
/** Number of rows of a watch's snapshot: its transfers, the root and a block of digests. */
export const snapshotRows = (watch: Watch) => rowsOf(watchKey(watch));

/** Takes what was published about transfers since the last call. */
export const takeTold = async () =>
  (await world.takeEvents())
    .map(({ event }) => event as TransferEvent)
    .map(({ type, data }) => `${type} ${data.trackingId}`);

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { steady } from '#functions/clock/instants.ts';
import type { Scope } from '#functions/cryptshare/client.ts';
import type { Units } from '#functions/dynamodb/partition.ts';
import { type PollDependencies, pollRepositories } from '#functions/poll/dependencies.ts';
import { pollShard } from '#functions/poll/poll-shard.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { maxConcurrentPages } from './polling.ts';
import type { Services } from './services.ts';
import { storedBytes } from './stored-bytes.ts';
import { UnitsMeter } from './units-meter.ts';
import type { PollUse, WatchUse } from './use.ts';

/** Mailboxes that a tick polls, all of the same size. */
const mailboxes = 3;

/** Milliseconds for which ticks are repeated until the process is warm, and for which they are measured. */
const patience = 2500;

/** Ticks that find a change in each mailbox, at most. */
const mostChanges = 8;

const minute = 60_000;

/** Milliseconds that a tick may take here. */
const budget = 10 * minute;

/** What polls of mailboxes of a size take, with the bytes that a transfer is stored in. */
export interface MeasuredPolls extends PollUse {
  readonly transferBytes: number;
}

/** Measures ticks of a shard, as the deployed function polls it, but with a clock of their own. */
export async function measurePolls(
  services: Services,
  deps: PollDependencies,
  transfers: number,
  activeShare: number,
): Promise<MeasuredPolls> {
  const { sdkEnvironment } = services.addresses;
  const database = { ...sdkSettings(sdkEnvironment), endpoint: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB! };
  const [plain, metered, onlooker] = [database, database, database].map((one) => new DynamoDBClient(one)) as [
    DynamoDBClient,
    DynamoDBClient,
    DynamoDBClient,
  ];
  const table = `metered-${transfers}`;
  await createTransfersTable(onlooker, table);
  let clock = Date.now() - 24 * 60 * minute;
  const now = () => new Date(clock);
  // Enough for two changes of each measurement.
  const active = Math.max(5, Math.round(transfers * activeShare));
  const watches: Watch[] = [];
  for (let index = 0; index < mailboxes; index += 1) {
    const watch = await services.fill(`metered.${index}.${transfers}@example.com`, transfers);
    await services.change(watch, transfers - active);
    watches.push(watch);
  }
  await new Watches(onlooker, table).declare(watches, false, now().toISOString());

  /** Polls what is due at the next minute, or again at the same, where nothing is. */
  const tickOf = async (dynamo: DynamoDBClient, scope: Scope, isNext = true) => {
    if (isNext) clock += minute;
    const tick = { shard: 0, at: now().toISOString() };
    const schedule = { ...deps.schedule, fullListingEvery: scope === 'all' ? 1 : 1_000_000 };
    const { polls, skipped } = await pollShard(
      { ...deps, ...pollRepositories(dynamo, table, maxConcurrentPages), schedule, now },
      tick,
      steady() + budget,
      () => {},
    );
    const troubled = polls.find(({ problem }) => problem);
    if (troubled || skipped > 0) throw new Error(troubled?.problem?.message ?? 'watches were left over');
    if (polls.length !== (isNext ? mailboxes : 0)) throw new Error(`polled ${polls.length} watches of ${mailboxes}`);
    return polls.reduce((sum, { changed }) => sum + changed, 0);
  };
  const meter = new UnitsMeter(metered, onlooker);
  await tickOf(plain, 'all');
  const idle = await meter.of(() => tickOf(metered, 'all', false));
  let busyTick: Units = { read: 0, write: 0 };

  const measure = async (scope: Scope): Promise<WatchUse> => {
    await repeat(() => tickOf(plain, scope));
    const before = process.cpuUsage();
    const ticks = await repeat(() => tickOf(plain, scope));
    const { user, system } = process.cpuUsage(before);
    await services.countRequests();
    const quiet = await meter.of(() => tickOf(metered, scope));
    const requests = await services.countRequests();
    // What an unchanged watch writes is nothing, so that these are the writes of the shard's lease.
    busyTick = { read: 0, write: quiet.write - idle.write };
    const sum = { read: 0, write: 0, requests: 0 };
    const rounds = Math.min(mostChanges, Math.floor((active - 1) / 2));
    for (let round = 0; round < rounds; round += 1) {
      for (const watch of watches) await services.change(watch, 1);
      await services.countRequests();
      let found = 0;
      const units = await meter.of(async () => {
        found = await tickOf(metered, scope);
      });
      if (found !== mailboxes) throw new Error(`found ${found} of ${mailboxes} changes`);
      sum.requests += (await services.countRequests()) - requests;
      sum.read += units.read - quiet.read;
      sum.write += units.write - quiet.write;
    }
    const each = (value: number) => value / mailboxes;
    return {
      read: each(quiet.read - idle.read),
      write: 0,
      requests: each(requests),
      cpu: each((user + system) / 1000 / ticks),
      change: {
        read: each(sum.read) / rounds,
        write: each(sum.write) / rounds,
        requests: each(sum.requests) / rounds,
      },
    };
  };
  try {
    const all = await measure('all');
    const partial = await measure('active');
    const bytes = await storedBytes(onlooker, table);
    return { tick: idle, busyTick, all, active: partial, transferBytes: bytes / mailboxes / transfers };
  } finally {
    for (const one of [plain, metered, onlooker]) one.destroy();
  }
}

/** Repeats a task for some seconds, at least ten times; returns how often. */
async function repeat(task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let times = 0;
  while (times < 10 || performance.now() - started < patience) {
    await task();
    times += 1;
  }
  return times;
}

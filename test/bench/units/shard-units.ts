import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { steady } from '#functions/clock/instants.ts';
import type { Scope } from '#functions/cryptshare/client.ts';
import type { Units } from '#functions/dynamodb/partition.ts';
import { pollRepositories } from '#functions/poll/dependencies.ts';
import { pollShard } from '#functions/poll/poll-shard.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { cpuSoFar } from '#test/bench/measurement.ts';
import { maxConcurrentPages } from '#test/bench/polls/polling.ts';
import type { Bench } from '#test/bench/section.ts';
import { meteredDatabase } from './metered.ts';
import { storedBytes } from './stored-bytes.ts';

/** Mailboxes that a tick polls, all of the same size. */
const mailboxes = 3;

/** Milliseconds for which ticks are repeated until the process is warm, and for which they are measured. */
const patienceMs = 2500;

/** Ticks that find a change in each mailbox, at most. */
const mostChanges = 8;

const minuteMs = 60_000;

/** Milliseconds that a tick may take here. */
const budgetMs = 10 * minuteMs;

export type MeasuredPolls = Awaited<ReturnType<typeof measurePolls>>;

/** Measures ticks of a shard, as the deployed function polls it, but with a clock of their own. */
export async function measurePolls(
  { services, deps }: Pick<Bench, 'services' | 'deps'>,
  transfers: number,
  activeShare: number,
) {
  const { dynamo: metered, onlooker, meter, close } = meteredDatabase(services.addresses);
  // Counting units takes CPU, so what is timed has a client of its own.
  const plain = new DynamoDBClient({});
  const table = `metered-${transfers}`;
  await createTransfersTable(onlooker, table);
  let clock = Date.now() - 24 * 60 * minuteMs;
  const now = () => new Date(clock);
  // Enough for two changes of each measurement.
  const active = Math.max(5, Math.round(transfers * activeShare));
  const watches: Watch[] = [];
  for (let index = 0; index < mailboxes; index += 1) {
    const watch = await services.call('fill', `metered.${index}.${transfers}@example.com`, transfers);
    await services.call('change', watch, transfers - active);
    watches.push(watch);
  }
  await new Watches({ dynamo: onlooker, table }).declare(watches, false, now().toISOString());

  /** Polls what is due at the next minute, or again at the same, where nothing is; returns the changes found. */
  const tickOf = async (dynamo: DynamoDBClient, scope: Scope, isNext = true): Promise<number> => {
    if (isNext) clock += minuteMs;
    const tick = { shard: 0, at: now().toISOString() };
    const schedule = { ...deps.schedule, fullListingEvery: scope === 'all' ? 1 : 1_000_000 };
    const shardDeps = { ...deps, ...pollRepositories({ dynamo, table }, maxConcurrentPages), schedule, now };
    const { polls, skipped } = await pollShard(shardDeps, tick, steady() + budgetMs, () => {});
    const failed = polls.find(({ problem }) => problem);
    if (failed || skipped > 0) throw new Error(failed?.problem?.message ?? 'watches were left over');
    if (polls.length !== (isNext ? mailboxes : 0)) throw new Error(`polled ${polls.length} watches of ${mailboxes}`);
    return polls.reduce((sum, { changed }) => sum + changed, 0);
  };
  await tickOf(plain, 'all');
  const idle = await meter.of(() => tickOf(metered, 'all', false));
  let busyTick: Units = { read: 0, write: 0 };

  const measureScope = async (scope: Scope) => {
    await repeat(() => tickOf(plain, scope));
    const before = cpuSoFar();
    const ticks = await repeat(() => tickOf(plain, scope));
    const cpuOfTick = (cpuSoFar() - before) / ticks;
    await services.call('countRequests');
    const quiet = await meter.of(() => tickOf(metered, scope));
    const requests = await services.call('countRequests');
    // An unchanged watch writes nothing, so that these are the writes of the shard's lease.
    busyTick = { read: 0, write: quiet.write - idle.write };
    const sum = { read: 0, write: 0, requests: 0 };
    const rounds = Math.min(mostChanges, Math.floor((active - 1) / 2));
    for (let round = 0; round < rounds; round += 1) {
      for (const watch of watches) await services.call('change', watch, 1);
      await services.call('countRequests');
      let found = 0;
      const units = await meter.of(async () => {
        found = await tickOf(metered, scope);
      });
      if (found !== mailboxes) throw new Error(`found ${found} of ${mailboxes} changes`);
      sum.requests += (await services.call('countRequests')) - requests;
      sum.read += units.read - quiet.read;
      sum.write += units.write - quiet.write;
    }
    const each = (value: number) => value / mailboxes;
    return {
      read: each(quiet.read - idle.read),
      write: 0,
      /** To the Cryptshare Server. */
      requests: each(requests),
      /** Milliseconds. */
      cpu: each(cpuOfTick),
      /** The addition of one change. */
      change: {
        read: each(sum.read) / rounds,
        write: each(sum.write) / rounds,
        requests: each(sum.requests) / rounds,
      },
    };
  };
  try {
    const all = await measureScope('all');
    const partial = await measureScope('active');
    return {
      /** A tick of a shard with a handful of watches of which none is due. */
      tick: idle,
      /** The addition if one is due, watches apart. */
      busyTick,
      /** The share of each watch, by the scope of its listing. */
      all,
      active: partial,
      transferBytes: (await storedBytes(onlooker, table)) / mailboxes / transfers,
    };
  } finally {
    plain.destroy();
    close();
  }
}

/** Repeats a task for some seconds, at least ten times; returns the number of times. */
async function repeat(task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let times = 0;
  while (times < 10 || performance.now() - started < patienceMs) {
    await task();
    times += 1;
  }
  return times;
}

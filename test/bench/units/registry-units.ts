import pLimit from 'p-limit';
import { steady } from '#functions/clock/instants.ts';
import { type PollDependencies, pollRepositories } from '#functions/poll/dependencies.ts';
import { pollShard } from '#functions/poll/poll-shard.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { maxConcurrentPages } from '#test/bench/polls/polling.ts';
import type { ServiceAddresses } from '#test/bench/processes/services.ts';
import { meteredDatabase } from './metered.ts';

const table = 'metered-watches';
const watches = 1000;

/** Parts of the registry, of which a tick polls one. */
const shards = 10;

/**
 * Measures the read units of a tick for each watch in the registry, of its own shard and of others. The first few are
 * part of those of every tick. The 1,000 watches are in ten shards, and in one, and none is to be polled.
 */
export async function measureRegistry(addresses: ServiceAddresses, deps: PollDependencies) {
  const { dynamo, onlooker, meter, close } = meteredDatabase(addresses);
  const declared = Array.from({ length: watches }, (_, index) => ({
    mailbox: `first.last.${index}@example.com`,
    direction: 'sent' as const,
  }));
  try {
    await createTransfersTable(onlooker, table);
    const registry = new Watches({ dynamo: onlooker, table });
    await registry.declare(declared, false, new Date(0).toISOString());
    await pLimit(16).map(declared, (watch) => registry.pause(watch));
    const readsIn = async (parts: number) => {
      const shardDeps = {
        ...deps,
        ...pollRepositories({ dynamo, table }, maxConcurrentPages),
        schedule: { ...deps.schedule, shards: parts },
      };
      const tick = { shard: 0, at: deps.now().toISOString() };
      const { read } = await meter.of(() => pollShard(shardDeps, tick, steady() + 60_000, () => {}));
      return read;
    };
    const own = (await readsIn(1)) / watches;
    // A tenth of the watches, or nearly so.
    const others = ((await readsIn(shards)) - (watches / shards) * own) / (watches - watches / shards);
    return { own, others: others < own / 20 ? 0 : others };
  } finally {
    close();
  }
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { steady } from '#functions/clock/instants.ts';
import { type PollDependencies, pollRepositories } from '#functions/poll/dependencies.ts';
import { pollShard } from '#functions/poll/poll-shard.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { maxConcurrentPages } from './polling.ts';
import type { ServiceAddresses } from './services.ts';
import { UnitsMeter } from './units-meter.ts';
import type { RegistryReads } from './use.ts';

const table = 'metered-watches';
const watches = 1000;

/** Parts of the registry, of which a tick polls one. */
const shards = 10;

/** What a tick reads of a registry of 1,000 watches in ten shards, and of the same in one, when none of them is to be polled. */
export async function measureRegistry(
  { sdkEnvironment }: ServiceAddresses,
  deps: PollDependencies,
): Promise<RegistryReads> {
  const database = { ...sdkSettings(sdkEnvironment), endpoint: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB! };
  const [dynamo, onlooker] = [new DynamoDBClient(database), new DynamoDBClient(database)];
  const declared = Array.from({ length: watches }, (_, index) => ({
    mailbox: `first.last.${index}@example.com`,
    direction: 'sent' as const,
  }));
  try {
    await createTransfersTable(onlooker, table);
    const registry = new Watches(onlooker, table);
    await registry.declare(declared, false, new Date(0).toISOString());
    await pLimit(16).map(declared, (watch) => registry.pause(watch));
    const meter = new UnitsMeter(dynamo, onlooker);
    const readsIn = async (parts: number) => {
      const schedule = { ...deps.schedule, shards: parts };
      const tick = { shard: 0, at: deps.now().toISOString() };
      const { read } = await meter.of(() =>
        pollShard(
          { ...deps, ...pollRepositories(dynamo, table, maxConcurrentPages), schedule },
          tick,
          steady() + 60_000,
          () => {},
        ),
      );
      return read;
    };
    const own = (await readsIn(1)) / watches;
    // A tenth of the watches, or nearly so.
    const others = ((await readsIn(shards)) - (watches / shards) * own) / (watches - watches / shards);
    return { own, others: others < own / 20 ? 0 : others };
  } finally {
    dynamo.destroy();
    onlooker.destroy();
  }
}

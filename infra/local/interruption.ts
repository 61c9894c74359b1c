import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Verifications, verificationOf } from '#functions/cryptshare/verification-rows.ts';
import { getRows } from '#functions/dynamodb/batch.ts';
import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import { rootKey } from '#functions/snapshot/snapshot-rows.ts';
import { watchKey } from '#functions/transfers/transfer.ts';
import { sharedPartition } from '#functions/watches/incident-rows.ts';
import { readShardRow } from '#functions/watches/shard-row.ts';
import { shardKey } from '#functions/watches/shard-rows.ts';
import { Watches } from '#functions/watches/watches.ts';
import { Endpoints } from '#functions/webhooks/endpoints/endpoints.ts';
import { type LeaseRow, plausibleLease } from '#functions/webhooks/endpoints/lease.ts';
import { leasesIn } from '#functions/webhooks/endpoints/leases.ts';

/** Table of leases, in a database without another user. */
interface InterruptionDependencies {
  readonly dynamo: DynamoDBClient;
  readonly table: string;
  readonly now: () => Date;
}

/**
 * Ends the leases of a dead process: the next drain acquires them, and counts attempts in flight as interrupted.
 *
 * @throws the error of the SDK
 */
export async function endLeases(deps: InterruptionDependencies): Promise<void> {
  const names = (await new Endpoints(deps).list()).map(({ name }) => name);
  const at = deps.now().getTime();
  await changeLeases(deps, names, ({ holder: _, inFlight, ...lease }) => ({
    ...lease,
    inFlight: Object.fromEntries(
      Object.entries(inFlight).map(([event, inFlightAttempt]) => [
        event,
        { ...inFlightAttempt, until: Math.min(inFlightAttempt.until, at) },
      ]),
    ),
  }));
}

/**
 * Releases the leases of this process. Attempts in flight do not count: messages and rows still name their deliveries.
 *
 * @param endpoints names, each once
 * @throws the error of the SDK
 */
export const releaseLeases = (deps: InterruptionDependencies, endpoints: readonly string[]): Promise<void> =>
  changeLeases(deps, endpoints, ({ holder: _, ...lease }) => ({ ...lease, inFlight: {} }));

/** Changes the leases that have a holder or attempts in flight. */
async function changeLeases(
  { dynamo, table, now }: InterruptionDependencies,
  endpoints: readonly string[],
  change: (lease: LeaseRow) => LeaseRow,
): Promise<void> {
  const at = now().getTime();
  const leases = leasesIn({ dynamo, table });
  const read = await leases.of(endpoints);
  await Promise.all(
    endpoints.map(async (name, index) => {
      await leases.change(name, read[index]!, (lease) => {
        const believed = plausibleLease(lease, at);
        const isBusy = believed.holder || Object.keys(believed.inFlight).length > 0;
        return isBusy ? { ...change(believed), rev: lease.rev + 1, changedAt: at } : undefined;
      });
    }),
  );
}

/** Ends all leases of the only shard, whose holders have ended, so that the first tick polls their watches. */
export async function freeShard(dynamo: DynamoDBClient, table: string): Promise<void> {
  const shards = new Partition({ dynamo, table }, sharedPartition);
  const [row] = await shards.range(shardKey(0), shardKey(0));
  if (!row) return;
  const { rev, leases = {} } = readShardRow(row);
  const ended = Object.entries(leases).map(([name, lease]) => [name, { ...lease, until: 0 }]);
  await shards.update(shardKey(0), { leases: Object.fromEntries(ended), rev: rev + 1 }, unchangedSince(rev));
}

/** Frees the verifications that an ended process was renewing, so that no poll waits for them. */
export async function freeRenewals(dynamo: DynamoDBClient, table: string): Promise<void> {
  const verifications = new Verifications({ dynamo, table });
  for (const row of await verifications.range(' ', '\u{10ffff}')) {
    const verification = verificationOf(row);
    const { busyUntil, ...free } = verification;
    if (busyUntil !== undefined) await verifications.replace(verification, free);
  }
}

/** Frees the snapshots whose baseline an ended process was storing, so that no poll waits for them. */
export async function freeBaselines(dynamo: DynamoDBClient, table: string): Promise<void> {
  const watches = await new Watches({ dynamo, table }).list();
  const roots = watches.map((watch) => ({ pk: watchKey(watch), sk: rootKey }));
  for (const root of await getRows(dynamo, table, roots)) {
    if (!root?.unsettledUntil || root.baselineAt !== undefined) continue;
    await new Partition({ dynamo, table }, root.pk).update(rootKey, { unsettledUntil: undefined }, {});
  }
}

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { getRows, rowName } from '../../functions/batches.ts';
import { Partition } from '../../functions/table.ts';
import { rootKey } from '../../functions/transfers/snapshot-rows.ts';
import { watchKey } from '../../functions/transfers/transfer.ts';
import { Watches } from '../../functions/transfers/watches.ts';
import { Verifications } from '../../functions/verification/verifications.ts';
import { Deliveries } from '../../functions/webhooks/deliveries.ts';
import { type Delivery, type DeliveryName, deliveryKey, deliveryNameOf } from '../../functions/webhooks/delivery.ts';
import { Gates } from '../../functions/webhooks/gates.ts';

/** Where deliveries stand. */
export interface InterruptionDependencies {
  readonly dynamo: DynamoDBClient;
  /** Name of the webhooks table. */
  readonly table: string;
  readonly now: () => Date;
}

/**
 * Takes attempts back that the end of this process cuts off: they do not count, their deliveries are due at once, and
 * their endpoints' gates let others in. For a database without another user.
 *
 * @param names of deliveries that may be claimed
 * @throws the error of the SDK
 */
export async function interruptDeliveries(
  { dynamo, table, now }: InterruptionDependencies,
  names: readonly DeliveryName[],
): Promise<void> {
  const keys = new Map(names.map((name) => [rowName(deliveryKey(name)), deliveryKey(name)]));
  const rows = await getRows(dynamo, table, [...keys.values()]);
  const claimed = [...keys].flatMap(([row, key]) => {
    const delivery = { ...rows.get(row), ...deliveryNameOf(key) } as Delivery;
    return delivery.status === 'CLAIMED' ? [delivery] : [];
  });
  const deliveries = new Deliveries(dynamo, table);
  const at = now().getTime();
  const gates = new Gates(dynamo, table, Math.random);
  await Promise.all([
    ...claimed.map((delivery) =>
      deliveries.step(delivery, { status: 'PENDING', attempt: delivery.attempt - 1, nextAttemptAt: at }, at),
    ),
    ...[...new Set(claimed.map(({ endpoint }) => endpoint))].map(async (endpoint) =>
      gates.change(endpoint, await gates.read(endpoint), (gate) => ({
        gate: { ...gate, rev: gate.rev + 1, holds: {} },
      })),
    ),
  ]);
}

/** Frees the verifications that a process which has ended was about to renew: no poll has to wait for it. */
export async function freeRenewals(dynamo: DynamoDBClient, table: string): Promise<void> {
  const verifications = new Verifications(dynamo, table);
  for (const verification of await verifications.list()) {
    const { busyUntil, ...free } = verification;
    if (busyUntil !== undefined) await verifications.replace(verification, free);
  }
}

/** Has no poll wait for one that stored a baseline in a process which has ended. */
export async function freeBaselines(dynamo: DynamoDBClient, table: string): Promise<void> {
  const watches = await new Watches(dynamo, table).list();
  const rows = await getRows(
    dynamo,
    table,
    watches.map((watch) => ({ pk: watchKey(watch), sk: rootKey })),
  );
  for (const { pk, baselineAt, unsettledUntil } of rows.values()) {
    if (baselineAt !== undefined || !unsettledUntil) continue;
    await new Partition(dynamo, table, pk).update(rootKey, 'REMOVE unsettledUntil', {});
  }
}

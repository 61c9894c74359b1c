import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { getRows, rowName } from '../batches.ts';
import { Deliveries } from './deliveries.ts';
import type { Delivery, DeliveryName } from './delivery.ts';
import { believedLease } from './lease.ts';
import { leaseKey, leaseOf } from './leases.ts';
import { readDeliveries } from './waiting.ts';

/** What cancelling works with. */
export interface CancelDependencies {
  readonly dynamo: DynamoDBClient;
  /** Name of the webhooks table. */
  readonly table: string;
  readonly now: () => Date;
}

/** What became of the wish to cancel; without `isCancelled`, the delivery as it stands instead. */
export interface Cancellation {
  readonly delivery: Delivery;
  readonly isCancelled: boolean;
}

/**
 * Cancels a delivery that waits, for its time or for an operator. One that is being attempted is left alone: its request
 * is on its way.
 *
 * @returns undefined when there is no such delivery
 */
export async function cancelDelivery(deps: CancelDependencies, name: DeliveryName): Promise<Cancellation | undefined> {
  const read = async () => (await readDeliveries(deps.dynamo, deps.table, [name]))[0];
  const delivery = await read();
  if (!delivery) return undefined;
  const now = deps.now().getTime();
  const isWaiting =
    delivery.status === 'HELD' || (delivery.status === 'PENDING' && !(await isUnderWay(deps, delivery, now)));
  if (!isWaiting) return { delivery, isCancelled: false };
  const step = { status: 'CANCELLED', reason: 'operator' } as const;
  const cancelled = await new Deliveries(deps.dynamo, deps.table).step(delivery, step, now);
  if (cancelled) return { delivery: cancelled, isCancelled: true };
  return { delivery: (await read()) ?? delivery, isCancelled: false };
}

async function isUnderWay({ dynamo, table }: CancelDependencies, { event, endpoint, rev }: Delivery, now: number) {
  const key = leaseKey(endpoint);
  const lease = leaseOf((await getRows(dynamo, table, [key])).get(rowName(key)));
  const flight = believedLease(lease, now).flights[event];
  return flight !== undefined && flight.of === rev && flight.until > now;
}

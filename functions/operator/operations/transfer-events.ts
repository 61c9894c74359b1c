import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import type { Answers } from '#functions/operator/api/answers.ts';
import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import { eventIdOf, listedAt, transferPartition } from '#functions/webhooks/deliveries/delivery.ts';
import { deliveriesBetween, shownEvent } from './traces.ts';

/** Most events read for one transfer; a transfer has far fewer states. */
const mostEvents = 500;
/** Rows in one read: several events if endpoints are few, and not too many of one event if endpoints are many. */
const stride = 25;

/** The events about a transfer, the newest first. */
export async function transferEvents(
  { webhooks }: OperatorDependencies,
  transfer: string,
): Promise<Answers['listEvents']['items']> {
  const partition = new Partition(webhooks.dynamo, webhooks.table, transferPartition(transfer));
  const bodies = new Map<string, string>();
  let from = 'DELIVERY#';
  for (;;) {
    const { rows, last } = await partition.page(from, 'DELIVERY#~', stride);
    for (const row of rows) bodies.set(idIn(row), row.body);
    if (last === undefined || bodies.size >= mostEvents) break;
    // Skips the remaining deliveries of this event.
    from = deliveriesBetween(idIn(rows.at(-1)!))[1];
  }
  const { rows } = await partition.page('EVENT#', 'EVENT#~', mostEvents);
  for (const row of rows) bodies.set(idIn(row), row.body);
  return [...bodies.values()]
    .map(shownEvent)
    .filter(({ data }) => data.trackingId === transfer)
    .sort((one, other) => (placeOf(one) < placeOf(other) ? 1 : -1))
    .slice(0, mostEvents);
}

const idIn = ({ pk, sk }: Item): string => eventIdOf({ pk, sk });

const placeOf = ({ timestamp, id }: { readonly timestamp: string; readonly id: string }) => listedAt(timestamp, id);

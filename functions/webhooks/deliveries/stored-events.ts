/** Events with their deliveries and attempts, as operators read them from the webhooks table. */
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import type { AttemptRecord, Delivery } from './delivery.ts';
import * as layout from './delivery.ts';

/** Bytes and time of an event or digest, which each of its deliveries holds, or a row of its own. */
export const storedEventOf = r.rowOf({ body: r.text, eventAt: r.text });

/** Rows in one read: several events if endpoints are few, not too many of one if they are many. */
const stride = 25;

/** An event or digest with its first deliveries, at most `most`; undefined for an unknown id. */
export async function trace(source: TableSource, event: string, most: number) {
  const { pk, sk } = layout.eventKey(event);
  const partition = new Partition(source, pk);
  const { rows, last } = await partition.page(...layout.deliveriesBetween(event), most);
  const row = rows[0] ?? (await partition.range(sk, sk))[0];
  return row && { stored: storedEventOf(row), deliveries: rows.map(layout.deliveryOf), hasMore: last !== undefined };
}

/** Attempts at a delivery, the last ones, at most `most`, in their order. */
export async function attemptsAt(source: TableSource, delivery: Delivery, most: number): Promise<AttemptRecord[]> {
  const { event, lastAttempt: last } = delivery;
  if (!last) return [];
  const earlier = layout.attemptsOf(delivery);
  const { rows } = await new Partition(source, layout.eventKey(event).pk).page(earlier, `${earlier}~`, most, true);
  // The last attempt may already have a row, which is written before the next attempt replaces it.
  const isLast = ({ startedAt, attempt }: AttemptRecord) => startedAt === last.startedAt && attempt === last.attempt;
  const others = rows.map(layout.attemptOf).filter((each) => !isLast(each));
  return [...others.reverse(), last].slice(-most);
}

/** Bodies of the events whose ids begin as those about a transfer do. In no order, `most` and a few at the most. */
export async function bodiesOf(source: TableSource, transfer: string, most: number): Promise<string[]> {
  const partition = new Partition(source, layout.transferPartition(transfer));
  const bodies = new Map<string, string>();
  const add = (row: Item) => bodies.set(layout.eventIdOf(row.sk), storedEventOf(row).body);
  let from = 'DELIVERY#';
  for (;;) {
    const { rows, last } = await partition.page(from, 'DELIVERY#~', stride);
    rows.forEach(add);
    if (last === undefined || bodies.size >= most) break;
    // Skips the remaining deliveries of this event.
    from = layout.deliveriesBetween(layout.eventIdOf(rows.at(-1)!.sk))[1];
  }
  const { rows } = await partition.page('EVENT#', 'EVENT#~', most);
  rows.forEach(add);
  return [...bodies.values()];
}

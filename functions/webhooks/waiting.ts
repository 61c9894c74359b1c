import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { getRows, type Key, rowName } from '../batches.ts';
import { type Patience, patienceUntil } from '../pauses.ts';
import {
  type Delivery,
  type DeliveryName,
  dayParts,
  deliveryKey,
  deliveryNameOf,
  duePart,
  eventIdOf,
  heldPart,
} from './delivery.ts';
import type { Endpoint } from './endpoint.ts';
import { kindFor } from './format.ts';

/** Indexes of the webhooks table; each holds nothing but keys. */
export const indexes = {
  /** Retries, and what is held. Keys: `due`, `dueAt` (Unix milliseconds). */
  waiting: 'waiting',
  /** Events, each once, under one of its deliveries or by itself. Keys: `day` (`YYYY-MM-DD`), `listedAt` (time and id). */
  byDay: 'by-day',
} as const;

/** Deliveries read at once. */
const pageSize = 100;

/**
 * Ids of events whose retries to an endpoint are due, the oldest first, as far as the index knows already: some at once.
 *
 * @param until Unix time in milliseconds
 */
export async function dueEvents(
  client: DynamoDBClient,
  table: string,
  endpoint: string,
  until: number,
  limit = pageSize,
): Promise<{ readonly event: string; readonly dueAt: number }[]> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: table,
      IndexName: indexes.waiting,
      KeyConditionExpression: 'due = :part AND dueAt <= :until',
      ExpressionAttributeValues: marshall({ ':part': duePart(endpoint), ':until': until }),
      Limit: limit,
    }),
  );
  return Items.map((item) => {
    const row = unmarshall(item);
    return { event: deliveryNameOf(row as Key).event, dueAt: row.dueAt };
  });
}

/** The retries of an endpoint that wait for a time between two instants, both included, page by page, as they are now. */
export async function* retriesBetween(
  client: DynamoDBClient,
  table: string,
  endpoint: string,
  from: number,
  until: number,
  patience: Patience,
): AsyncGenerator<Delivery[]> {
  const condition = { KeyConditionExpression: 'due = :part AND dueAt BETWEEN :from AND :until' };
  const values = { ':part': duePart(endpoint), ':from': from, ':until': until };
  yield* pages(client, table, { IndexName: indexes.waiting, ...condition }, values, patience);
}

/** The held deliveries of an endpoint with events from `from` to before `until` (Unix milliseconds), page by page. */
export async function* heldDeliveries(
  client: DynamoDBClient,
  table: string,
  endpoint: string,
  from: number,
  until: number,
  patience: Patience,
): AsyncGenerator<Delivery[]> {
  const condition = { KeyConditionExpression: 'due = :part AND dueAt BETWEEN :from AND :until' };
  const values = { ':part': heldPart(endpoint), ':from': from, ':until': until - 1 };
  yield* pages(client, table, { IndexName: indexes.waiting, ...condition }, values, patience);
}

/**
 * All deliveries to an endpoint of events from `from` to before `until` (ISO 8601), the oldest first, page by page. All events
 * are looked through, whether the endpoint wanted them or not.
 *
 * @param now Unix time in milliseconds
 */
export async function* endpointDeliveries(
  client: DynamoDBClient,
  table: string,
  { name, format }: Pick<Endpoint, 'name' | 'format'>,
  { from, until }: { readonly from: string; readonly until: string },
  now: number,
  patience: Patience,
): AsyncGenerator<Delivery[]> {
  for (const part of dayParts(kindFor(format), from, until, now)) {
    const query = {
      IndexName: indexes.byDay,
      KeyConditionExpression: '#day = :day AND listedAt BETWEEN :from AND :until',
      ExpressionAttributeNames: { '#day': 'day' },
    };
    yield* pages(client, table, query, { ':day': part, ':from': from, ':until': until }, patience, (key) => ({
      event: eventIdOf(key),
      endpoint: name,
    }));
  }
}

/** Reads deliveries as they are now. */
export async function readDeliveries(
  client: DynamoDBClient,
  table: string,
  names: readonly DeliveryName[],
  patience = patienceUntil(),
): Promise<Delivery[]> {
  const keys = names.map(deliveryKey);
  const rows = await getRows(client, table, keys, patience);
  return keys.flatMap((key) => {
    const row = rows.get(rowName(key));
    return row ? [{ ...row, ...deliveryNameOf(key) } as Delivery] : [];
  });
}

async function* pages(
  client: DynamoDBClient,
  table: string,
  query: Partial<QueryCommandInput>,
  values: Record<string, unknown>,
  patience: Patience,
  nameOf: (key: Key) => DeliveryName = deliveryNameOf,
): AsyncGenerator<Delivery[]> {
  let start: QueryCommandInput['ExclusiveStartKey'];
  do {
    const page = await client.send(
      new QueryCommand({
        ...query,
        TableName: table,
        ExpressionAttributeValues: marshall(values),
        ExclusiveStartKey: start,
        Limit: pageSize,
      }),
    );
    const keys = (page.Items ?? []).map((item) => unmarshall(item) as Key);
    // The index may lag behind: what counts is the row itself.
    if (keys.length > 0) yield await readDeliveries(client, table, keys.map(nameOf), patience);
    start = page.LastEvaluatedKey;
  } while (start);
}

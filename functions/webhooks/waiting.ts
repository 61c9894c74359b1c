import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { getRows, type Key, rowName } from '../batches.ts';
import { type Patience, patienceUntil } from '../pauses.ts';
import { type Delivery, type DeliveryName, deliveryKey, deliveryNameOf, heldPart } from './delivery.ts';

/** Indexes of the webhooks table; each holds nothing but keys. */
export const indexes = {
  /** Deliveries that wait: for their time, or for an operator. Keys: `due`, `dueAt` (Unix milliseconds). */
  waiting: 'waiting',
  /** All deliveries of an endpoint. Keys: `endpoint`, `eventAt` (ISO 8601). */
  byEndpoint: 'by-endpoint',
  /** All events, but no notices. Keys: `day` (`YYYY-MM-DD`), `at` (ISO 8601). */
  byDay: 'by-day',
  /** The events about a transfer. Keys: `trackingId`, `at` (ISO 8601). */
  byTransfer: 'by-transfer',
} as const;

/** Deliveries read at once. */
const pageSize = 100;

/**
 * The deliveries of a part of the waiting index that the sweep is to look after between two instants, both included, the
 * oldest first, page by page, as they are now.
 */
export async function* waitingDeliveries(
  client: DynamoDBClient,
  table: string,
  part: string,
  from: number,
  until: number,
  patience: Patience,
): AsyncGenerator<Delivery[]> {
  const condition = { KeyConditionExpression: 'due = :part AND dueAt BETWEEN :from AND :until' };
  const values = { ':part': part, ':from': from, ':until': until };
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

/** All deliveries of an endpoint with events from `from` to before `until` (ISO 8601), page by page. */
export async function* endpointDeliveries(
  client: DynamoDBClient,
  table: string,
  endpoint: string,
  from: string,
  until: string,
  patience: Patience,
): AsyncGenerator<Delivery[]> {
  const condition = { KeyConditionExpression: 'endpoint = :endpoint AND eventAt BETWEEN :from AND :until' };
  const values = { ':endpoint': endpoint, ':from': from, ':until': until };
  const query = { IndexName: indexes.byEndpoint, ...condition };
  for await (const page of pages(client, table, query, values, patience)) {
    yield page.filter(({ eventAt }) => eventAt < until);
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
    if (keys.length > 0) yield await readDeliveries(client, table, keys.map(deliveryNameOf), patience);
    start = page.LastEvaluatedKey;
  } while (start);
}

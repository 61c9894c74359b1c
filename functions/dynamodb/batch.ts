import type { DynamoDBClient, WriteRequest } from '@aws-sdk/client-dynamodb';
import { BatchGetItemCommand, BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { pause, type RetryBudget, retryBudget } from '#functions/clock/backoff.ts';
import type { Item, Key } from './row.ts';

/** Rows that DynamoDB takes in one call: 100 in `BatchGetItem`, 25 in `BatchWriteItem`. */
const getLimit = 100;
const putLimit = 25;

/** Calls in a row without progress before the rest is given up: their pauses last up to eleven seconds. */
const maxIdleCalls = 8;

/** Thrown when DynamoDB keeps leaving rows of a batch unprocessed. */
export class BatchLeftoverError extends Error {
  override readonly name = 'BatchLeftoverError';
}

/** Reads rows in the order of their keys, consistently unless they may lag. @throws BatchLeftoverError for unread ones */
export async function getRows(
  client: DynamoDBClient,
  table: string,
  keys: readonly Key[],
  budget = retryBudget(),
  mayLag = false,
) {
  const rows = new Map<string, Item>();
  const distinct = new Map(keys.map((key) => [rowName(key), marshall(key)]));
  await inBatches([...distinct.values()], getLimit, 'unread', budget, async (Keys) => {
    const { Responses, UnprocessedKeys } = await client.send(
      new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: !mayLag } } }),
    );
    for (const item of Responses?.[table] ?? []) {
      const row = unmarshall(item);
      rows.set(rowName(row), row);
    }
    return UnprocessedKeys?.[table]?.Keys;
  });
  return keys.map((key) => rows.get(rowName(key)));
}

export const rowName = ({ pk, sk }: Key | Item): string => `${pk} ${sk}`;

/** Overwrites whole rows, no two with one key; returns write units. @throws BatchLeftoverError for unwritten rows */
export async function putRows(client: DynamoDBClient, table: string, rows: readonly Item[], budget = retryBudget()) {
  const requests = rows.map((row) => ({ PutRequest: { Item: marshall(row, { removeUndefinedValues: true }) } }));
  let units = 0;
  await inBatches<WriteRequest>(requests, putLimit, 'unwritten', budget, async (batch) => {
    const { UnprocessedItems, ConsumedCapacity } = await client.send(
      new BatchWriteItemCommand({ RequestItems: { [table]: batch }, ReturnConsumedCapacity: 'TOTAL' }),
    );
    units += ConsumedCapacity?.[0]?.CapacityUnits ?? 0;
    return UnprocessedItems?.[table];
  });
  return units;
}

export const batchesOf = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));

/** Sends entries in batches, and repeats leftovers after a pause for as long as there is time. */
async function inBatches<Entry>(
  entries: readonly Entry[],
  limit: number,
  undone: string,
  budget: RetryBudget,
  send: (batch: Entry[]) => Promise<Entry[] | undefined>,
): Promise<void> {
  let waiting = entries;
  let idleCalls = 0;
  while (waiting.length > 0) {
    const batch = waiting.slice(0, limit);
    const left = (await send(batch)) ?? [];
    waiting = [...left, ...waiting.slice(limit)];
    if (left.length === 0) {
      idleCalls = 0;
      continue;
    }
    idleCalls = left.length < batch.length ? 1 : idleCalls + 1;
    if (idleCalls > maxIdleCalls || !(await pause(idleCalls, budget)))
      throw new BatchLeftoverError(
        `DynamoDB left ${waiting.length} of ${entries.length} rows ${undone}; look at the table's throttled requests`,
      );
  }
}

import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item } from './table.ts';

/** Key of a row. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** Rows that DynamoDB takes in one call, for reading and for writing. */
const getLimit = 100;
const putLimit = 25;

/** Calls for what DynamoDB left over before giving up. */
const maxCalls = 8;

/** Thrown when DynamoDB keeps leaving rows of a batch undone. */
export class BatchLeftoverError extends Error {
  override readonly name = 'BatchLeftoverError';
}

/**
 * Reads rows by their keys, strongly consistent, in as many calls as it takes.
 *
 * @param keys each at most once
 * @returns by `pk` and `sk` joined with a space; missing rows are missing
 * @throws BatchLeftoverError when DynamoDB leaves some unread time and again
 */
export async function getRows(
  client: DynamoDBClient,
  table: string,
  keys: readonly Key[],
): Promise<ReadonlyMap<string, Item>> {
  const rows = new Map<string, Item>();
  let left: Record<string, AttributeValue>[] = keys.map((key) => marshall(key));
  for (let call = 0; left.length > 0; call += 1) {
    if (call >= maxCalls + keys.length / getLimit) throw new BatchLeftoverError(`${left.length} rows were left unread`);
    const Keys = left.slice(0, getLimit);
    const { Responses, UnprocessedKeys } = await client.send(
      new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } }),
    );
    for (const item of Responses?.[table] ?? []) {
      const row = unmarshall(item);
      rows.set(rowName(row as unknown as Key), row);
    }
    left = [...(UnprocessedKeys?.[table]?.Keys ?? []), ...left.slice(getLimit)];
  }
  return rows;
}

/** The name of a row in the answer of {@link getRows}. */
export const rowName = ({ pk, sk }: Key): string => `${pk} ${sk}`;

/**
 * Writes whole rows, over whatever stands there.
 *
 * @param rows each with `pk` and `sk`, no two of the same key
 * @throws BatchLeftoverError when DynamoDB leaves some unwritten time and again
 */
export async function putRows(client: DynamoDBClient, table: string, rows: readonly Item[]): Promise<void> {
  let left: WriteRequest[] = rows.map((row) => ({
    PutRequest: { Item: marshall(row, { removeUndefinedValues: true }) },
  }));
  for (let call = 0; left.length > 0; call += 1) {
    if (call >= maxCalls + rows.length / putLimit)
      throw new BatchLeftoverError(`${left.length} rows were left unwritten`);
    const { UnprocessedItems } = await client.send(
      new BatchWriteItemCommand({ RequestItems: { [table]: left.slice(0, putLimit) } }),
    );
    left = [...(UnprocessedItems?.[table] ?? []), ...left.slice(putLimit)];
  }
}

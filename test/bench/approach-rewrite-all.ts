import {
  BatchWriteItemCommand,
  type BatchWriteItemCommandInput,
  type BatchWriteItemCommandOutput,
  QueryCommand,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import type { Units } from '#functions/dynamodb/partition.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { type Approach, losesAll } from './approach.ts';
import { announce, type PlainChange } from './plain-announcement.ts';
import type { PlainServer } from './plain-listing.ts';
import type { BenchDependencies } from './polling.ts';

/** Requests to DynamoDB under way at the same time, as many as the project's own poll has. */
const concurrency = 16;

/** Items that one BatchWriteItem takes at most. */
const batchSize = 25;

/** The second way to write it: read the whole last listing, compare in memory, and store the whole new one. */
export const rewriteAll = (deps: BenchDependencies, server: PlainServer): Approach => ({
  name: 'Query, rewrite all',
  limit: 'memory',
  loses: losesAll,
  writesFollow: 'transfers',
  largestMeasured: Number.POSITIVE_INFINITY,
  largestPossible: Number.POSITIVE_INFINITY,
  async poll(watch) {
    const units: Units = { read: 0, write: 0 };
    const listed = await server.list(watch);
    const stored = await readAll(deps, watch, units);
    const changes: PlainChange[] = [];
    for (const [trackingId, state] of listed) {
      const previousState = stored.get(trackingId);
      if (previousState !== undefined && previousState !== state) changes.push({ trackingId, state, previousState });
    }
    await writeAll(deps, watch, listed, units);
    await announce(deps, watch, changes);
    return { changed: changes.length, units };
  },
});

async function readAll({ dynamo, table }: BenchDependencies, watch: Watch, units: Units) {
  const stored = new Map<string, string>();
  let start: QueryCommandOutput['LastEvaluatedKey'];
  do {
    const page: QueryCommandOutput = await dynamo.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: partitionOf(watch) } },
        ConsistentRead: true,
        ReturnConsumedCapacity: 'TOTAL',
        ExclusiveStartKey: start,
      }),
    );
    units.read += page.ConsumedCapacity?.CapacityUnits ?? 0;
    for (const { sk, state } of page.Items ?? []) stored.set(sk!.S!, state!.S!);
    start = page.LastEvaluatedKey;
  } while (start);
  return stored;
}

async function writeAll(
  { dynamo, table }: BenchDependencies,
  watch: Watch,
  listed: ReadonlyMap<string, string>,
  units: Units,
): Promise<void> {
  const requests = [...listed].map(([trackingId, state]) => ({
    PutRequest: { Item: { pk: { S: partitionOf(watch) }, sk: { S: trackingId }, state: { S: state } } },
  }));
  const batches = Array.from({ length: Math.ceil(requests.length / batchSize) }, (_, index) =>
    requests.slice(index * batchSize, (index + 1) * batchSize),
  );
  await pLimit(concurrency).map(batches, async (batch) => {
    let left: BatchWriteItemCommandInput['RequestItems'] = { [table]: batch };
    while (left && Object.keys(left).length > 0) {
      const { UnprocessedItems, ConsumedCapacity }: BatchWriteItemCommandOutput = await dynamo.send(
        new BatchWriteItemCommand({ RequestItems: left, ReturnConsumedCapacity: 'TOTAL' }),
      );
      for (const { CapacityUnits = 0 } of ConsumedCapacity ?? []) units.write += CapacityUnits;
      left = UnprocessedItems;
    }
  });
}

const partitionOf = (watch: Watch): string => `REWRITE-ALL#${watchKey(watch)}`;

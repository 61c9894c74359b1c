import { PutItemCommand, QueryCommand, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import type { Units } from '#functions/dynamodb/partition.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { type Approach, losesAll } from './approach.ts';
import { announce, type PlainChange } from './plain-announcement.ts';
import type { PlainServer } from './plain-listing.ts';
import type { BenchDependencies } from './polling.ts';

/** Requests to DynamoDB under way at the same time, as many as the project's own poll has. */
const concurrency = 16;

/** What most would write: read the whole last listing, eventually consistent, compare, and put what has changed. */
export const putChanged = (deps: BenchDependencies, server: PlainServer): Approach => ({
  name: 'Query, put changed',
  limit: 'memory',
  loses: losesAll,
  writesFollow: 'changes',
  largestMeasured: Number.POSITIVE_INFINITY,
  largestPossible: Number.POSITIVE_INFINITY,
  async poll(watch) {
    const units: Units = { read: 0, write: 0 };
    const listed = await server.list(watch);
    const stored = await readAll(deps, watch, units);
    const changes: PlainChange[] = [];
    const changed = [...listed].filter(([trackingId, state]) => stored.get(trackingId) !== state);
    await pLimit(concurrency).map(changed, async ([trackingId, state]) => {
      const { ConsumedCapacity } = await deps.dynamo.send(
        new PutItemCommand({
          TableName: deps.table,
          Item: { pk: { S: partitionOf(watch) }, sk: { S: trackingId }, state: { S: state } },
          ReturnConsumedCapacity: 'TOTAL',
        }),
      );
      units.write += ConsumedCapacity?.CapacityUnits ?? 0;
      const previousState = stored.get(trackingId);
      if (previousState !== undefined) changes.push({ trackingId, state, previousState });
    });
    await announce(deps, watch, changes);
    return { changed: changes.length, units };
  },
});

async function readAll({ dynamo, table }: BenchDependencies, watch: Watch, units: Units): Promise<Map<string, string>> {
  const stored = new Map<string, string>();
  let start: QueryCommandOutput['LastEvaluatedKey'];
  do {
    const page: QueryCommandOutput = await dynamo.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: partitionOf(watch) } },
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

const partitionOf = (watch: Watch): string => `PUT-CHANGED#${watchKey(watch)}`;

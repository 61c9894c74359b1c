import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import type { Units } from '#functions/dynamodb/partition.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { type Approach, losesAll } from './approach.ts';
import { announce, type PlainChange } from './plain-announcement.ts';
import type { PlainServer } from './plain-listing.ts';
import type { BenchDependencies } from './polling.ts';

/** Requests to DynamoDB under way at the same time, as many as the project's own poll has. */
const concurrency = 16;

/** The first way to write it: ask the table about each transfer of the listing, and put those that changed. */
export const getEach = (deps: BenchDependencies, server: PlainServer): Approach => ({
  name: 'GetItem each',
  limit: 'none',
  loses: losesAll,
  writesFollow: 'changes',
  // Half a million requests, which 100,000 transfers would take, keep the embedded database busy for minutes.
  largestMeasured: 10_000,
  largestPossible: Number.POSITIVE_INFINITY,
  async poll(watch) {
    const units: Units = { read: 0, write: 0 };
    const changes: PlainChange[] = [];
    const listed = await server.list(watch);
    await pLimit(concurrency).map(listed, async ([trackingId, state]) => {
      const Key = keyOf(watch, trackingId);
      const { Item, ConsumedCapacity: read } = await deps.dynamo.send(
        new GetItemCommand({ TableName: deps.table, Key, ConsistentRead: true, ReturnConsumedCapacity: 'TOTAL' }),
      );
      units.read += read?.CapacityUnits ?? 0;
      const previousState = Item?.state?.S;
      if (previousState === state) return;
      const { ConsumedCapacity: written } = await deps.dynamo.send(
        new PutItemCommand({
          TableName: deps.table,
          Item: { ...Key, state: { S: state } },
          ReturnConsumedCapacity: 'TOTAL',
        }),
      );
      units.write += written?.CapacityUnits ?? 0;
      if (previousState !== undefined) changes.push({ trackingId, state, previousState });
    });
    await announce(deps, watch, changes);
    return { changed: changes.length, units };
  },
});

const keyOf = (watch: Watch, trackingId: string) => ({
  pk: { S: `GET-EACH#${watchKey(watch)}` },
  sk: { S: trackingId },
});

import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Units } from '#functions/dynamodb/partition.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { type Approach, losesAll } from './approach.ts';
import { announce, type PlainChange } from './plain-announcement.ts';
import type { PlainServer } from './plain-listing.ts';
import type { BenchDependencies } from './polling.ts';

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** What the frugal would write: the whole listing as one compressed item, put when anything in it has changed. */
export const oneItem = (deps: BenchDependencies, server: PlainServer): Approach => ({
  name: 'compressed item',
  limit: '400 KB: some 38,000',
  loses: losesAll,
  writesFollow: 'transfers',
  largestMeasured: Number.POSITIVE_INFINITY,
  // DynamoDB takes no item of more than 400 KB.
  largestPossible: 35_000,
  async poll(watch) {
    const { dynamo, table: TableName } = deps;
    const units: Units = { read: 0, write: 0 };
    const listed = await server.list(watch);
    const Key = keyOf(watch);
    const { Item, ConsumedCapacity } = await dynamo.send(
      new GetItemCommand({ TableName, Key, ReturnConsumedCapacity: 'TOTAL' }),
    );
    units.read += ConsumedCapacity?.CapacityUnits ?? 0;
    const packed = Item?.listing?.B;
    const stored = new Map<string, string>(packed ? JSON.parse(String(await expand(packed))) : []);
    const changes: PlainChange[] = [];
    for (const [trackingId, state] of listed) {
      const previousState = stored.get(trackingId);
      if (previousState !== undefined && previousState !== state) changes.push({ trackingId, state, previousState });
    }
    if (!packed || changes.length > 0 || listed.size !== stored.size) {
      const listing = { B: await compress(JSON.stringify([...listed])) };
      const { ConsumedCapacity: written } = await dynamo.send(
        new PutItemCommand({ TableName, Item: { ...Key, listing }, ReturnConsumedCapacity: 'TOTAL' }),
      );
      units.write += written?.CapacityUnits ?? 0;
    }
    await announce(deps, watch, changes);
    return { changed: changes.length, units };
  },
});

const keyOf = (watch: Watch) => ({ pk: { S: `ONE-ITEM#${watchKey(watch)}` }, sk: { S: 'LISTING' } });

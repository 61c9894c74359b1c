import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { GetItemCommand, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import type { Units } from '#functions/dynamodb/partition.ts';
import { publishEvents } from '#functions/events/publish.ts';
import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { BenchDependencies } from '#test/bench/section.ts';
import type { PlainServer } from './plain-server.ts';
import { pollOnce } from './polling.ts';

/** A way to notice and announce the changes of a mailbox since the last poll. */
export interface Way {
  /** Its name in the tables. */
  readonly name: string;
  /** The largest mailbox that it can have, in transfers. */
  readonly largest: number;
  /**
   * Polls once. The first poll of a mailbox stores its transfers without an announcement.
   *
   * @returns the number of changes that were announced, and the units of DynamoDB
   */
  poll(watch: Watch): Promise<{ readonly changed: number; readonly units: Units }>;
}

type Listing = ReadonlyMap<string, string>;

/** Requests to DynamoDB in flight, as many as the project's own poll has. */
const concurrency = 16;

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** This project's own poll. */
export const notifier = (deps: BenchDependencies): Way => ({
  name: 'Transfer Notifier',
  largest: Number.POSITIVE_INFINITY,
  poll: (watch) => pollOnce(deps, watch),
});

/** The way that most would write: query the whole last listing, eventually consistent, compare, and put each change. */
export const putChanged = (deps: BenchDependencies, server: PlainServer): Way => ({
  name: 'Query, put changed',
  largest: Number.POSITIVE_INFINITY,
  async poll(watch) {
    const { dynamo, table } = deps;
    const units: Units = { read: 0, write: 0 };
    const pk = { S: `PUT-CHANGED#${watchKey(watch)}` };
    const listed = await server.list(watch);
    const stored = new Map<string, string>();
    const query = {
      TableName: table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
      ReturnConsumedCapacity: 'TOTAL',
    } as const;
    for await (const { Items = [], ConsumedCapacity } of paginateQuery({ client: dynamo }, query)) {
      units.read += ConsumedCapacity?.CapacityUnits ?? 0;
      for (const { sk, state } of Items) stored.set(sk!.S!, state!.S!);
    }
    const different = [...listed].filter(([trackingId, state]) => stored.get(trackingId) !== state);
    await pLimit(concurrency).map(different, async ([trackingId, state]) => {
      const Item = { pk, sk: { S: trackingId }, state: { S: state } };
      const { ConsumedCapacity } = await dynamo.send(
        new PutItemCommand({ TableName: table, Item, ReturnConsumedCapacity: 'TOTAL' }),
      );
      units.write += ConsumedCapacity?.CapacityUnits ?? 0;
    });
    return { changed: await announceChanges(deps, watch, listed, stored), units };
  },
});

/** The frugal way: the whole listing as one compressed item, put when anything in it has changed. */
export const oneItem = (deps: BenchDependencies, server: PlainServer): Way => ({
  name: 'compressed item',
  // DynamoDB takes no item of more than 400 KB.
  largest: 35_000,
  async poll(watch) {
    const { dynamo, table: TableName } = deps;
    const listed = await server.list(watch);
    const Key = { pk: { S: `ONE-ITEM#${watchKey(watch)}` }, sk: { S: 'LISTING' } };
    const { Item, ConsumedCapacity: read } = await dynamo.send(
      new GetItemCommand({ TableName, Key, ReturnConsumedCapacity: 'TOTAL' }),
    );
    const units: Units = { read: read?.CapacityUnits ?? 0, write: 0 };
    const packed = Item?.listing?.B;
    const stored = new Map<string, string>(packed ? JSON.parse(String(await expand(packed))) : []);
    const isDifferent = ([trackingId, state]: [string, string]) => stored.get(trackingId) !== state;
    if (listed.size !== stored.size || [...listed].some(isDifferent)) {
      const listing = { B: await compress(JSON.stringify([...listed])) };
      const { ConsumedCapacity: written } = await dynamo.send(
        new PutItemCommand({ TableName, Item: { ...Key, listing }, ReturnConsumedCapacity: 'TOTAL' }),
      );
      units.write = written?.CapacityUnits ?? 0;
    }
    return { changed: await announceChanges(deps, watch, listed, stored), units };
  },
});

/**
 * Publishes an event for each transfer with a changed state. The project's own code does it, so that SNS costs all ways
 * the same.
 *
 * @returns their number
 */
async function announceChanges(
  { origin, topic, now }: BenchDependencies,
  watch: Watch,
  listed: Listing,
  stored: Listing,
): Promise<number> {
  const observedAt = now().toISOString();
  const events = [...listed].flatMap(([trackingId, state]) => {
    const previousState = stored.get(trackingId);
    if (previousState === undefined || previousState === state) return [];
    return transferEvent(origin, watch, { trackingId, state, previousState, sequence: 1 }, observedAt);
  });
  const { error } = await publishEvents(topic, events.map(eventBody));
  if (error) throw error;
  return events.length;
}

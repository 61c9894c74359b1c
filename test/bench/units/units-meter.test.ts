import { PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createWebhooksTable,
  type EmbeddedServices,
  startEmbeddedServices,
} from '#infra/local/services/embedded-services.ts';
import { meteredDatabase } from './metered.ts';

const TableName = 'metered';
let services: EmbeddedServices;
let database: ReturnType<typeof meteredDatabase>;

beforeAll(async () => {
  services = await startEmbeddedServices();
  database = meteredDatabase(services);
  await createWebhooksTable(database.onlooker, TableName);
});
afterAll(async () => {
  database.close();
  await services.close();
});

const key = { pk: { S: 'EVENT#1' }, sk: { S: 'a' } };
const indexed = { due: { S: 'DUE#0' }, dueAt: { N: '1' }, day: { S: '2026-11-24' }, listedAt: { S: '2026' } };
const put = new PutItemCommand({ TableName, Item: { ...key, ...indexed } });
const refusedPut = new PutItemCommand({ ...put.input, ConditionExpression: 'attribute_not_exists(pk)' });
const update = (
  UpdateExpression: string,
  ExpressionAttributeValues?: UpdateItemCommand['input']['ExpressionAttributeValues'],
) => new UpdateItemCommand({ TableName, Key: key, UpdateExpression, ExpressionAttributeValues });
const query = (ConsistentRead: boolean) =>
  new QueryCommand({
    TableName,
    ConsistentRead,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: 'nothing' } },
  });
const unitsOf = (command: PutItemCommand | QueryCommand | UpdateItemCommand) =>
  database.meter.of(() => database.dynamo.send(command as PutItemCommand));

describe('UnitsMeter', () => {
  test('counts a write to an index to add or to remove an entry, two to move it, and none for one that stays', async () => {
    expect(await unitsOf(put)).toEqual({ read: 0, write: 1 + 2 });
    expect(await unitsOf(update('SET note = :note', { ':note': { S: 'x' } }))).toEqual({ read: 0, write: 1 });
    expect(await unitsOf(update('SET dueAt = :at', { ':at': { N: '2' } }))).toEqual({ read: 0, write: 1 + 2 });
    expect(await unitsOf(update('REMOVE due, dueAt'))).toEqual({ read: 0, write: 1 + 1 });
  });

  test('counts a query that finds nothing, half as much if it need not be consistent', async () => {
    expect(await unitsOf(query(true))).toEqual({ read: 1, write: 0 });
    expect(await unitsOf(query(false))).toEqual({ read: 0.5, write: 0 });
  });

  test('counts a refused write as one', async () => {
    const refused = () => expect(database.dynamo.send(refusedPut)).rejects.toThrow();
    expect(await database.meter.of(refused)).toEqual({ read: 0, write: 1 });
  });
});

import { DynamoDBClient, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createWebhooksTable,
  type EmbeddedServices,
  startEmbeddedServices,
} from '#infra/local/services/embedded-services.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { indexWrites, UnitsMeter } from './units-meter.ts';

const TableName = 'metered';
let services: EmbeddedServices;
let dynamo: DynamoDBClient;
let meter: UnitsMeter;

beforeAll(async () => {
  services = await startEmbeddedServices();
  const database = {
    ...sdkSettings(services.sdkEnvironment),
    endpoint: services.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  };
  dynamo = new DynamoDBClient(database);
  const onlooker = new DynamoDBClient(database);
  await createWebhooksTable(onlooker, TableName);
  meter = new UnitsMeter(dynamo, onlooker);
});

afterAll(() => services.close());

const row = (sk: string) => ({ pk: { S: 'EVENT#1' }, sk: { S: sk } });
const indexed = { due: { S: 'DUE#0' }, dueAt: { N: '1' }, day: { S: '2026-11-24' }, listedAt: { S: '2026' } };
const put = (Item: object) => dynamo.send(new PutItemCommand({ TableName, Item: { ...row('a'), ...Item } }));
const update = (UpdateExpression: string, values?: object) =>
  dynamo.send(
    new UpdateItemCommand({
      TableName,
      Key: row('a'),
      UpdateExpression,
      ...(values && { ExpressionAttributeValues: { ...values } }),
    }),
  );

test('an index is written once to add or remove an entry, twice to move one, and not for what stays', () => {
  expect(indexWrites(undefined, undefined)).toBe(0);
  expect(indexWrites(undefined, 'a')).toBe(1);
  expect(indexWrites('a', undefined)).toBe(1);
  expect(indexWrites('a', 'a')).toBe(0);
  expect(indexWrites('a', 'b')).toBe(2);
});

test('writes to indexes count beside those to the table', async () => {
  expect(await meter.of(() => put(indexed))).toEqual({ read: 0, write: 1 + 2 });
  expect(await meter.of(() => update('SET note = :note', { ':note': { S: 'x' } }))).toEqual({ read: 0, write: 1 });
  expect(await meter.of(() => update('SET dueAt = :at', { ':at': { N: '2' } }))).toEqual({ read: 0, write: 1 + 2 });
  expect(await meter.of(() => update('REMOVE due, dueAt'))).toEqual({ read: 0, write: 1 + 1 });
});

test('a query that finds nothing counts, half as much if it need not be consistent', async () => {
  const query = (ConsistentRead: boolean) =>
    dynamo.send(
      new QueryCommand({
        TableName,
        ConsistentRead,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: 'nothing' } },
      }),
    );
  expect(await meter.of(() => query(true))).toEqual({ read: 1, write: 0 });
  expect(await meter.of(() => query(false))).toEqual({ read: 0.5, write: 0 });
});

test('a refused write counts as one', async () => {
  const command = new PutItemCommand({
    TableName,
    Item: row('a'),
    ConditionExpression: 'attribute_not_exists(pk)',
  });
  const refused = () => expect(dynamo.send(command)).rejects.toThrow();
  expect(await meter.of(refused)).toEqual({ read: 0, write: 1 });
});

import { DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PublishBatchCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  createTopic,
  createWebhooksTable,
  type EmbeddedServices,
  startEmbeddedServices,
} from '#infra/local/services/embedded-services.ts';
import { createQueue } from '#infra/local/services/event-source.ts';
import { startInvocations } from '#infra/local/services/invocations.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { arn, type Service } from './aws-request.ts';
import { type IamProxy, startIamProxy } from './iam-proxy.ts';
import type { Statement } from './role-policy.ts';

const table = arn('dynamodb', 'table/webhooks');
const denied: string[] = [];

let services: EmbeddedServices;
let sdk: ReturnType<typeof sdkSettings>;
let endpoints: Record<Service, string>;
let topic: string;
let queueUrl: string;
let proxy: IamProxy | undefined;

beforeAll(async () => {
  services = await startEmbeddedServices();
  sdk = sdkSettings(services.sdkEnvironment);
  const { AWS_ENDPOINT_URL_DYNAMODB: dynamodb = '', AWS_ENDPOINT_URL_SQS: queues = '' } = services.sdkEnvironment;
  endpoints = { dynamodb, sns: queues, sqs: queues, secretsmanager: '', lambda: '' };
  await createWebhooksTable(new DynamoDBClient({ ...sdk, endpoint: dynamodb }), 'webhooks');
  topic = await createTopic(new SNSClient({ ...sdk, endpoint: queues }), 'events');
  queueUrl = (await createQueue(new SQSClient({ ...sdk, endpoint: queues }), 'wake-ups', 30)).url;
});
beforeEach(() => {
  denied.length = 0;
  return () => proxy?.close();
});
afterAll(() => services.close());

const allow = (actions: string[], resources: string[]): Statement => ({ effect: 'Allow', actions, resources });

/** Settings of clients for a role with these statements. */
async function roleOf(...statements: Statement[]) {
  proxy = await startIamProxy(statements, endpoints, (grant) => denied.push(grant));
  return { ...sdk, endpoint: proxy.url };
}

const put = () => new PutItemCommand({ TableName: 'webhooks', Item: { pk: { S: 'a' }, sk: { S: 'b' } } });
const query = (IndexName?: string) =>
  new QueryCommand({
    TableName: 'webhooks',
    IndexName,
    KeyConditionExpression: '#key = :key',
    ExpressionAttributeNames: { '#key': IndexName ? 'due' : 'pk' },
    ExpressionAttributeValues: { ':key': { S: 'a' } },
  });
const refused = { name: 'AccessDeniedException' };

test('a call that no statement allows is refused, and not carried out', async () => {
  const dynamo = new DynamoDBClient(await roleOf(allow(['dynamodb:Query'], [table])));
  await expect(dynamo.send(put())).rejects.toMatchObject(refused);
  expect((await dynamo.send(query())).Items).toEqual([]);
  expect(denied).toEqual(['dynamodb:PutItem table/webhooks']);
  expect([...proxy!.used]).toEqual(['dynamodb:Query table/webhooks']);
});

test('the right to a table is none to its indexes, and the other way round', async () => {
  const ofTable = new DynamoDBClient(await roleOf(allow(['dynamodb:Query'], [table])));
  await expect(ofTable.send(query('waiting'))).rejects.toMatchObject(refused);
  await proxy!.close();
  const ofIndex = new DynamoDBClient(await roleOf(allow(['dynamodb:Query'], [`${table}/index/waiting`])));
  expect((await ofIndex.send(query('waiting'))).Items).toEqual([]);
  await expect(ofIndex.send(query())).rejects.toMatchObject(refused);
});

test('what is denied somewhere is refused, though it is allowed elsewhere', async () => {
  const deny: Statement = { effect: 'Deny', actions: ['dynamodb:Put*'], resources: ['*'] };
  const dynamo = new DynamoDBClient(await roleOf(allow(['dynamodb:*'], [table]), deny));
  expect((await dynamo.send(query())).Items).toEqual([]);
  await expect(dynamo.send(put())).rejects.toMatchObject(refused);
});

test('batches of messages need the right to the single message, on the very queue or topic', async () => {
  const entries = [{ Id: '0', MessageBody: 'ding' }];
  const send = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries });
  const publish = new PublishBatchCommand({
    TopicArn: topic,
    PublishBatchRequestEntries: [{ Id: '0', Message: 'news' }],
  });
  const may = await roleOf(allow(['sqs:SendMessage'], [arn('sqs', 'wake-ups')]), allow(['sns:Publish'], [topic]));
  const sqs = new SQSClient({ ...may, useQueueUrlAsEndpoint: false });
  expect((await sqs.send(send)).Successful).toHaveLength(1);
  expect((await new SNSClient(may).send(publish)).Successful).toHaveLength(1);
  await proxy!.close();
  const mayNot = await roleOf(allow(['sqs:SendMessage', 'sns:Publish'], [arn('sqs', 'other'), arn('sns', 'other')]));
  await expect(new SQSClient({ ...mayNot, useQueueUrlAsEndpoint: false }).send(send)).rejects.toMatchObject(refused);
  const one = new PublishCommand({ TopicArn: topic, Message: 'news' });
  await expect(new SNSClient(mayNot).send(one)).rejects.toThrow('not authorized');
  expect(denied).toEqual(['sqs:SendMessage wake-ups', 'sns:Publish events']);
});

test('the right to invoke a function is none to invoke another', async () => {
  const answer = async (event: unknown) => ({ event });
  const functions = new Map(['Poll', 'Sweep'].map((name) => [name, answer]));
  const invocations = await startInvocations(functions, sdk.credentials.accessKeyId);
  endpoints.lambda = invocations.url;
  const lambda = new LambdaClient(await roleOf(allow(['lambda:InvokeFunction'], [arn('lambda', 'function:Poll')])));
  const invoke = (FunctionName: string) => lambda.send(new InvokeCommand({ FunctionName, Payload: '{"a":1}' }));
  const { Payload, FunctionError } = await invoke('Poll');
  expect(Payload!.transformToString()).toBe('{"event":{"a":1}}');
  expect(FunctionError).toBeUndefined();
  await expect(invoke('Sweep')).rejects.toMatchObject(refused);
  expect(denied).toEqual(['lambda:InvokeFunction function:Sweep']);
  lambda.destroy();
  await invocations.close();
});

import { DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTopic, createWebhooksTable } from '#infra/local/services/embedded-services.ts';
import { createQueue } from '#infra/local/services/event-source.ts';
import { startInvocations } from '#infra/local/services/invocations.ts';
import { startAws, type TestAws } from '#test/support/aws.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { arn, type Service } from './aws-request.ts';
import { startIamProxy } from './iam-proxy.ts';
import type { Statement } from './role-policy.ts';

const table = arn('dynamodb', 'table/webhooks');
const index = `${table}/index/waiting`;
const [queue, topic] = [arn('sqs', 'wake-ups'), arn('sns', 'events')];
const poll = arn('lambda', 'function:Poll');

let aws: TestAws;
let queueUrl: string;
let endpoints: Record<Service, string>;
let sdk: ReturnType<typeof sdkSettings>;
beforeAll(async () => {
  aws = await startAws();
  sdk = sdkSettings(aws.environment);
  await createWebhooksTable(aws.dynamo, 'webhooks');
  await createTopic(aws.sns, 'events');
  queueUrl = (await createQueue(aws.sqs, 'wake-ups', 30)).url;
  const answer = async () => ({});
  const functions = new Map([['Poll', answer] as const, ['Sweep', answer] as const]);
  const invocations = await startInvocations(functions, aws.environment.AWS_ACCESS_KEY_ID!);
  const { AWS_ENDPOINT_URL_DYNAMODB: dynamodb = '', AWS_ENDPOINT_URL_SQS: queues = '' } = aws.environment;
  endpoints = { dynamodb, sns: queues, sqs: queues, secretsmanager: '', lambda: invocations.url };
  return async () => {
    await invocations.close();
    await aws.close();
  };
});

type Call = (sdk: ReturnType<typeof sdkSettings> & { readonly endpoint: string }) => Promise<unknown>;

const Item = { pk: { S: 'a' }, sk: { S: 'b' } };
const put: Call = (sdk) => new DynamoDBClient(sdk).send(new PutItemCommand({ TableName: 'webhooks', Item }));
const query =
  (IndexName?: string): Call =>
  (sdk) =>
    new DynamoDBClient(sdk).send(
      new QueryCommand({
        TableName: 'webhooks',
        IndexName,
        KeyConditionExpression: '#key = :key',
        ExpressionAttributeNames: { '#key': IndexName ? 'due' : 'pk' },
        ExpressionAttributeValues: { ':key': { S: 'a' } },
      }),
    );
const sendBatch: Call = (sdk) => {
  const Entries = [{ Id: '0', MessageBody: 'ding' }];
  const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries });
  return new SQSClient({ ...sdk, useQueueUrlAsEndpoint: false }).send(command);
};
const publishBatch: Call = (sdk) => {
  const PublishBatchRequestEntries = [{ Id: '0', Message: 'news' }];
  return new SNSClient(sdk).send(new PublishBatchCommand({ TopicArn: topic, PublishBatchRequestEntries }));
};
const invoke =
  (FunctionName: string): Call =>
  (sdk) =>
    new LambdaClient(sdk).send(new InvokeCommand({ FunctionName, Payload: '{}' }));

const denyPuts: Statement = { effect: 'Deny', actions: ['dynamodb:Put*'], resources: ['*'] };

describe('startIamProxy', () => {
  test.each<[requirement: string, allowed: string, resource: string, call: Call, denied?: string]>([
    ['lets an allowed call through', 'dynamodb:*', table, query()],
    ['refuses a denied action', 'dynamodb:*', table, put, 'dynamodb:PutItem table/webhooks'],
    ['refuses another action', 'dynamodb:Scan', table, query(), 'dynamodb:Query table/webhooks'],
    ['lets an index be queried', 'dynamodb:Query', index, query('waiting')],
    ['refuses an index', 'dynamodb:Query', table, query('waiting'), 'dynamodb:Query table/webhooks/index/waiting'],
    ['refuses the table of an index', 'dynamodb:Query', index, query(), 'dynamodb:Query table/webhooks'],
    ['takes a batch of messages for messages', 'sqs:SendMessage', queue, sendBatch],
    ['refuses another queue', 'sqs:SendMessage', `${queue}-2`, sendBatch, 'sqs:SendMessage wake-ups'],
    ['takes a batch of publications for publications', 'sns:Publish', topic, publishBatch],
    ['refuses another topic', 'sns:Publish', `${topic}-2`, publishBatch, 'sns:Publish events'],
    ['lets a function be invoked', 'lambda:InvokeFunction', poll, invoke('Poll')],
    [
      'refuses another function',
      'lambda:InvokeFunction',
      poll,
      invoke('Sweep'),
      'lambda:InvokeFunction function:Sweep',
    ],
  ])('%s', async (_, action, resource, call, expected) => {
    const denied: string[] = [];
    const allow: Statement = { effect: 'Allow', actions: [action], resources: [resource] };
    const proxy = await startIamProxy([allow, denyPuts], endpoints, (grant) => denied.push(grant));
    const settled = await Promise.allSettled([call({ ...sdk, endpoint: proxy.url })]);
    await proxy.close();
    expect(denied).toEqual(expected ? [expected] : []);
    expect(settled).toMatchObject([
      expected ? { reason: { name: expect.stringMatching(/^Authorization|^AccessDenied/) } } : { status: 'fulfilled' },
    ]);
    expect(proxy.used.size).toBe(expected ? 0 : 1);
    expect(await query()({ ...sdk, endpoint: endpoints.dynamodb })).toMatchObject({ Items: [] });
  });
});

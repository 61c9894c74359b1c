import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  type AttributeDefinition,
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  type GlobalSecondaryIndex,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { CreateTopicCommand, type SNSClient } from '@aws-sdk/client-sns';
import { ClassicLevel } from 'classic-level';
import dynalite from 'dynalite';
import { startFauxqs } from 'fauxqs';
import { indexes } from '../../functions/webhooks/waiting.ts';

/** The AWS services of the local run, over real HTTP on this machine only. */
export interface EmbeddedServices {
  /** Variables by which the AWS SDK finds the services. */
  readonly sdkEnvironment: Record<string, string>;
  /** Ends the services; what is under way is cut off. */
  close(): Promise<void>;
}

/** Thrown when the data folder cannot be had; says why. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';

  constructor(data: string, cause: unknown) {
    const { code } = ((cause as Error).cause ?? cause) as { code?: string };
    const isLocked = code === 'LEVEL_LOCKED';
    super(
      isLocked
        ? `the data folder ${data} is in use by another run; stop that one first`
        : `the data folder ${data} cannot be used (${code}); choose another one, or mend it`,
      { cause },
    );
  }
}

/** Any region and any credentials do: nothing leaves this machine. */
const region = 'us-east-1';

/**
 * Starts DynamoDB (dynalite), SNS and SQS (fauxqs) on free ports of the loopback interface.
 *
 * @param data folder that keeps database and queues; in memory without it
 */
export async function startEmbeddedServices(data?: string): Promise<EmbeddedServices> {
  if (data) await reserve(data);
  const database = dynalite({ createTableMs: 0, ...(data && { path: join(data, 'dynamodb') }) });
  database.listen(0, '127.0.0.1');
  await once(database, 'listening');
  const queues = await startFauxqs({
    port: 0,
    host: '127.0.0.1',
    logger: false,
    ...(data && { dataDir: join(data, 'queues') }),
  });
  const queuesUrl = `http://127.0.0.1:${queues.port}`;
  return {
    sdkEnvironment: {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${(database.address() as AddressInfo).port}`,
      AWS_ENDPOINT_URL_SNS: queuesUrl,
      AWS_ENDPOINT_URL_SQS: queuesUrl,
    },
    async close() {
      await queues.stop();
      database.closeAllConnections();
      database.close();
      await once(database, 'close');
    },
  };
}

/**
 * Makes sure that the data folder is there and nobody else's.
 *
 * @throws DataFolderError
 */
async function reserve(data: string): Promise<void> {
  try {
    mkdirSync(join(data, 'queues'), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DataFolderError(data, error);
  }
  // The database itself would only answer every request with an error; its lock ends with its process, however that ends.
  const database = new ClassicLevel(join(data, 'dynamodb'));
  try {
    await database.open();
  } catch (error) {
    throw new DataFolderError(data, error);
  }
  await database.close();
}

/** Creates the transfers table unless it is there. */
export const createTransfersTable = (dynamo: DynamoDBClient, table: string): Promise<void> =>
  createTable(dynamo, table);

/** Creates the webhooks table, with its indexes, unless it is there. */
export const createWebhooksTable = (dynamo: DynamoDBClient, table: string): Promise<void> =>
  createTable(dynamo, table, {
    AttributeDefinitions: [
      ...keyDefinitions,
      { AttributeName: 'due', AttributeType: 'S' },
      { AttributeName: 'dueAt', AttributeType: 'N' },
      { AttributeName: 'endpoint', AttributeType: 'S' },
      { AttributeName: 'eventAt', AttributeType: 'S' },
      { AttributeName: 'day', AttributeType: 'S' },
      { AttributeName: 'trackingId', AttributeType: 'S' },
      { AttributeName: 'at', AttributeType: 'S' },
    ],
    GlobalSecondaryIndexes: [
      index(indexes.waiting, 'due', 'dueAt'),
      index(indexes.byEndpoint, 'endpoint', 'eventAt'),
      index(indexes.byDay, 'day', 'at'),
      index(indexes.byTransfer, 'trackingId', 'at'),
    ],
  });

const keyDefinitions: AttributeDefinition[] = [
  { AttributeName: 'pk', AttributeType: 'S' },
  { AttributeName: 'sk', AttributeType: 'S' },
];

const index = (IndexName: string, hash: string, range: string): GlobalSecondaryIndex => ({
  IndexName,
  KeySchema: [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ],
  Projection: { ProjectionType: 'KEYS_ONLY' },
});

async function createTable(
  dynamo: DynamoDBClient,
  table: string,
  more: Partial<CreateTableCommandInput> = {},
): Promise<void> {
  try {
    await dynamo.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: keyDefinitions,
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        ...more,
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  // It is there a moment before it can be used.
  await waitUntilTableExists({ client: dynamo, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: table });
}

/** Creates a topic unless it is there, and returns its ARN. */
export async function createTopic(sns: SNSClient, name: string): Promise<string> {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: name }));
  return TopicArn!;
}

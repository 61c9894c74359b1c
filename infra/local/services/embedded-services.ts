import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import {
  CreateTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { CreateTopicCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { FastifyInstance, FastifyListenOptions } from 'fastify';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import type { KeyIndex } from '#functions/dynamodb/index-pages.ts';
import { indexes } from '#functions/webhooks/deliveries/delivery.ts';
import { copyOf, type DataCopy } from '#infra/local/data/data-copy.ts';
import { contents, damagedFolder, storageError } from '#infra/local/data/data-folder.ts';
import { openDataFolder } from '#infra/local/data/open-data-folder.ts';
import {
  type Admission,
  guardServer,
  newSecret,
  serveOnLoopback,
  withAccessKey,
} from '#infra/loopback/loopback-guard.ts';
import { closeIterators } from './closed-iterators.ts';
import { createDatabase } from './embedded-database.ts';

/** AWS services of the local run, over HTTP on this machine only. */
export interface EmbeddedServices {
  /** Addresses and credentials of the services, as variables of the AWS SDK. */
  readonly sdkEnvironment: Record<string, string>;
  /** Copies the data folder; undefined without one of embedded services. */
  readonly copyData?: (() => DataCopy) | undefined;
  /** Ends the services, and cuts off requests in flight. */
  close(): Promise<void>;
}

/** Clients of the services, with the table and the topics of polls. */
export interface LocalAws {
  readonly dynamo: DynamoDBClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly transfersTable: string;
  readonly eventsTopicArn: string;
  readonly noticesTopicArn: string;
  readonly snsUrl: string;
}

closeIterators();

/** Arbitrary, as nothing leaves this machine. */
export const region = 'us-east-1';

/**
 * Starts DynamoDB (dynalite), SNS and SQS (fauxqs) on free ports of the loopback interface. They accept only requests
 * with the access key of this start. A later failure of storage is an uncaught error, as no request can succeed.
 *
 * @param data folder of database and queues; in memory without it
 * @throws DataFolderError
 */
export async function startEmbeddedServices(data?: string): Promise<EmbeddedServices> {
  if (data) await openDataFolder(data);
  const accessKeyId = newSecret();
  const admission = withAccessKey(accessKeyId);
  const database = createDatabase(data && join(data, contents.database));
  // Closing ends the database behind the server, too.
  const served = await serveOnLoopback(database.server, admission);
  const queues = await startQueues(admission, data).catch(async (error) => {
    await served.close();
    throw error;
  });
  const queuesUrl = `http://127.0.0.1:${queues.port}`;
  return {
    sdkEnvironment: {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: newSecret(),
      AWS_ENDPOINT_URL_DYNAMODB: served.url,
      AWS_ENDPOINT_URL_SNS: queuesUrl,
      AWS_ENDPOINT_URL_SQS: queuesUrl,
    },
    copyData: data === undefined ? undefined : () => copyOf(data, database.rows),
    async close() {
      await queues.stop();
      await served.close();
    },
  };
}

/** Channel on which Fastify publishes each new instance. */
const fastifyChannel = 'fastify.initialization';

/**
 * Starts fauxqs. It would listen on every interface of the machine, whatever its host setting. So this function guards
 * its server and overrides the host before it listens.
 */
async function startQueues(admission: Admission, data: string | undefined): Promise<FauxqsServer> {
  let isGuarded = false;
  const takeOver = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    const listen: (options: FastifyListenOptions) => Promise<string> = fastify.listen.bind(fastify);
    fastify.listen = ((options: FastifyListenOptions) =>
      listen({ ...options, host: '127.0.0.1' })) as FastifyInstance['listen'];
    fastify.addHook('onError', async (_request, _reply, error) => {
      if (storageError('', error))
        setImmediate(() => {
          throw error;
        });
    });
    guardServer(fastify.server, admission);
    isGuarded = true;
  };
  subscribe(fastifyChannel, takeOver);
  // fauxqs takes settings that are missing here from the environment.
  const settings = { port: 0, host: '127.0.0.1', logger: false, defaultRegion: region, init: {} };
  const starting = startFauxqs({ ...settings, ...(data && { dataDir: join(data, contents.queues) }) });
  unsubscribe(fastifyChannel, takeOver);
  const queues = await starting.catch((error: Error) => {
    const name = `the data folder ${data}`;
    throw storageError(name, error) ?? (data ? damagedFolder(name, `queues/fauxqs.db: ${error.message}`) : error);
  });
  if (isGuarded) return queues;
  await queues.stop();
  throw new Error('fauxqs did not start as it used to: its server is not guarded');
}

/** Creates the transfers table unless it exists. */
export const createTransfersTable = (dynamo: DynamoDBClient, table: string): Promise<void> =>
  createTable(dynamo, table, []);

/** Creates the webhooks table, with its indexes, unless it exists. */
export const createWebhooksTable = (dynamo: DynamoDBClient, table: string): Promise<void> =>
  createTable(dynamo, table, Object.values(indexes));

type Keys = Pick<KeyIndex, 'partitionKey' | 'sortKey'>;

const rowKeys: Keys = { partitionKey: ['pk', 'S'], sortKey: ['sk', 'S'] };

const schemaOf = ({ partitionKey, sortKey }: Keys): KeySchemaElement[] => [
  { AttributeName: partitionKey[0], KeyType: 'HASH' },
  { AttributeName: sortKey[0], KeyType: 'RANGE' },
];

async function createTable(dynamo: DynamoDBClient, table: string, keyIndexes: readonly KeyIndex[]): Promise<void> {
  const attributes = [rowKeys, ...keyIndexes].flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]);
  const creation = new CreateTableCommand({
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: attributes.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: schemaOf(rowKeys),
    // DynamoDB refuses an empty list.
    ...(keyIndexes.length > 0 && {
      GlobalSecondaryIndexes: keyIndexes.map((index) => ({
        IndexName: index.name,
        KeySchema: schemaOf(index),
        Projection: { ProjectionType: 'KEYS_ONLY' },
      })),
    }),
  });
  await dynamo.send(creation).catch((error) => {
    if (!(error instanceof ResourceInUseException)) throw error;
  });
  // A new table takes a moment to become usable.
  await waitUntilTableExists({ client: dynamo, maxWaitTime: 30, minDelay: 0.002, maxDelay: 0.1 }, { TableName: table });
}

/** Creates a topic unless it exists, and returns its ARN. */
export async function createTopic(sns: SNSClient, name: string): Promise<string> {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: name }));
  return TopicArn!;
}

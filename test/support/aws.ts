import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { directRequests, listeningAt, serversOf } from './direct-requests.ts';
import { refuseEmptyIndexKeys } from './empty-index-keys.ts';
import { sdkSettings } from './sdk-settings.ts';
import { trimClient, unsignedRequests } from './unsigned-requests.ts';

/** The AWS services of one test world, which shares nothing with another. */
export interface TestAws {
  /** Settings of its clients, without their endpoints. */
  readonly sdk: DynamoDBClientConfig;
  readonly dynamo: DynamoDBClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  /** Variables by which another process finds the same services. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Worlds started by this process, to tell their regions apart. */
let worlds = 0;

/**
 * Starts the embedded services, or takes another implementation where its address is in the environment.
 * `OUTSIDE_DYNAMODB_URL` replaces DynamoDB alone (Amazon's DynamoDB Local, which keeps a database for each access key).
 * `OUTSIDE_AWS_URL` replaces all three (moto, which keeps everything for each region).
 *
 * @param data folder of the embedded ones; in memory without it
 */
export async function startAws(data?: string): Promise<TestAws> {
  const [embedded, servers] = await serversOf(() => startEmbeddedServices(data));
  const { OUTSIDE_DYNAMODB_URL: database, OUTSIDE_AWS_URL: all } = process.env;
  worlds += 1;
  const environment: Record<string, string> = {
    ...embedded.sdkEnvironment,
    ...(database && { AWS_ENDPOINT_URL_DYNAMODB: database }),
    ...(all && {
      AWS_REGION: `outside-${process.pid}-${worlds}`,
      AWS_ENDPOINT_URL_DYNAMODB: all,
      AWS_ENDPOINT_URL_SNS: all,
      AWS_ENDPOINT_URL_SQS: all,
    }),
  };
  const { AWS_ACCESS_KEY_ID: key, AWS_REGION: region } = embedded.sdkEnvironment;
  const settings = { ...sdkSettings(environment), ...(!database && !all && unsignedRequests(key!, region!)) };
  const server = listeningAt(servers, environment.AWS_ENDPOINT_URL_DYNAMODB!);
  const sdk = { ...settings, ...(server && { requestHandler: directRequests(server, settings) }) };
  const dynamo = new DynamoDBClient({ ...sdk, endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB! });
  const sns = new SNSClient({ ...sdk, endpoint: environment.AWS_ENDPOINT_URL_SNS! });
  const sqs = new SQSClient({ ...sdk, endpoint: environment.AWS_ENDPOINT_URL_SQS!, useQueueUrlAsEndpoint: false });
  for (const client of [dynamo, sns, sqs]) trimClient(client);
  refuseEmptyIndexKeys(dynamo);
  return {
    sdk,
    dynamo,
    sns,
    sqs,
    environment,
    async close() {
      for (const client of [dynamo, sns, sqs]) client.destroy();
      await embedded.close();
    },
  };
}

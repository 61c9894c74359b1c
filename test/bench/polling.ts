import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { steady } from '#functions/clock/instants.ts';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { type PollDependencies, pollRepositories } from '#functions/poll/dependencies.ts';
import { createTopic, createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { setSdkEnvironment } from '#infra/local/services/sdk-environment.ts';
import { clientId, type ServiceAddresses, token } from './services.ts';

/** Pages asked for at the same time, as `server.maxConcurrentPages` has it by default. */
export const maxConcurrentPages = 4;

/** Dependencies of polls, with the table that the other ways use as well. */
export interface BenchDependencies extends PollDependencies {
  readonly dynamo: DynamoDBClient;
  readonly table: string;
}

/** What polls against the embedded services work with; creates table and topics there. */
export async function pollDependencies({ origin, sdkEnvironment }: ServiceAddresses): Promise<BenchDependencies> {
  // The SDK finds the services in the environment, as it does in the local run.
  setSdkEnvironment(sdkEnvironment);
  const dynamo = new DynamoDBClient({});
  const sns = new SNSClient({});
  const table = 'transfers';
  await createTransfersTable(dynamo, table);
  const now = () => new Date();
  return {
    server: new CryptshareClient(
      new ServerCalls({ origin, clientId, maxConcurrentPages, now, steady, random: Math.random, sleep }),
      { tokenFor: async () => token, accepted: () => {}, reject: async (_, { failure }) => failure },
    ),
    tokens: { cachedVerification: () => undefined, forgive: () => {} },
    origin,
    dynamo,
    table,
    ...pollRepositories(dynamo, table, maxConcurrentPages),
    topics: {
      sns,
      eventsTopicArn: await createTopic(sns, 'transfer-events'),
      noticesTopicArn: await createTopic(sns, 'transfer-notices'),
      sleep,
    },
    schedule: { shards: 1, pollIntervalMs: 60_000, fullListingEvery: 1 },
    now,
    steady,
  };
}

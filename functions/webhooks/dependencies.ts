import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import {
  type readDeliverEnvironment,
  type readFanOutEnvironment,
  readProxySettings,
  type readSweepEnvironment,
} from '../env.ts';
import { steady } from '../instants.ts';
import type { DeliverDependencies } from './deliver.ts';
import { Doorbells } from './doorbells.ts';
import { Gates } from './gates.ts';
import { WebhookClient } from './post.ts';
import { dnsResolver } from './resolver.ts';
import { DataKey } from './sealing.ts';
import type { SweepDependencies } from './sweep.ts';

const now = () => new Date();

/** Builds what fan-out works with. */
export const fanOutDependencies = (env: ReturnType<typeof readFanOutEnvironment>) => ({
  dynamo: new DynamoDBClient({}),
  table: env.WEBHOOKS_TABLE,
  doorbells: doorbells(env.DOORBELL_QUEUE_URL),
  now,
  steady,
});

/**
 * Builds what deliveries are made with.
 *
 * @throws DataKeyError
 */
export function deliverDependencies(env: ReturnType<typeof readDeliverEnvironment>): DeliverDependencies {
  const shared = fanOutDependencies(env);
  return {
    ...shared,
    gates: new Gates(shared.dynamo, shared.table, Math.random),
    dataKey: new DataKey(env.DATA_KEY),
    client: new WebhookClient({
      resolve: dnsResolver(),
      allowPrivate: env.ALLOW_PRIVATE_WEBHOOKS === 'yes',
      proxy: { ...readProxySettings(), proxy: env.WEBHOOK_PROXY },
    }),
    random: Math.random,
  };
}

/** Builds what sweeps work with. */
export const sweepDependencies = (env: ReturnType<typeof readSweepEnvironment>): SweepDependencies => ({
  ...fanOutDependencies(env),
  topics: {
    sns: new SNSClient({}),
    eventsTopicArn: env.TRANSFER_EVENTS_TOPIC_ARN,
    noticesTopicArn: env.TRANSFER_NOTICES_TOPIC_ARN,
    sleep,
  },
});

// A queue that outlives its address, as in the local run, is reached where the SDK's own settings say.
const doorbells = (queueUrl: string) => new Doorbells(new SQSClient({ useQueueUrlAsEndpoint: false }), queueUrl);

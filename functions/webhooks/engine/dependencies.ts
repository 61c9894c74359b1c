import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { steady } from '#functions/clock/instants.ts';
import { dayMs, usualKeptForMs } from '#functions/clock/retention.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import type { EventsTopic } from '#functions/events/publish.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import {
  type readDeliverEnvironment,
  type readFanOutEnvironment,
  readProxySettings,
  type readSweepEnvironment,
} from '#functions/lambda/environment.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import { signerFor } from '#functions/lambda/signed-post.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { deliveriesIn } from '#functions/webhooks/deliveries/deliveries.ts';
import { digestPlans } from '#functions/webhooks/deliveries/digest-plans.ts';
import { Endpoints } from '#functions/webhooks/endpoints/endpoints.ts';
import { leasesIn } from '#functions/webhooks/endpoints/leases.ts';
import { mailTopic } from '#functions/webhooks/http/mail-topic.ts';
import { dnsResolver } from '#functions/webhooks/http/name-resolver.ts';
import { webhookClient } from '#functions/webhooks/http/webhook-client.ts';
import { ClockWitness } from './clock-witness.ts';

const now = () => new Date();

/** A client with the endpoint of the SDK's settings: in the local run, a queue outlives the address in its URL. */
export const newQueueClient = () => new SQSClient({ ...sdkSettings, useQueueUrlAsEndpoint: false });

/** @param random chance of the backoff between two writes of a lease, in [0, 1) */
export const webhookRepositories = (source: TableSource, random = Math.random, keptForMs = usualKeptForMs) => ({
  endpoints: new Endpoints(source),
  deliveries: deliveriesIn(source, keptForMs),
  plans: digestPlans(source, keptForMs),
  leases: leasesIn(source, random, keptForMs),
});

type WebhookEnvironment = Omit<ReturnType<typeof readFanOutEnvironment>, 'ANNOUNCEMENT_QUEUE_URL'>;

const sourceIn = (env: WebhookEnvironment, dynamo = new DynamoDBClient(sdkSettings)): TableSource => {
  return { dynamo, table: env.WEBHOOKS_TABLE };
};

/** Builds the dependencies that all work on endpoints and deliveries shares. */
export const deliveryDependencies = (env: WebhookEnvironment, dynamo?: DynamoDBClient) => {
  const repositories = webhookRepositories(sourceIn(env, dynamo), Math.random, env.EVENT_RETENTION_DAYS * dayMs);
  return { ...repositories, wakeUps: { sqs: newQueueClient(), url: env.WAKE_UP_QUEUE_URL }, now, steady };
};

export type FanOutDependencies = Readonly<ReturnType<typeof fanOutDependencies>>;

export const fanOutDependencies = (env: ReturnType<typeof readFanOutEnvironment>) => {
  /** Queue of fan-out itself. It takes the rest of announcements that too many endpoints want. */
  const announcements = { sqs: newQueueClient(), url: env.ANNOUNCEMENT_QUEUE_URL };
  return { ...deliveryDependencies(env), announcements };
};

/** @throws DataKeyError unless `DATA_KEY` is 32 bytes in base64 */
export const deliverDependencies = (
  env: ReturnType<typeof readDeliverEnvironment>,
  dynamo = new DynamoDBClient(sdkSettings),
): DeliverDependencies => ({
  ...deliveryDependencies(env, dynamo),
  dataKey: new DataKey(env.DATA_KEY),
  mail: mailTopic({ url: env.SNS_URL, signer: signerFor('sns', dynamo) }, env.TRANSFER_NOTICES_TOPIC_ARN.split(',')),
  client: webhookClient({
    resolve: dnsResolver(),
    allowPrivate: env.ALLOW_PRIVATE_WEBHOOKS === 'yes',
    proxy: { ...readProxySettings(), proxy: env.WEBHOOK_PROXY },
  }),
  random: Math.random,
});

export type SweepDependencies = Readonly<ReturnType<typeof sweepDependencies>>;

export const sweepDependencies = (env: ReturnType<typeof readSweepEnvironment>) => {
  const topic: EventsTopic = { sns: new SNSClient(sdkSettings), eventsTopicArn: env.TRANSFER_EVENTS_TOPIC_ARN, sleep };
  return { ...deliveryDependencies(env), witness: new ClockWitness(sourceIn(env)), topic };
};

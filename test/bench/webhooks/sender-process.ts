import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { publishEvents } from '#functions/events/publish.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import type { Reporter } from '#infra/local/console/console.ts';
import type { RunOptions } from '#infra/local/real-run.ts';
import { createTopic, createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { setSdkEnvironment } from '#infra/local/services/sdk-environment.ts';
import { startWebhooks } from '#infra/local/webhooks.ts';
import { cpuSoFar, instant } from '#test/bench/measurement.ts';
import { serveParent, startArgument } from '#test/bench/processes/bench-process.ts';
import { publishAt, type SenderMethods, waitForCount } from './contestant.ts';
import type { SenderStart } from './sender.ts';

// The functions for webhooks as the local run has them, with the topic that they listen to.
const { sdkEnvironment, prefix, endpoints } = startArgument<SenderStart>();
setSdkEnvironment(sdkEnvironment);
const sns = new SNSClient(sdkSettings);
const eventsTopicArn = await createTopic(sns, `${prefix}events`);

/** Times at which deliveries were recorded as done. */
const finishedAt: number[] = [];
const nothing = () => undefined;
const reporter: Reporter = {
  ready: nothing,
  announcement: nothing,
  poll: nothing,
  receipt: nothing,
  warning: nothing,
  delivery({ status }) {
    if (status === 'DELIVERED') finishedAt.push(instant());
  },
};
const declared = endpoints.map(({ name, url }) => ({ name, settings: { url }, secret: undefined }));
const dynamo = new DynamoDBClient({});
const transfersTable = `${prefix}transfers`;
await createTransfersTable(dynamo, transfersTable);
await startWebhooks(
  {
    sns,
    eventsTopicArn,
    noticesTopicArn: await createTopic(sns, `${prefix}notices`),
    snsUrl: sdkEnvironment.AWS_ENDPOINT_URL_SNS!,
    dynamo,
    transfersTable,
    sqs: new SQSClient({ ...sdkSettings, useQueueUrlAsEndpoint: false }),
  },
  randomBytes(32).toString('base64'),
  // The other options concern polls.
  {
    config: { retention: { events: 30, transfers: 30 }, notify: { readers: [] } },
    credentials: {},
    endpoints: declared,
    allowPrivateWebhooks: true,
    prefix,
  } as unknown as RunOptions,
  reporter,
);

serveParent({
  async publish(name, count, paceMs) {
    const published: Record<string, number> = {};
    await publishAt(paceMs, name, count, async (events) => {
      for (const { id } of events) published[id] = instant();
      const { error } = await publishEvents({ sns, eventsTopicArn, sleep }, events.map(eventBody));
      if (error) throw error;
    });
    return published;
  },
  async finished(count) {
    await waitForCount(count, () => finishedAt.length);
    return finishedAt[count - 1]!;
  },
  cpu: () => ({ sender: cpuSoFar() }),
} satisfies SenderMethods);

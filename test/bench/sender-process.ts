import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { eventBody } from '#functions/events/transfer-event.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import { publishEvents } from '#functions/notices/publish.ts';
import type { Reporter } from '#infra/local/console/console.ts';
import type { RunOptions } from '#infra/local/run-options.ts';
import { createTopic, createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { setSdkEnvironment } from '#infra/local/services/sdk-environment.ts';
import { startWebhooks } from '#infra/local/webhooks.ts';
import { cpuSoFar, instant, serveParent } from './bench-child.ts';
import { eventsOf } from './bench-events.ts';
import { type ContestantCommand, type Published, patience } from './contestant.ts';
import type { SenderStart } from './sender.ts';

/** The functions for webhooks as the local run has them, with the topic that they listen to. */
const { sdkEnvironment, prefix, endpoints } = JSON.parse(process.argv[2]!) as SenderStart;
setSdkEnvironment(sdkEnvironment);
const sns = new SNSClient(sdkSettings);
const [eventsTopicArn, noticesTopicArn] = await Promise.all(
  ['events', 'notices'].map((topic) => createTopic(sns, `${prefix}${topic}`)),
);
const topics = { sns, eventsTopicArn: eventsTopicArn!, noticesTopicArn: noticesTopicArn!, sleep };

/** When each delivery was written down as done. */
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
    ...topics,
    dynamo,
    transfersTable,
    sqs: new SQSClient({ ...sdkSettings, useQueueUrlAsEndpoint: false }),
    dataKey: randomBytes(32).toString('base64'),
  },
  // The rest is about polls.
  { config: {}, credentials: {}, endpoints: declared, allowPrivateWebhooks: true, prefix } as unknown as RunOptions,
  reporter,
);

async function publish(name: string, count: number, pace: number): Promise<Published> {
  const events = eventsOf(name, count);
  const published: Record<string, number> = {};
  const send = async (some: typeof events) => {
    for (const { id } of some) published[id] = instant();
    const { error } = await publishEvents(topics, some.map(eventBody));
    if (error) throw error;
  };
  if (pace === 0) await send(events);
  else {
    for (const event of events) await Promise.all([send([event]), sleep(pace)]);
  }
  return published;
}

/** When the last of so many was written down; undefined when that takes too long. */
async function finished(count: number): Promise<number | undefined> {
  const began = performance.now();
  while (finishedAt.length < count) {
    if (performance.now() - began > patience) return undefined;
    await sleep(5);
  }
  return finishedAt[count - 1];
}

serveParent<ContestantCommand>(true, (command) => {
  switch (command.kind) {
    case 'publish':
      return publish(command.name, command.count, command.pace);
    case 'finished':
      return finished(command.count);
    case 'cpu':
      return cpuSoFar();
  }
});

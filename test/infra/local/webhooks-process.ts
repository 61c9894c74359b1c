import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Reporter } from '#infra/local/console/console.ts';
import type { RunOptions } from '#infra/local/run-options.ts';
import type { WebhookSource } from '#infra/local/webhooks.ts';

/** What the process is told to begin with. */
export type WebhooksStart = Pick<WebhookSource, 'dataKey' | 'eventsTopicArn' | 'noticesTopicArn' | 'transfersTable'>;

/** Milliseconds of the wait from one sweep to the next, which ends when the parent sends a message. */
const sweepInterval = 10_000;

const { setTimeout: sleep } = timers;
timers.setTimeout = (async (...values: Parameters<typeof sleep>) =>
  values[0] === sweepInterval ? once(process, 'message') : sleep(...values)) as typeof sleep;
syncBuiltinESMExports();

// Only now: it takes the functions that it waits with as they are when it is loaded.
const { startWebhooks } = await import('#infra/local/webhooks.ts');
const nothing = () => undefined;
const reporter: Reporter = {
  ready: nothing,
  announcement: nothing,
  poll: nothing,
  receipt: nothing,
  delivery: nothing,
  warning(text) {
    process.send!(text);
  },
};
const options = { config: {}, credentials: {}, endpoints: [], allowPrivateWebhooks: true, prefix: '' };
const { ended } = await startWebhooks(
  {
    ...(JSON.parse(process.argv[2]!) as WebhooksStart),
    dynamo: new DynamoDBClient({}),
    sns: new SNSClient({}),
    sqs: new SQSClient({ useQueueUrlAsEndpoint: false }),
  },
  // The rest is about polls.
  options as unknown as RunOptions,
  reporter,
);
await ended;

import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Reporter } from '#infra/local/console/console.ts';
import type { RunOptions } from '#infra/local/real-run.ts';
import type { LocalAws } from '#infra/local/services/embedded-services.ts';

/** What the process is told to begin with. */
export type WebhooksStart = Omit<LocalAws, 'dynamo' | 'sns' | 'sqs'> & { readonly dataKey: string };

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
const config = { retention: { events: 30, transfers: 30 }, notify: { readers: [] } };
const options = { config, credentials: {}, endpoints: [], allowPrivateWebhooks: true, prefix: '' };
const { dataKey, ...start } = JSON.parse(process.argv[2]!) as WebhooksStart;
const { ended } = await startWebhooks(
  {
    ...start,
    dynamo: new DynamoDBClient({}),
    sns: new SNSClient({}),
    sqs: new SQSClient({ useQueueUrlAsEndpoint: false }),
  },
  dataKey,
  // The rest is about polls.
  options as unknown as RunOptions,
  reporter,
);
await ended;

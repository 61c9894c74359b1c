import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DeliverVariables, FanOutVariables, OperatorVariables, SweepVariables } from '../../functions/env.ts';
import { steady } from '../../functions/instants.ts';
import { declareEndpoints } from '../../functions/webhooks/declared-endpoints.ts';
import { readDoorbells } from '../../functions/webhooks/doorbell-messages.ts';
import { Doorbells } from '../../functions/webhooks/doorbells.ts';
import type { DeliveryFacts } from '../../functions/webhooks/report.ts';
import { DataKey } from '../../functions/webhooks/sealing.ts';
import type { Reporter } from './console.ts';
import { createWebhooksTable } from './embedded-services.ts';
import { createQueue, startEventSource } from './event-source.ts';
import { interruptDeliveries } from './interruption.ts';
import { lambdaContext, setEnvironment } from './lambda.ts';
import type { RunOptions } from './runtime.ts';
import { counted, type Part } from './stopping.ts';

/** What carries events to the webhooks. */
export interface WebhookSource {
  readonly dynamo: DynamoDBClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly eventsTopicArn: string;
  readonly noticesTopicArn: string;
  /** Seals what is secret in the tables. */
  readonly dataKey: string;
}

/** The functions that deliver webhooks, at work. */
export interface LocalWebhooks extends Part {
  /** What other functions need to know of them. */
  readonly variables: Pick<
    OperatorVariables,
    'WEBHOOKS_TABLE' | 'DOORBELL_QUEUE_URL' | 'ALLOW_PRIVATE_WEBHOOKS' | 'WEBHOOK_PROXY' | 'INSPECTED_QUEUES'
  >;
}

/** Name of the channel that tells other parts of the process of each delivery as it is settled: DeliveryFacts. */
const settledDeliveries = 'transfer-notifier.delivery';

/** Milliseconds from one sweep to the next. */
const sweepInterval = 10_000;

/** Milliseconds that an invocation may take. */
const functionTimeout = 60_000;

/** Seconds for which a message is hidden that a function works on. */
const visibilityTimeout = 60;

/** Batches that the functions work on at the same time. */
const fanOutConcurrency = 2;
const deliverConcurrency = 20;

/** Starts the functions that deliver webhooks, on the queues between them. */
export async function startWebhooks(
  { dynamo, sns, sqs, eventsTopicArn, noticesTopicArn, dataKey }: WebhookSource,
  { config, credentials, endpoints, allowPrivateWebhooks, onSecret, prefix }: RunOptions,
  reporter: Reporter,
): Promise<LocalWebhooks> {
  const table = `${prefix}webhooks`;
  await createWebhooksTable(dynamo, table);
  const events = await createQueue(sqs, `${prefix}fan-out`, visibilityTimeout);
  const doorbellQueue = await createQueue(sqs, `${prefix}doorbells`, visibilityTimeout);
  for (const TopicArn of [eventsTopicArn, noticesTopicArn]) {
    await sns.send(
      new SubscribeCommand({
        TopicArn,
        Protocol: 'sqs',
        Endpoint: events.arn,
        Attributes: { RawMessageDelivery: 'true' },
      }),
    );
  }
  const doorbells = new Doorbells(sqs, doorbellQueue.url);
  const now = () => new Date();
  const life = {
    dynamo,
    table,
    doorbells,
    dataKey: new DataKey(dataKey),
    allowPrivate: allowPrivateWebhooks,
    now,
    steady,
  };
  for (const { endpoint, secret } of await declareEndpoints(life, endpoints)) {
    const isChosen = endpoints.some(({ name, secret: chosen }) => name === endpoint.name && chosen !== undefined);
    if (secret === undefined || isChosen) continue;
    if (onSecret) onSecret(endpoint.name, secret);
    else reporter.remark(`secret of the webhook ${endpoint.name}, shown this once: ${secret}`);
  }
  const variables = {
    WEBHOOKS_TABLE: table,
    DOORBELL_QUEUE_URL: doorbellQueue.url,
    ALLOW_PRIVATE_WEBHOOKS: allowPrivateWebhooks ? 'yes' : undefined,
    WEBHOOK_PROXY: credentials.webhookProxy ?? config.proxy,
  };
  const functions = await loadHandlers({
    ...variables,
    ANNOUNCEMENT_QUEUE_URL: events.url,
    DATA_KEY: dataKey,
    TRANSFER_EVENTS_TOPIC_ARN: eventsTopicArn,
    TRANSFER_NOTICES_TOPIC_ARN: noticesTopicArn,
  });
  const fanOut = startEventSource(sqs, events, fanOutConcurrency, async (batch) =>
    functions.fanOut(batch, lambdaContext('fan-out', functionTimeout)),
  );
  const deliver = startEventSource(sqs, doorbellQueue, deliverConcurrency, async (batch) => {
    const answer = await functions.deliver(batch, lambdaContext('deliver', functionTimeout));
    for (const delivery of answer.deliveries) reporter.delivery(delivery);
    return answer;
  });
  const report = (delivery: unknown) => reporter.delivery(delivery as DeliveryFacts);
  subscribe(settledDeliveries, report);
  const stopping = new AbortController();
  const sweep = async () => {
    while (!stopping.signal.aborted) {
      const { clockSetBack } = await functions.sweep(undefined, lambdaContext('sweep', functionTimeout));
      if (clockSetBack !== undefined)
        reporter.remark('the clock here was set back: all waiting deliveries are looked at');
      await sleep(sweepInterval, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  return {
    variables: {
      ...variables,
      INSPECTED_QUEUES: JSON.stringify({ Announcements: events.url, Doorbells: doorbellQueue.url }),
    },
    stop() {
      stopping.abort();
      fanOut.stop();
      deliver.stop();
    },
    ended: Promise.all([fanOut.ended, deliver.ended, sweep()]).finally(() => unsubscribe(settledDeliveries, report)),
    underWay: () => [
      ...counted(fanOut.inHand().length, 'event for the webhooks', 'events for the webhooks'),
      ...counted(deliver.inHand().length, 'delivery', 'deliveries'),
    ],
    async giveBack() {
      const { rung } = readDoorbells(deliver.inHand());
      await Promise.all([fanOut.giveBack(), interruptDeliveries({ dynamo, table, now }, [...rung.values()])]);
      await deliver.giveBack();
    },
  };
}

/** Loads the functions only now, because they read their environment when they are loaded, as on AWS. */
async function loadHandlers(environment: FanOutVariables & DeliverVariables & SweepVariables) {
  setEnvironment(environment);
  const [fanOut, deliver, sweep] = await Promise.all([
    import('../../functions/webhooks/fan-out.lambda.ts'),
    import('../../functions/webhooks/deliver.lambda.ts'),
    import('../../functions/webhooks/sweep.lambda.ts'),
  ]);
  return { fanOut: fanOut.handler, deliver: deliver.handler, sweep: sweep.handler };
}

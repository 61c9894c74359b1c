import { setTimeout as sleep } from 'node:timers/promises';
import { SubscribeCommand } from '@aws-sdk/client-sns';
import { DataKey } from '#functions/lambda/data-key.ts';
import { type DeliveryFacts, settledChannel } from '#functions/webhooks/deliveries/settled.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { readWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliveryDependencies } from '#functions/webhooks/engine/dependencies.ts';
import type { DeliverVariables, FanOutVariables, SweepVariables } from '#infra/config/function-variables.ts';
import type { Reporter } from '#infra/local/console/console.ts';
import { mailSenderOf } from '#infra/local/mail/mail-sender.ts';
import { counted, firstOf } from '#infra/local/process/stopping.ts';
import { createWebhooksTable, type LocalAws } from '#infra/local/services/embedded-services.ts';
import { createQueue, startEventSource } from '#infra/local/services/event-source.ts';
import { lambdaContext, setEnvironment } from '#infra/local/services/lambda.ts';
import { endLeases, releaseLeases } from './interruption.ts';
import type { RunOptions } from './real-run.ts';

/** Milliseconds between sweeps, each minute on AWS: here they cost nothing. */
const sweepIntervalMs = 10_000;

/** Timeout of an invocation in milliseconds, and visibility timeout of its messages in seconds, as on AWS. */
const functionTimeoutMs = 40_000;
const visibilityTimeout = 45;

/** Invocations at once: of deliver as on AWS, of fan-out fewer, since the database shares the processor. */
const fanOutConcurrency = 2;
const deliverConcurrency = 20;

/** Starts the functions for webhooks; `variables` are those that the operator API needs of them. */
export async function startWebhooks(
  { dynamo, sns, sqs, eventsTopicArn, noticesTopicArn, snsUrl }: LocalAws,
  dataKey: string,
  { config, credentials, endpoints, allowPrivateWebhooks, onSecret, prefix }: RunOptions,
  reporter: Reporter,
) {
  const table = `${prefix}webhooks`;
  await createWebhooksTable(dynamo, table);
  const events = await createQueue(sqs, `${prefix}fan-out`, visibilityTimeout);
  const wakeUpQueue = await createQueue(sqs, `${prefix}wake-ups`, visibilityTimeout);
  const raw = { Protocol: 'sqs', Endpoint: events.arn, Attributes: { RawMessageDelivery: 'true' } };
  await sns.send(new SubscribeCommand({ TopicArn: eventsTopicArn, ...raw }));
  const now = () => new Date();
  // This run is the only user of the database, so the holders of leases are dead.
  await endLeases({ dynamo, table, now });
  const shared = { WEBHOOKS_TABLE: table, WAKE_UP_QUEUE_URL: wakeUpQueue.url };
  const life = {
    ...deliveryDependencies({ ...shared, EVENT_RETENTION_DAYS: config.retention.events }, dynamo),
    dataKey: new DataKey(dataKey),
    allowPrivate: allowPrivateWebhooks,
  };
  for (const { endpoint, secret } of await declareEndpoints(life, endpoints)) {
    const isChosen = endpoints.some(({ name, secret: chosen }) => name === endpoint.name && chosen !== undefined);
    if (secret === undefined || isChosen) continue;
    if (onSecret) onSecret(endpoint.name, secret);
    else reporter.warning(`secret of the webhook ${endpoint.name}, shown this once: ${secret}`);
  }
  const variables = {
    ...shared,
    EVENT_RETENTION_DAYS: String(config.retention.events),
    ALLOW_PRIVATE_WEBHOOKS: allowPrivateWebhooks ? ('yes' as const) : undefined,
    WEBHOOK_PROXY: credentials.webhookProxy ?? config.proxy,
  };
  // The functions read their environment on loading, as on AWS.
  setEnvironment({
    ...variables,
    ANNOUNCEMENT_QUEUE_URL: events.url,
    DATA_KEY: dataKey,
    TRANSFER_EVENTS_TOPIC_ARN: eventsTopicArn,
    TRANSFER_NOTICES_TOPIC_ARN: noticesTopicArn,
    SNS_URL: snsUrl,
  } satisfies FanOutVariables & DeliverVariables & SweepVariables);
  const [fanOutFunction, deliverFunction, sweepFunction] = await Promise.all([
    import('#functions/webhooks/engine/fan-out.lambda.ts'),
    import('#functions/webhooks/engine/deliver.lambda.ts'),
    import('#functions/webhooks/engine/sweep.lambda.ts'),
  ]);
  const listEndpoints = async () => {
    const listed = reporter.endpoints && (await life.endpoints.list().catch(() => undefined));
    if (listed) reporter.endpoints?.(listed);
  };
  // Lines of changes wait for the deliveries to these, and metrics do not name all of them.
  await listEndpoints();
  const fanOut = startEventSource(sqs, events, fanOutConcurrency, async (batch) =>
    fanOutFunction.handler(batch, lambdaContext('fan-out', functionTimeoutMs)),
  );
  const stopping = new AbortController();
  const mail = mailSenderOf(config, credentials);
  const deliver = startEventSource(sqs, wakeUpQueue, deliverConcurrency, async (batch) =>
    deliverFunction.handler(batch, lambdaContext('deliver', functionTimeoutMs, { stopping: stopping.signal, mail })),
  );
  const report = (facts: unknown) => reporter.delivery(facts as DeliveryFacts);
  settledChannel.subscribe(report);
  const drained = () => [...new Set([...readWakeUps(deliver.inHand()).values()].map(({ endpoint }) => endpoint))];
  const sweep = async () => {
    while (!stopping.signal.aborted) {
      const swept = await sweepFunction
        .handler(undefined, lambdaContext('sweep', functionTimeoutMs))
        .catch(({ name }: Error) =>
          reporter.warning(
            `the sweep could not wake up all webhooks (${name}); the next try is in ${sweepIntervalMs / 1000} s`,
          ),
        );
      if (swept?.clockSetBackMs !== undefined)
        reporter.warning('the clock here was set back: all waiting deliveries are looked at');
      await sleep(sweepIntervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  return {
    variables: {
      ...variables,
      INSPECTED_QUEUES: JSON.stringify({ Announcements: events.url, WakeUps: wakeUpQueue.url }),
    },
    listEndpoints,
    stop() {
      stopping.abort();
      fanOut.stop();
      deliver.stop();
    },
    ended: Promise.all([fanOut.ended, deliver.ended, sweep()]).finally(() => {
      settledChannel.unsubscribe(report);
      mail?.close();
    }),
    unfinished: () => [
      ...counted(fanOut.inHand().length, 'event for the webhooks', 'events for the webhooks'),
      ...(drained().length > 0 ? [`deliveries to ${firstOf(drained())}`] : []),
    ],
    async release() {
      await Promise.all([fanOut.release(), releaseLeases({ dynamo, table, now }, drained())]);
      await deliver.release();
    },
  };
}

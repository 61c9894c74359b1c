import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import { Watches } from '#functions/watches/watches.ts';
import { requestsAtOnce } from '#infra/config/config.ts';
import { watchDeclarations } from '#infra/config/declarations.ts';
import type { PollVariables } from '#infra/config/function-variables.ts';
import { passOnAnnouncements } from '#infra/local/console/announcements.ts';
import type { Reporter } from '#infra/local/console/console.ts';
import { dataKeyOf } from '#infra/local/data/data-key.ts';
import { answerMetrics } from '#infra/local/monitoring/metrics-server.ts';
import { startMonitoring } from '#infra/local/monitoring/monitoring.ts';
import { isWithin, stopInTime } from '#infra/local/process/stopping.ts';
import { checkAwsEndpoints, startAwsServices } from '#infra/local/services/aws-endpoints.ts';
import { createTopic, createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { startExpiry } from '#infra/local/services/expiry.ts';
import { type InvokedFunction, startInvocations } from '#infra/local/services/invocations.ts';
import { setEnvironment } from '#infra/local/services/lambda.ts';
import { setSdkEnvironment } from '#infra/local/services/sdk-environment.ts';
import { askServerTime } from '#infra/local/services/server-time.ts';
import { waitSilently } from '#infra/local/services/waiting-requests.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import { answerBackup } from './backup-route.ts';
import { Foresight } from './foresight.ts';
import { freeBaselines, freeRenewals, freeShard } from './interruption.ts';
import { startOperator } from './operator.ts';
import { startPolls } from './polls.ts';
import type { RunOptions } from './real-run.ts';
import { startWebhooks } from './webhooks.ts';

/** Milliseconds for the services to close, the last of the eight seconds of a stop. */
const closeWithinMs = 1000;

/**
 * Starts the embedded services, and polls by schedule with the handler that runs on AWS. `stop` completes polls and
 * deliveries in flight, prints their announcements and stops the services, within a deadline. `ended` resolves then,
 * with true if all work was completed; it rejects on an error.
 *
 * @throws DataFolderError, AwsEndpointError, ListenError, ConfigError, or the error of a service that cannot start
 */
export async function startRun(options: RunOptions, reporter: Reporter) {
  const { config, credentials, data, notifyExisting, prefix } = options;
  const now = () => new Date();
  const services = await startAwsServices(data, options.awsEndpoints);
  const { sdkEnvironment } = services;
  const table = `${prefix}transfers`;
  setSdkEnvironment(sdkEnvironment);
  await checkAwsEndpoints(options.awsEndpoints);
  const dynamo = new DynamoDBClient(sdkSettings);
  waitSilently(dynamo);
  const sns = new SNSClient(sdkSettings);
  // A stored queue URL has the port of the run that created it.
  const sqs = new SQSClient({ ...sdkSettings, useQueueUrlAsEndpoint: false });
  await createTransfersTable(dynamo, table);
  const dataKey = await dataKeyOf(data, dynamo, table);
  const eventsTopicArn = await createTopic(sns, `${prefix}transfer-events`);
  const noticesTopicArn = await createTopic(sns, `${prefix}transfer-notices`);
  const snsUrl = sdkEnvironment.AWS_ENDPOINT_URL_SNS!;
  const aws = { dynamo, sns, sqs, transfersTable: table, eventsTopicArn, noticesTopicArn, snsUrl };
  await new Watches({ dynamo, table }).declare(watchDeclarations(config), notifyExisting, now().toISOString(), true);
  // Releases the leases of an earlier run; this run is the only user of the database.
  await freeShard(dynamo, table);
  await freeRenewals(dynamo, table);
  await freeBaselines(dynamo, table);

  const pollVariables = {
    CRYPTSHARE_URL: config.server.url,
    CRYPTSHARE_CLIENT_ID: credentials.clientId,
    DATA_KEY: dataKey,
    CRYPTSHARE_CA_FILE: config.server.caFile,
    MAX_CONCURRENT_PAGES: String(requestsAtOnce(config.server, 1)),
    SHARDS: '1',
    POLL_INTERVAL_MS: String(millisecondsOf(config.schedule.every)),
    FULL_LISTING_EVERY: String(config.schedule.fullListingEvery),
    QUIET_INTERVAL_MS: config.schedule.quietEvery && String(millisecondsOf(config.schedule.quietEvery)),
    TRANSFER_RETENTION_DAYS: String(config.retention.transfers),
    TRANSFERS_TABLE: table,
    TRANSFER_EVENTS_TOPIC_ARN: eventsTopicArn,
  } satisfies PollVariables;
  // The function reads its environment on loading, as on AWS.
  setEnvironment(pollVariables);
  const { handler } = await import('#functions/poll/poll.lambda.ts');
  const functions = new Map<string, InvokedFunction>();
  const invocations = await startInvocations(functions, sdkEnvironment.AWS_ACCESS_KEY_ID!);
  const monitoring = await startMonitoring(config, (path) => operator.read(path), reporter.warning);
  const webhooks = await startWebhooks(aws, dataKey, options, {
    ...reporter,
    endpoints(stored) {
      monitoring.metrics.endpoints(stored);
      reporter.endpoints?.(stored);
    },
  });
  const foresight = new Foresight();
  const operatorVariables = {
    ...pollVariables,
    ...webhooks.variables,
    TRANSFER_NOTICES_TOPIC_ARN: noticesTopicArn,
    POLL_INVOCATION_URL: invocations.urlOf('poll'),
    SNS_URL: snsUrl,
  };
  const operator = await startOperator(operatorVariables, {
    data,
    listen: config.operator?.listen,
    ownRoutes: {
      'GET /metrics': (response) => answerMetrics(monitoring.metrics, response),
      'POST /backup': (response) => answerBackup(services.copyData, response),
    },
    onChange(request, status) {
      reporter.warning(`operator: ${request}, answered ${status}`);
      foresight.forget();
      webhooks.listEndpoints();
    },
  });
  const announcements = await passOnAnnouncements(aws, `${prefix}console`, now, reporter.announcement);

  // Starts last; otherwise published events would miss subscribers.
  const polls = startPolls(handler, reporter, foresight, monitoring.onTick);
  functions.set('poll', polls.asked);
  const serverTime = () => askServerTime(config.server);
  const expiry = startExpiry({ dynamo, tables: [table, `${prefix}webhooks`], now, serverTime });
  const printing = {
    ...announcements,
    stop() {
      // Deliveries have ended by then: no line has anything to wait for.
      reporter.hurry?.();
      announcements.stop();
    },
  };
  const stages = [[polls, webhooks, expiry], [printing]];
  const { promise: told, resolve: stop } = Promise.withResolvers<void>();
  const run = async () => {
    try {
      await Promise.race([told, ...stages.flat().map(({ ended }) => ended)]);
      return await stopInTime(stages, reporter.warning);
    } finally {
      await isWithin(closeWithinMs, close());
    }
  };
  const close = async () => {
    await monitoring.close();
    await operator.close();
    await invocations.close();
    for (const client of [dynamo, sns, sqs]) client.destroy();
    await services.close();
  };
  return {
    databaseUrl: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
    queuesUrl: sdkEnvironment.AWS_ENDPOINT_URL_SQS!,
    operator,
    metricsUrl: monitoring.url,
    ended: run(),
    stop,
  };
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { PollVariables } from '#functions/lambda/environment.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';
import { Watches } from '#functions/watches/watches.ts';
import { requestsAtOnce } from '#infra/config/config.ts';
import { watchDeclarations } from '#infra/config/declarations.ts';
import { passOnAnnouncements } from '#infra/local/console/announcements.ts';
import type { Reporter } from '#infra/local/console/console.ts';
import { dataKeyOf } from '#infra/local/data/data-key.ts';
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
import { Foresight } from './foresight.ts';
import { freeBaselines, freeRenewals } from './interruption.ts';
import { startOperator } from './operator.ts';
import { startPolls } from './polls.ts';
import type { RunOptions } from './run-options.ts';
import { startWebhooks } from './webhooks.ts';

export interface Run {
  readonly addresses: { readonly dynamodb: string; readonly queues: string; readonly operator: string };
  readonly operatorFile: string;
  /** Resolves after the stop, with true if all work in flight was completed; rejects on an error. */
  readonly ended: Promise<boolean>;
  /** Completes polls and deliveries in flight, prints their announcements and stops the services, within a deadline. */
  stop(): void;
}

/** Milliseconds for the services to close, the last of the eight seconds of a stop. */
const closeWithinMs = 1000;

/**
 * Starts the embedded services, and polls by schedule with the handler that runs on AWS.
 *
 * @throws DataFolderError, AwsEndpointError, or the error of a service that cannot start
 */
export async function startRun(options: RunOptions, reporter: Reporter): Promise<Run> {
  const { config, credentials, data, notifyExisting, prefix } = options;
  const now = () => new Date();
  const services = await startAwsServices(data, options.awsEndpoints);
  const table = `${prefix}transfers`;
  setSdkEnvironment(services.sdkEnvironment);
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
  await new Watches(dynamo, table).declare(watchDeclarations(config), notifyExisting, now().toISOString(), true);
  // Releases the leases of an earlier run; this run is the only user of the database.
  const atOnce = requestsAtOnce(config.server, 1);
  await new ShardRows(dynamo, table, atOnce).free(0);
  await freeRenewals(dynamo, table);
  await freeBaselines(dynamo, table);

  const pollVariables = {
    CRYPTSHARE_URL: config.server.url,
    CRYPTSHARE_CLIENT_ID: credentials.clientId,
    DATA_KEY: dataKey,
    CRYPTSHARE_CA_FILE: config.server.caFile,
    MAX_CONCURRENT_PAGES: String(atOnce),
    SHARDS: '1',
    POLL_INTERVAL_MS: String(millisecondsOf(config.schedule.every)),
    FULL_LISTING_EVERY: String(config.schedule.fullListingEvery),
    QUIET_INTERVAL_MS: config.schedule.quietEvery && String(millisecondsOf(config.schedule.quietEvery)),
    TRANSFERS_TABLE: table,
    TRANSFER_EVENTS_TOPIC_ARN: eventsTopicArn,
    TRANSFER_NOTICES_TOPIC_ARN: noticesTopicArn,
  };
  const handler = await loadPollHandler(pollVariables);
  const functions = new Map<string, InvokedFunction>();
  const invocations = await startInvocations(functions, services.sdkEnvironment.AWS_ACCESS_KEY_ID!);
  const webhooks = await startWebhooks(
    { dynamo, transfersTable: table, sns, sqs, eventsTopicArn, noticesTopicArn, dataKey },
    options,
    reporter,
  );
  const foresight = new Foresight();
  const operator = await startOperator({
    environment: {
      ...pollVariables,
      ...webhooks.variables,
      POLL_INVOCATION_URL: invocations.urlOf('poll'),
      SNS_URL: services.sdkEnvironment.AWS_ENDPOINT_URL_SNS!,
    },
    data,
    onChange(request, status) {
      reporter.warning(`operator: ${request}, answered ${status}`);
      foresight.forget();
    },
  });
  const announcements = await passOnAnnouncements(
    { sns, sqs, dynamo, table, eventsTopicArn, noticesTopicArn, queue: `${prefix}console`, now },
    (announcement) => reporter.announcement(announcement),
  );

  // Starts last; otherwise published events would miss subscribers.
  const polls = startPolls(handler, reporter, foresight);
  functions.set('poll', polls.asked);
  const serverTime = () => askServerTime(config.server);
  const expiry = startExpiry({ dynamo, tables: [table, `${prefix}webhooks`], now, serverTime });
  const stages = [[polls, webhooks, expiry], [announcements]];
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
    await operator.stop();
    await invocations.close();
    for (const client of [dynamo, sns, sqs]) client.destroy();
    await services.close();
  };
  return {
    addresses: {
      dynamodb: services.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
      queues: services.sdkEnvironment.AWS_ENDPOINT_URL_SQS!,
      operator: operator.url,
    },
    operatorFile: operator.file,
    ended: run(),
    stop,
  };
}

/** Loads the function after setting its environment, which it reads on loading, as on AWS. */
async function loadPollHandler(environment: PollVariables) {
  setEnvironment(environment);
  const { handler } = await import('#functions/poll/poll.lambda.ts');
  return handler;
}

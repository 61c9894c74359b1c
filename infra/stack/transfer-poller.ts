import { readFileSync } from 'node:fs';
import { Duration } from 'aws-cdk-lib';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { ContextAttribute } from 'aws-cdk-lib/aws-scheduler';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Tick } from '#functions/poll/poll-shard.ts';
import { type Config, requestsAtOnce } from '#infra/config/config.ts';
import type { PollVariables } from '#infra/config/function-variables.ts';
import { type BundledFiles, taskFolder } from '#infra/constructs/bundle.ts';
import { lostTick, ScheduledInvocation } from '#infra/constructs/scheduled-invocation.ts';
import { type Network, ServiceFunction } from '#infra/constructs/service-function.ts';
import { ServiceTable } from '#infra/constructs/service-table.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import type { NotifierSecret } from './notifier-secret.ts';

const caFile = 'ca.pem';

type ServerSettings = Config['server'];

/** Builds the variables of a function that sends up to `atOnce` requests to the server at the same time. */
export const serverVariables = ({ url, caFile: own }: ServerSettings, atOnce: number) =>
  ({
    CRYPTSHARE_URL: url,
    MAX_CONCURRENT_PAGES: String(atOnce),
    ...(own && { CRYPTSHARE_CA_FILE: `${taskFolder}/${caFile}` }),
  }) satisfies Partial<PollVariables>;

export const serverFiles = ({ caFile: own }: ServerSettings): BundledFiles =>
  own ? { [caFile]: readFileSync(own, 'utf8') } : {};

/** Configuration and resources that the parts of the stack share. */
export interface SharedResources {
  readonly config: Config;
  readonly secret: NotifierSecret;
  /** Receives one message per change of a transfer. */
  readonly transferEvents: ITopic;
  /** ARNs of the topics that receive the messages to readers by e-mail. */
  readonly noticesTopicArns: readonly string[];
  readonly missedTicks: IQueue;
  /** Private network of the server; undefined if the server is on the internet. */
  readonly network: Network | undefined;
}

/** Polls the server on schedules: one for each shard of the watches, with one function and one table. */
export class TransferPoller extends Construct {
  readonly transfers: ServiceTable;
  readonly poll: ServiceFunction;
  /** Variables of the functions that compute when a watch is due. */
  readonly intervalVariables: { readonly POLL_INTERVAL_MS: string; readonly QUIET_INTERVAL_MS?: string };

  constructor(scope: Construct, id: string, shared: SharedResources) {
    super(scope, id);
    const { config, secret, transferEvents, missedTicks, network } = shared;
    const { shards, every, fullListingEvery, quietEvery } = config.schedule;
    this.intervalVariables = {
      POLL_INTERVAL_MS: String(millisecondsOf(every)),
      ...(quietEvery && { QUIET_INTERVAL_MS: String(millisecondsOf(quietEvery)) }),
    };
    this.transfers = new ServiceTable(this, 'Transfers');
    this.poll = new ServiceFunction(this, 'Poll', {
      entry: 'functions/poll/poll.lambda.ts',
      description: 'Lists the transfers of the watches, publishes what has changed',
      // A poll mostly waits for the server, and its memory is bounded to fit this size.
      memorySize: 256,
      // Longer than a tick, so that a slow server does not cut polls off. The shard lease keeps later ticks out.
      timeout: Duration.minutes(2),
      environment: {
        // Each shard gets its share, as shards do not coordinate their requests.
        ...serverVariables(config.server, requestsAtOnce(config.server, shards)),
        SHARDS: String(shards),
        FULL_LISTING_EVERY: String(fullListingEvery),
        ...this.intervalVariables,
        TRANSFER_RETENTION_DAYS: String(config.retention.transfers),
        TRANSFERS_TABLE: this.transfers.tableName,
        TRANSFER_EVENTS_TOPIC_ARN: transferEvents.topicArn,
      } satisfies Partial<PollVariables>,
      files: serverFiles(config.server),
      network,
      lostInvocations: lostTick,
    });
    secret.grantVariables(this.poll);
    this.transfers.grantRows(this.poll, 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem');
    transferEvents.grantPublish(this.poll);
    const ticks = Array.from({ length: shards }, (_, shard): Tick => ({ shard, at: ContextAttribute.scheduledTime }));
    const named = Object.fromEntries(ticks.map((tick) => [`Shard${tick.shard}`, tick]));
    new ScheduledInvocation(this, 'Clock', this.poll, missedTicks, named);
  }

  /** Grants read and write of watches, a search of all rows, and the right to invoke the poll function. */
  grantOperate(grantee: IGrantable): Grant {
    return this.transfers
      .grantRows(grantee, 'Query', 'Scan', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem')
      .combine(this.poll.grantInvokeDeployed(grantee));
  }

  grantDeclare(grantee: IGrantable): Grant {
    return this.transfers.grantRows(grantee, 'Query', 'UpdateItem');
  }
}

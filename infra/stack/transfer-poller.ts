import { Duration } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { ContextAttribute } from 'aws-cdk-lib/aws-scheduler';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { PollVariables } from '#functions/lambda/environment.ts';
import type { Tick } from '#functions/poll/poll-shard.ts';
import { type Config, millisecondsOf, requestsAtOnce } from '#infra/config/config.ts';
import { type BundledFiles, taskFolder } from '#infra/constructs/bundle.ts';
import { Clock, lostTick } from '#infra/constructs/schedule.ts';
import { type Network, ServiceFunction } from '#infra/constructs/service-function.ts';
import { ServiceTable } from '#infra/constructs/service-table.ts';
import type { NotifierSecret } from './notifier-secret.ts';

/** Name of the CA file beside the function's bundle. */
const caFile = 'ca.pem';

/** The shortest there is: what is polled less often has its own moment within its interval. */
export const tickInterval = Duration.minutes(1);

/** How the Cryptshare Server is reached. */
export type ServerSettings = Config['server'];

/**
 * What a function that asks the server has to be told.
 *
 * @param atOnce requests under way at the same time
 */
export const serverVariables = ({ url, caFile: own }: ServerSettings, atOnce: number) =>
  ({
    CRYPTSHARE_URL: url,
    MAX_CONCURRENT_PAGES: String(atOnce),
    ...(own && { CRYPTSHARE_CA_FILE: `${taskFolder}/${caFile}` }),
  }) satisfies Partial<PollVariables>;

/** What has to lie beside its bundle. */
export const serverFiles = ({ caFile: own }: ServerSettings): BundledFiles =>
  own ? { [caFile]: { copyOf: own } } : {};

/** How to build a {@link TransferPoller}. */
export interface TransferPollerProps {
  readonly config: Config;
  readonly secret: NotifierSecret;
  /** Receives one message for each change of a transfer. */
  readonly transferEvents: ITopic;
  /** Receives one message for people per poll and watch. */
  readonly transferNotices: ITopic;
  /** Gets the ticks that were lost. */
  readonly missedTicks: IQueue;
  /**
   * The private network of the server.
   *
   * @default - the server is on the internet
   */
  readonly network: Network | undefined;
}

/** Polls the server by the clock: one schedule for each shard of the watches, one function, one table. */
export class TransferPoller extends Construct {
  readonly transfers: ServiceTable;
  readonly poll: ServiceFunction;
  /** What the functions have to be told that know of the intervals of quiet watches. */
  readonly quietVariables: { readonly QUIET_EVERY?: string };

  constructor(scope: Construct, id: string, props: TransferPollerProps) {
    super(scope, id);
    const { config, secret, transferEvents, transferNotices, missedTicks, network } = props;
    const { shards, every, fullListingEvery, quietEvery } = config.schedule;
    this.quietVariables = quietEvery ? { QUIET_EVERY: String(millisecondsOf(quietEvery)) } : {};
    this.transfers = new ServiceTable(this, 'Transfers');
    this.poll = new ServiceFunction(this, 'Poll', {
      entry: 'functions/poll/poll.lambda.ts',
      description: 'Lists the transfers of the watches, publishes what has changed',
      // A poll waits for the server most of the time. What it may have in memory is bounded to suit this size.
      memorySize: 256,
      // Longer than a tick: what a slow server delays is not cut off, and ticks meanwhile leave the shard alone.
      timeout: Duration.minutes(2),
      environment: {
        // Shards know nothing of each other, so each has its share.
        ...serverVariables(config.server, requestsAtOnce(config.server, shards)),
        SHARDS: String(shards),
        POLL_EVERY: String(millisecondsOf(every)),
        FULL_LISTING_EVERY: String(fullListingEvery),
        ...this.quietVariables,
        TRANSFERS_TABLE: this.transfers.tableName,
        TRANSFER_EVENTS_TOPIC_ARN: transferEvents.topicArn,
        TRANSFER_NOTICES_TOPIC_ARN: transferNotices.topicArn,
      } satisfies Partial<PollVariables>,
      files: serverFiles(config.server),
      network,
      lostInvocations: lostTick,
    });
    secret.grantVariables(this.poll);
    this.transfers.grantRows(this.poll, 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem');
    for (const topic of [transferEvents, transferNotices]) {
      topic.grantPublish(this.poll);
      // For operators, who want to know whether anybody listens.
      Grant.addToPrincipal({ grantee: this.poll, actions: ['sns:GetTopicAttributes'], resourceArns: [topic.topicArn] });
    }
    const clock = new Clock(this, 'Clock', this.poll, missedTicks);
    for (let shard = 0; shard < shards; shard += 1) {
      const tick: Tick = { shard, at: ContextAttribute.scheduledTime };
      clock.tick(`Shard${shard}`, tickInterval, tick);
    }
  }

  /** Lets somebody do with watches what operators ask for; polls are asked of the function. */
  grantOperate(grantee: IGrantable): Grant {
    return this.transfers
      .grantRows(grantee, 'Query', 'BatchGetItem', 'PutItem', 'UpdateItem')
      .combine(this.poll.grantInvokeDeployed(grantee));
  }

  /** Lets somebody declare watches. */
  grantDeclare(grantee: IGrantable): Grant {
    return this.transfers.grantRows(grantee, 'Query', 'UpdateItem');
  }
}

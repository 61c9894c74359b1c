import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { type ICommandHooks, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { PollEnvironmentVariables } from '../functions/env.ts';
import type { Shard } from '../functions/transfers/shard.ts';
import { type Config, millisecondsOf } from './config.ts';

/** Name of the CA file in the function's bundle. */
const bundledCaFile = 'ca.pem';

/** Name of the secret in Secrets Manager. */
const credentialsSecret = 'transfer-notifier/credentials';

/** How to build a {@link TransferPoller}. */
export interface TransferPollerProps {
  readonly config: Config;
  /** Receives one message for each change of a transfer. */
  readonly transferEvents: ITopic;
  /** Receives one message for people per poll and watch. */
  readonly transferNotices: ITopic;
}

/** Polls the server by the clock: one schedule for each shard of the watches, one function, one table. */
export class TransferPoller extends Construct {
  readonly transfers: TableV2;
  /** Holds `clientId` and `verificationToken`; the operator creates it before the first deployment. */
  readonly credentials: ISecret;

  constructor(scope: Construct, id: string, { config, transferEvents, transferNotices }: TransferPollerProps) {
    super(scope, id);
    const { caFile } = config.server;
    // Losing the snapshots would mean silent new baselines, so nothing here goes with the stack.
    this.transfers = new TableV2(this, 'Transfers', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // The values are filled in at deployment: a changed secret takes effect with the next one.
    this.credentials = Secret.fromSecretNameV2(this, 'Credentials', credentialsSecret);
    const poll = new NodejsFunction(this, 'Poll', {
      entry: 'functions/transfers/poll.lambda.ts',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      // A poll waits for the server most of the time; 512 MB parse 100,000 rows in well under a second.
      memorySize: 512,
      timeout: Duration.minutes(2),
      bundling: {
        format: OutputFormat.CJS,
        minify: true,
        mainFields: ['module', 'main'],
        externalModules: [],
        ...(caFile && { commandHooks: copyBesideBundle(caFile) }),
      },
      logGroup: new LogGroup(this, 'PollLogs', {
        retention: RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      environment: {
        CRYPTSHARE_URL: config.server.url,
        CRYPTSHARE_CLIENT_ID: this.credentials.secretValueFromJson('clientId').unsafeUnwrap(),
        CRYPTSHARE_VERIFICATION_TOKEN: this.credentials.secretValueFromJson('verificationToken').unsafeUnwrap(),
        MAX_CONCURRENT_PAGES: String(config.server.maxConcurrentPages),
        TRANSFERS_TABLE: this.transfers.tableName,
        TRANSFER_EVENTS_TOPIC_ARN: transferEvents.topicArn,
        TRANSFER_NOTICES_TOPIC_ARN: transferNotices.topicArn,
        ...(caFile && { CRYPTSHARE_CA_FILE: `/var/task/${bundledCaFile}` }),
      } satisfies Partial<PollEnvironmentVariables>,
    });
    this.transfers.grant(poll, 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem');
    transferEvents.grantPublish(poll);
    transferNotices.grantPublish(poll);

    const missed = new Queue(this, 'MissedPolls', { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true });
    const { shards, every } = config.schedule;
    for (let shard = 0; shard < shards; shard += 1) {
      new Schedule(this, `Shard${shard}`, {
        schedule: ScheduleExpression.rate(Duration.millis(millisecondsOf(every))),
        target: new LambdaInvoke(poll, {
          input: ScheduleTargetInput.fromObject({ shard, shards } satisfies Shard),
          // A poll that comes late is worth nothing: the next one sees the same.
          maxEventAge: Duration.seconds(60),
          retryAttempts: 1,
          deadLetterQueue: missed,
        }),
      });
    }
  }
}

const copyBesideBundle = (file: string): ICommandHooks => ({
  beforeBundling: () => [],
  beforeInstall: () => [],
  afterBundling: (_inputDir, outputDir) => [`cp '${file}' '${outputDir}/${bundledCaFile}'`],
});

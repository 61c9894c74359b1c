import { Duration, Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { RecursiveLoop } from 'aws-cdk-lib/aws-lambda';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { indexes } from '#functions/webhooks/deliveries/delivery.ts';
import type { DeliverVariables, FanOutVariables, SweepVariables } from '#infra/config/function-variables.ts';
import { lostTick, ScheduledInvocation } from '#infra/constructs/scheduled-invocation.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import { lostMessages, ServiceQueue } from '#infra/constructs/service-queue.ts';
import { ServiceTable } from '#infra/constructs/service-table.ts';
import type { SharedResources } from './transfer-poller.ts';

/** 20 s for a drain, 15 s for its last request, connecting included, and a margin. */
const deliverTimeout = Duration.seconds(40);

/** Redelivers the wake-ups of a dead process soon, but not while it may still run. */
const wakeUpsHidden = Duration.seconds(45);

const fanOutTimeout = Duration.seconds(30);

/**
 * Receives of a wake-up before it becomes a dead letter: the maximum of SQS, which lasts half a day. Its deliveries may
 * be in no index, so that only the wake-up leads to them. The function itself drops malformed messages.
 */
const maxReceivesOfWakeUp = 1000;

/** Invocations at once, so that a burst leaves concurrency of the account to the other functions. */
const fanOutConcurrency = 5;
const deliverConcurrency = 20;

/** Delivers events to endpoints, and digests of them to readers: the functions fan-out, deliver and sweep, with the queues between them. */
export class WebhookDelivery extends Construct {
  readonly webhooks: ServiceTable;
  readonly announcements: ServiceQueue;
  readonly wakeUps: ServiceQueue;
  readonly fanOut: ServiceFunction;
  readonly deliver: ServiceFunction;
  readonly sweep: ServiceFunction;
  /** Variables of all functions that know webhooks. */
  readonly variables: Readonly<Record<Exclude<keyof FanOutVariables, 'ANNOUNCEMENT_QUEUE_URL'>, string>>;

  constructor(scope: Construct, id: string, shared: SharedResources) {
    super(scope, id);
    const { config, secret, transferEvents, noticesTopicArns, missedTicks } = shared;
    this.webhooks = new ServiceTable(this, 'Webhooks', Object.values(indexes));
    this.announcements = new ServiceQueue(this, 'Announcements', fanOutTimeout);
    const again = { hidden: wakeUpsHidden, times: maxReceivesOfWakeUp };
    this.wakeUps = new ServiceQueue(this, 'WakeUps', deliverTimeout, again);
    this.variables = {
      WEBHOOKS_TABLE: this.webhooks.tableName,
      WAKE_UP_QUEUE_URL: this.wakeUps.queue.queueUrl,
      EVENT_RETENTION_DAYS: String(config.retention.events),
    };
    const environment = this.variables;
    const { region, urlSuffix } = Stack.of(this);

    this.fanOut = new ServiceFunction(this, 'FanOut', {
      entry: 'functions/webhooks/engine/fan-out.lambda.ts',
      description: 'Stores each event and creates a delivery for every endpoint that wants it',
      // A message takes at most 50 small writes, so CPU for TLS is the only need.
      memorySize: 256,
      timeout: fanOutTimeout,
      environment: {
        ...environment,
        ANNOUNCEMENT_QUEUE_URL: this.announcements.queue.queueUrl,
      } satisfies FanOutVariables,
      lostInvocations: lostMessages,
      // Fan-out requeues an announcement once for every 50 endpoints, and stops after the last endpoint.
      recursiveLoop: RecursiveLoop.ALLOW,
    });
    this.webhooks.grantRows(this.fanOut, 'Query', 'PutItem');
    this.grantWakeUps(this.fanOut);
    this.announcements.queue.grant(this.fanOut, 'sqs:SendMessage');
    const { queue, deadLetters: deadLetterQueue } = this.announcements;
    transferEvents.addSubscription(new SqsSubscription(queue, { rawMessageDelivery: true, deadLetterQueue }));
    this.announcements.feed(this.fanOut, fanOutConcurrency);

    this.deliver = new ServiceFunction(this, 'Deliver', {
      entry: 'functions/webhooks/engine/deliver.lambda.ts',
      description: 'Signs and posts deliveries to their endpoints, and mails digests to readers',
      // Billed mostly for waiting on receivers; TLS and signatures of ten requests fit in this.
      memorySize: 256,
      timeout: deliverTimeout,
      environment: {
        ...environment,
        TRANSFER_NOTICES_TOPIC_ARN: noticesTopicArns.join(','),
        SNS_URL: `https://sns.${region}.${urlSuffix}`,
        // Without it there is no proxy unless the secret names one.
        ...(config.proxy !== undefined && { WEBHOOK_PROXY: config.proxy }),
      } satisfies Partial<DeliverVariables>,
      lostInvocations: lostMessages,
      // Deliver sends itself a wake-up before the next retry, and when a circuit breaker half-opens. It sends one, too,
      // when its time for an endpoint ends before the work. The retry schedule, the breaker and the number of
      // deliveries bound this loop. Lambda would take a slow or throttling receiver for an endless loop after some 16
      // wake-ups, and drop them.
      recursiveLoop: RecursiveLoop.ALLOW,
    });
    secret.grantVariables(this.deliver);
    this.webhooks.grantRows(this.deliver, 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem');
    this.webhooks.grantIndex(this.deliver, indexes.waiting);
    this.grantWakeUps(this.deliver);
    Grant.addToPrincipal({ grantee: this.deliver, actions: ['sns:Publish'], resourceArns: [...noticesTopicArns] });
    this.wakeUps.feed(this.deliver, deliverConcurrency);

    this.sweep = new ServiceFunction(this, 'Sweep', {
      entry: 'functions/webhooks/engine/sweep.lambda.ts',
      description: 'Wakes up endpoints whose deliveries are due, announces what operators have to know of endpoints',
      memorySize: 256,
      timeout: Duration.seconds(55),
      environment: {
        ...environment,
        TRANSFER_EVENTS_TOPIC_ARN: transferEvents.topicArn,
      } satisfies SweepVariables,
      lostInvocations: lostTick,
    });
    this.webhooks.grantRows(this.sweep, 'Query', 'BatchGetItem', 'PutItem', 'UpdateItem');
    this.webhooks.grantIndex(this.sweep, indexes.waiting);
    this.grantWakeUps(this.sweep);
    transferEvents.grantPublish(this.sweep);
    new ScheduledInvocation(this, 'Clock', this.sweep, missedTicks, { EachMinute: {} });
  }

  /** Grants read and write of endpoints, events and deliveries, and the right to send wake-ups. */
  grantOperate(grantee: IGrantable): void {
    this.webhooks.grantRows(grantee, 'Query', 'Scan', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem');
    for (const index of Object.values(indexes)) this.webhooks.grantIndex(grantee, index);
    this.grantWakeUps(grantee);
  }

  grantDeclare(grantee: IGrantable): Grant {
    return this.webhooks.grantRows(grantee, 'Query', 'PutItem');
  }

  private grantWakeUps(grantee: IGrantable): Grant {
    return this.wakeUps.queue.grant(grantee, 'sqs:SendMessage');
  }
}

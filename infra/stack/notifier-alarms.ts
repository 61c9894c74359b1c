import { ArnFormat, Aws, Duration, Stack, Validations } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { greatestOf, orZero, sumOf, waitingIn } from '#infra/constructs/metrics.ts';
import { tickInterval } from '#infra/constructs/scheduled-invocation.ts';
import { subscribeByEmail } from './email-subscription.ts';

interface NotifierAlarmsProps {
  readonly shortestInterval: Duration;
  readonly longestInterval: Duration;
  readonly functions: readonly LambdaFunction[];
  readonly missedTicks: IQueue;
  readonly deadLetters: Readonly<Record<'Announcements' | 'WakeUps', IQueue>>;
  readonly email: string | undefined;
  readonly dashboardUrl: string | undefined;
}

interface Trigger extends Partial<AlarmProps> {
  readonly metric: IMetric;
  readonly says: string;
}

/** Alarm at any value above 0 in one period; no metric is no alarm. */
const usual = {
  threshold: 0,
  comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
  evaluationPeriods: 1,
  treatMissingData: TreatMissingData.NOT_BREACHING,
};

const fiveMinutes = Duration.minutes(5);

/** Seconds that a delivery may be overdue before the alarm. */
const longestWaitSeconds = 900;

/** Alarms of the notifier; docs/operations.md describes each under its name. */
export class NotifierAlarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, props: NotifierAlarmsProps) {
    super(scope, id);
    const { stackName } = Stack.of(this);
    const dashboard = props.dashboardUrl === undefined ? '' : `. Dashboard: ${props.dashboardUrl}`;
    this.all = Object.entries(triggersOf(props)).map(([name, { says, metric, ...rules }]) => {
      const remedy = `What to do: docs/operations.md#${name.toLowerCase()}${dashboard}`;
      const alarmDescription = `Transfer Notifier: ${says}. ${remedy}`;
      return new Alarm(this, name, { alarmName: `${stackName}-${name}`, alarmDescription, metric, ...usual, ...rules });
    });
    if (props.email !== undefined) this.tell(props.email);
  }

  private tell(email: string): void {
    const topic = new Topic(this, 'Topic', { displayName: `${Stack.of(this).stackName} alarms`, enforceSSL: true });
    Validations.of(topic).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SNS2',
      reason:
        'CloudWatch can publish to an encrypted topic only with a key at 1 USD a month; alarms hold nothing secret',
    });
    const alarmsOfStack = Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: `${Stack.of(this).stackName}-*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    // A topic with its own policy refuses CloudWatch unless the policy allows it.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnLike: { 'aws:SourceArn': alarmsOfStack },
        },
      }),
    );
    subscribeByEmail(topic, email);
    const action = new SnsAction(topic);
    for (const alarm of this.all) {
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
  }
}

/** Lists the alarms by name. */
function triggersOf(props: NotifierAlarmsProps): Record<string, Trigger> {
  const { shortestInterval, longestInterval, functions, missedTicks, deadLetters } = props;
  return {
    NoCompleteListing: {
      says: 'no watch has been listed completely for three intervals',
      metric: sumOf('completeListings', periodOf(shortestInterval)),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 3,
      // Silence is the worst case: a schedule that has stopped sends no metrics.
      treatMissingData: TreatMissingData.BREACHING,
    },
    WatchFailing: {
      says: 'polls of a watch keep failing, for the reason that its event and the log tell',
      metric: orZero(greatestOf('watchesFailing', periodOf(longestInterval))),
      // Polls send the metric only while watches fail; NoCompleteListing covers missing polls.
    },
    WatchesSkipped: {
      says: 'at three ticks in a row not all watches that were due could be polled; the server is slow, or more shards are needed',
      metric: orZero(greatestOf('watchesSkipped', tickInterval)),
      evaluationPeriods: 3,
    },
    MissedTicksDeadLetters: {
      says: 'functions were not invoked for ticks of their schedules, or failed at them',
      // Counts messages sent, not messages present: records stay for a day, long after the fault is over.
      metric: missedTicks.metricNumberOfMessagesSent({ period: fiveMinutes, statistic: 'Sum' }),
      // One or two failures belong to FunctionErrors; the next tick makes up for them.
      threshold: 2,
      // An unused queue sends no metrics.
    },
    AnnouncementsDeadLetters: {
      says: 'events could not be stored for webhooks and readers and wait in the dead-letter queue',
      metric: waitingIn(deadLetters.Announcements, fiveMinutes),
    },
    WakeUpsDeadLetters: {
      says: 'wake-ups of endpoints could not be handled and wait in the dead-letter queue; if the metric RecursiveInvocationsDropped of the deliver function counts them, Lambda took them for an endless loop and dropped them',
      metric: waitingIn(deadLetters.WakeUps, fiveMinutes),
    },
    FunctionErrors: {
      says: 'invocations of functions end with an error, which is a fault of the notifier or its configuration',
      metric: sumOver(functions, (one) => one.metricErrors({ period: fiveMinutes })),
      threshold: 2,
    },
    FunctionThrottles: {
      says: 'functions are not invoked because the account has too many at work at the same time',
      metric: sumOver(functions, (one) => one.metricThrottles({ period: fiveMinutes })),
      evaluationPeriods: 3,
    },
    DeliveriesFailing: {
      says: 'deliveries were given up after all of their attempts',
      metric: orZero(sumOf('deliveriesFailed', fiveMinutes)),
    },
    OldestWaitingDelivery: {
      says: `a delivery has been due for more than ${longestWaitSeconds / 60} minutes, or no sweep takes place`,
      metric: greatestOf('secondsOverdue', fiveMinutes),
      threshold: longestWaitSeconds,
      evaluationPeriods: 3,
      // Sweeps send this metric each minute; silence means that sweeps have stopped.
      treatMissingData: TreatMissingData.BREACHING,
    },
  };
}

/** Rounds up to whole minutes, as CloudWatch evaluates over those. */
const periodOf = (every: Duration): Duration => Duration.minutes(Math.ceil(every.toMinutes({ integral: false })));

function sumOver(functions: readonly LambdaFunction[], metricOf: (one: LambdaFunction) => IMetric): IMetric {
  const metrics = functions.map((one, index) => [`m${index}`, metricOf(one)] as const);
  return new MathExpression({
    expression: metrics.map(([name]) => name).join(' + '),
    usingMetrics: Object.fromEntries(metrics),
    period: fiveMinutes,
    label: 'all functions',
  });
}

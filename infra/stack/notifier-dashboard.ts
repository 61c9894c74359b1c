import { Aws, Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IWidget,
  LogQueryWidget,
  type Metric,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { metricNames } from '#functions/lambda/metric-names.ts';
import { greatestOf, orZero, sumOf, waitingIn } from '#infra/constructs/metrics.ts';

interface NotifierDashboardProps {
  readonly dashboardName: string;
  readonly alarms: readonly Alarm[];
  readonly poll: LambdaFunction;
  readonly deliver: LambdaFunction;
  readonly functions: readonly LambdaFunction[];
  readonly deadLetters: Readonly<Record<string, IQueue>>;
}

const fiveMinutes = Duration.minutes(5);

const full = 24;

/** Page that answers "is it working?" at the top, and below "what is it doing?" and "why does it fail?". */
export class NotifierDashboard extends Dashboard {
  constructor(scope: Construct, id: string, props: NotifierDashboardProps) {
    super(scope, id, {
      dashboardName: props.dashboardName,
      defaultInterval: Duration.hours(12),
      widgets: [isItWorking(props), whatItDoes(props), whyItDoesNot(props)],
    });
  }
}

export const dashboardUrl = (name: string): string =>
  `https://${Aws.REGION}.console.aws.amazon.com/cloudwatch/home?region=${Aws.REGION}#dashboards/dashboard/${name}`;

const isItWorking = ({ alarms }: NotifierDashboardProps): IWidget[] => [
  new TextWidget({
    markdown: '# Is it working?\nEvery alarm green, and a complete listing a moment ago: yes.',
    width: 6,
    height: 4,
  }),
  new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 10, height: 4 }),
  new SingleValueWidget({
    title: 'Now',
    metrics: [
      orZero(greatestOf('secondsSinceCompleteListing', fiveMinutes), 's since a complete listing, worst watch'),
      labelled(greatestOf('secondsOverdue', fiveMinutes), 's overdue, oldest delivery'),
    ],
    width: 8,
    height: 4,
  }),
];

const whatItDoes = ({ poll, deliver }: NotifierDashboardProps): IWidget[] => [
  new SingleValueWidget({
    title: 'In a day',
    metrics: sumsOf(
      {
        eventsPublished: 'events published',
        attemptsSucceeded: 'deliveries arrived',
        deliveriesFailed: 'deliveries given up',
      },
      Duration.days(1),
    ),
    setPeriodToTimeRange: false,
    width: full,
    height: 3,
  }),
  new GraphWidget({
    title: 'Polls',
    left: sumsOf({ completeListings: 'complete listings' }),
    right: [
      labelled(greatestOf('watchesFailing', fiveMinutes), 'watches failing'),
      labelled(greatestOf('watchesSkipped', fiveMinutes), 'watches skipped'),
    ],
    width: 8,
  }),
  new GraphWidget({
    title: 'Events and deliveries',
    left: sumsOf({ eventsPublished: 'events published', deliveriesCreated: 'deliveries created' }),
    right: sumsOf({ attemptsSucceeded: 'attempts succeeded', attemptsFailed: 'attempts failed' }),
    width: 8,
  }),
  new GraphWidget({
    title: 'Time taken',
    left: [
      labelled(poll.metricDuration({ period: fiveMinutes, statistic: 'p99' }), 'poll, p99'),
      labelled(deliver.metricDuration({ period: fiveMinutes, statistic: 'p99' }), 'deliver, p99'),
    ],
    width: 8,
  }),
];

const whyItDoesNot = ({ functions, deadLetters, poll, deliver }: NotifierDashboardProps): IWidget[] => [
  new GraphWidget({
    title: 'Errors of functions',
    left: functions.map((one) => labelled(one.metricErrors({ period: fiveMinutes }), one.node.id)),
    width: 12,
  }),
  new GraphWidget({
    title: 'Dead letters',
    left: Object.entries(deadLetters).map(([what, queue]) => labelled(waitingIn(queue, fiveMinutes), what)),
    width: 12,
  }),
  latestLines('Polls failing', poll, 'watch, cause, problem', "level = 'WARN'"),
  latestLines(
    'Attempts that failed',
    deliver,
    'endpoint, attempt, outcome, cause, answer, nextAttemptAt',
    "message = 'delivery' and outcome != 'delivered'",
  ),
];

const latestLines = (title: string, { logGroup }: LambdaFunction, fields: string, filter: string): IWidget =>
  new LogQueryWidget({
    title,
    logGroupNames: [logGroup.logGroupName],
    queryLines: [`fields @timestamp, ${fields}`, `filter ${filter}`, 'sort @timestamp desc', 'limit 20'],
    width: 12,
    height: 8,
  });

/** Sums of metrics, each with its label. */
const sumsOf = (labels: Partial<Record<keyof typeof metricNames, string>>, period = fiveMinutes): Metric[] =>
  Object.entries(labels).map(([name, label]) => labelled(sumOf(name as keyof typeof metricNames, period), label));

const labelled = (metric: Metric, label: string): Metric => metric.with({ label });

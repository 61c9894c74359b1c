import { Aws, type Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { metricNames, serviceName } from '#functions/lambda/metric-names.ts';

/** Namespace of the metrics of a stack's functions, apart from those of other stacks. */
export const metricNamespace = Aws.STACK_NAME;

const measure = (statistic: string) => (name: keyof typeof metricNames, period: Duration) =>
  new Metric({
    namespace: metricNamespace,
    metricName: metricNames[name].name,
    dimensionsMap: { service: serviceName },
    statistic,
    period,
  });

export const sumOf = measure(Stats.SUM);

/** Builds the greatest value of a measuring metric within a period. */
export const greatestOf = measure(Stats.MAXIMUM);

/** Builds the greatest number of messages that wait in a queue. */
export const waitingIn = (queue: IQueue, period: Duration): Metric =>
  queue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' });

/**
 * Reads a metric as 0 for periods in which no function sent it. Otherwise an alarm would take separate periods for
 * consecutive ones, and a dashboard's "now" would show the last value sent.
 *
 * @param label name on a dashboard
 * @default label - the metric's name
 */
export const orZero = (metric: Metric, label?: string): IMetric =>
  new MathExpression({
    expression: 'FILL(m, 0)',
    usingMetrics: { m: metric },
    period: metric.period,
    label: label ?? metric.metricName,
  });

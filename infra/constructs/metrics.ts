import { Aws, type Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { metricNames, serviceName } from '#functions/lambda/metric-names.ts';

/** Where the metrics of a stack's functions stand, for its alarms and its dashboard: not with those of another stack. */
export const metricNamespace = Aws.STACK_NAME;

/**
 * A metric of the notifier, under its one dimension.
 *
 * @param statistic for instance `Sum`
 */
const measure = (name: keyof typeof metricNames, statistic: string, period: Duration): Metric =>
  new Metric({
    namespace: metricNamespace,
    metricName: metricNames[name],
    dimensionsMap: { service: serviceName },
    statistic,
    period,
  });

/** The sum, over a period, of a metric that counts. */
export const sumOf = (name: keyof typeof metricNames, period: Duration): Metric => measure(name, Stats.SUM, period);

/** The greatest value, within a period, of a metric that metricNames. */
export const greatestOf = (name: keyof typeof metricNames, period: Duration): Metric =>
  measure(name, Stats.MAXIMUM, period);

/**
 * A metric as 0 where it was not sent, which is where there was nothing to measure. Without that, an alarm would count what it
 * finds before as if it were in a row, and a number for "now" would be the last one that there was.
 *
 * @param label what a dashboard calls it
 */
export const orZero = (metric: Metric, label?: string): IMetric =>
  new MathExpression({
    expression: 'FILL(m, 0)',
    usingMetrics: { m: metric },
    period: metric.period,
    label: label ?? metric.metricName,
  });

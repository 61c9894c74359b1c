import type { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { measures, metricNamespace, serviceName } from '../functions/measures.ts';

/**
 * A metric of the notifier, under its one dimension.
 *
 * @param statistic for instance `Sum`
 */
const measure = (name: keyof typeof measures, statistic: string, period: Duration): Metric =>
  new Metric({
    namespace: metricNamespace,
    metricName: measures[name],
    dimensionsMap: { service: serviceName },
    statistic,
    period,
  });

/** The sum, over a period, of a metric that counts. */
export const sumOf = (name: keyof typeof measures, period: Duration): Metric => measure(name, Stats.SUM, period);

/** The greatest value, within a period, of a metric that measures. */
export const greatestOf = (name: keyof typeof measures, period: Duration): Metric =>
  measure(name, Stats.MAXIMUM, period);

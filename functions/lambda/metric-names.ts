import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import metricNames from './metric-names.json' with { type: 'json' };

/** The only dimension of the notifier's metrics in CloudWatch. */
export const serviceName = 'transfer-notifier';

/** The metrics: ten, which AWS gives away. One more, or a dimension, costs by the month, except in hours without it. */
export { metricNames };

/** Adds counts to the metrics, except zeros. */
export function addCounts(metrics: Metrics, counts: { readonly [Name in keyof typeof metricNames]?: number }): void {
  for (const [name, count] of Object.entries(counts))
    if (count > 0) metrics.addMetric(metricNames[name as keyof typeof metricNames].name, MetricUnit.Count, count);
}

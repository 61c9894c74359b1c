import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** The only dimension of the notifier's metrics in CloudWatch. */
export const serviceName = 'transfer-notifier';

/**
 * Metrics of the notifier: ten, which AWS gives away. Each further metric or dimension costs by the month. A metric
 * costs nothing in an hour in which it is not sent.
 */
export const metricNames = {
  completeListings: 'CompleteListings',
  /** Watches that operators have been told about as failing, and that still fail. */
  watchesFailing: 'WatchesFailing',
  /** Watches for which a poll had no time. */
  watchesSkipped: 'WatchesSkipped',
  /** Longest time since a complete listing among the watches. */
  secondsSinceCompleteListing: 'SecondsSinceCompleteListing',
  eventsPublished: 'EventsPublished',
  deliveriesCreated: 'DeliveriesCreated',
  attemptsSucceeded: 'AttemptsSucceeded',
  attemptsFailed: 'AttemptsFailed',
  /** Deliveries that were given up. */
  deliveriesFailed: 'DeliveriesFailed',
  /** Longest time that a delivery has been due. Each sweep sends it, so that an alarm notices missing sweeps. */
  secondsOverdue: 'SecondsOverdue',
} as const;

/** Adds counts to the metrics, except zeros. */
export function addCounts(metrics: Metrics, counts: { readonly [Name in keyof typeof metricNames]?: number }): void {
  for (const [name, count] of Object.entries(counts))
    if (count > 0) metrics.addMetric(metricNames[name as keyof typeof metricNames], MetricUnit.Count, count);
}

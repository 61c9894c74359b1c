import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** The one dimension that all metrics of the notifier have in CloudWatch. */
export const serviceName = 'transfer-notifier';

/**
 * The metrics of the notifier. There are ten, which is what AWS gives away; each further one costs by the month, as each
 * further dimension would. A metric costs nothing in an hour in which it is not sent.
 */
export const metricNames = {
  /** Listings that were complete, by invocation. */
  completeListings: 'CompleteListings',
  /** Watches that operators have been told about as failing, and that fail still. */
  watchesFailing: 'WatchesFailing',
  /** Watches for which a poll had no time. */
  watchesSkipped: 'WatchesSkipped',
  /** Of the watch that has been longest without a complete listing. */
  secondsSinceCompleteListing: 'SecondsSinceCompleteListing',
  eventsPublished: 'EventsPublished',
  deliveriesCreated: 'DeliveriesCreated',
  attemptsSucceeded: 'AttemptsSucceeded',
  attemptsFailed: 'AttemptsFailed',
  /** Deliveries that were given up. */
  deliveriesFailed: 'DeliveriesFailed',
  /** Of the delivery that has been due for longest; sent by each sweep, for the alarm that tells that none takes place. */
  secondsOverdue: 'SecondsOverdue',
} as const;

/** Adds what there was to count; nothing of what there was none. */
export function addCounts(metrics: Metrics, counts: { readonly [Name in keyof typeof metricNames]?: number }): void {
  for (const [name, count] of Object.entries(counts)) {
    if (count > 0) metrics.addMetric(metricNames[name as keyof typeof metricNames], MetricUnit.Count, count);
  }
}

/** The one dimension that all metrics of the notifier have in CloudWatch. */
export const serviceName = 'transfer-notifier';

/**
 * The metrics of the notifier. There are ten, which is what AWS gives away; each further one costs by the month, as each
 * further dimension would.
 */
export const measures = {
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
  /** Of the delivery that has been due for longest. */
  secondsOverdue: 'SecondsOverdue',
} as const;

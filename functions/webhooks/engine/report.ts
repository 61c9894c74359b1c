import type { Logger } from '@aws-lambda-powertools/logger';
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { addCounts, metricNames } from '#functions/lambda/metric-names.ts';
import { deliveryFacts } from '#functions/webhooks/deliveries/settled.ts';
import type { DeliveryBatch } from './deliver.ts';
import type { FanOut } from './fan-out.ts';
import type { Sweep } from './sweep.ts';

/** Logs the successes of a batch in one line and each other delivery in its own. Counts them in the metrics. */
export function reportDeliveries(logger: Logger, metrics: Metrics, batch: DeliveryBatch, malformed: number): void {
  const { settled, unhandled } = batch;
  const { delivered = [], others = [] } = Object.groupBy(settled, ({ delivery }) =>
    delivery.status === 'DELIVERED' ? 'delivered' : 'others',
  );
  if (delivered.length > 0) {
    const events = Map.groupBy(delivered, ({ delivery }) => delivery.endpoint);
    const byEndpoint = [...events].map(([name, list]) => [name, list.map(({ delivery }) => delivery.event)]);
    logger.info('delivered', { count: delivered.length, events: Object.fromEntries(byEndpoint) });
  }
  for (const one of others) logger.info('delivery', deliveryFacts(one));
  for (const { endpoint, error } of unhandled) logger.error('deliveries not handled', { endpoint, error });
  if (malformed > 0) logger.error('messages dropped that are no wake-ups', { count: malformed });
  const attempts = settled.flatMap(({ attempt }) => attempt ?? []);
  const succeeded = attempts.filter(({ outcome }) => outcome.kind === 'delivered').length;
  addCounts(metrics, {
    attemptsSucceeded: succeeded,
    attemptsFailed: attempts.length - succeeded,
    deliveriesFailed: settled.filter(({ delivery }) => delivery.status === 'FAILED').length,
  });
}

/** Logs what was not ordinary about a batch of fan-out, and counts its deliveries in the metrics. */
export function reportFanOut(logger: Logger, metrics: Metrics, { deliveries, handedOn, unhandled }: FanOut): void {
  if (handedOn > 0) logger.info('fan-out', { deliveries, handedOn });
  for (const { error } of unhandled) logger.error('message not handled', { error });
  addCounts(metrics, { deliveriesCreated: deliveries });
}

/** Logs a sweep in one line, and adds its longest wait to the metrics. */
export function reportSweep(logger: Logger, metrics: Metrics, swept: Sweep): void {
  logger[swept.failed > 0 || swept.clockSetBackMs !== undefined ? 'warn' : 'info']('sweep', { ...swept });
  metrics.addMetric(metricNames.secondsOverdue.name, MetricUnit.Seconds, swept.longestWaitMs / 1000);
}

import type { Logger } from '@aws-lambda-powertools/logger';
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { measures } from '../measures.ts';
import type { DeliveryBatch } from './deliver.ts';
import type { Settled } from './endpoint-batch.ts';
import type { FanOut } from './fan-out.ts';
import type { Sweep } from './sweep.ts';

export type DeliveryFacts = ReturnType<typeof deliveryFacts>;

/** What there is to say about a delivery that was looked after, in one line; neither URL nor answer stand in it. */
export function deliveryFacts({ delivery, attempt }: Settled) {
  const { event, endpoint, status, reason, nextAttemptAt } = delivery;
  return {
    event,
    endpoint,
    status,
    ...(reason && { reason }),
    ...(status === 'PENDING' && { nextAttemptAt: new Date(nextAttemptAt).toISOString() }),
    ...(attempt && {
      attempt: attempt.delivery.attempt,
      duration: attempt.endedAt - attempt.startedAt,
      outcome: attempt.outcome.kind,
      ...('cause' in attempt.outcome && { cause: attempt.outcome.cause }),
      ...(attempt.failure && { failure: attempt.failure }),
      ...(attempt.code && { code: attempt.code }),
      ...(attempt.status !== undefined && { answer: attempt.status }),
    }),
  };
}

/** Writes one log line for each delivery, and adds the batch to the metrics. */
export function reportDeliveries(logger: Logger, metrics: Metrics, { settled, unhandled }: DeliveryBatch): void {
  for (const one of settled) logger.info('delivery', deliveryFacts(one));
  for (const { delivery, error } of unhandled) logger.error('delivery not handled', { ...delivery, error });
  const attempts = settled.flatMap(({ attempt }) => attempt ?? []);
  const delivered = attempts.filter(({ outcome }) => outcome.kind === 'delivered').length;
  metrics.addMetric(measures.attemptsSucceeded, MetricUnit.Count, delivered);
  metrics.addMetric(measures.attemptsFailed, MetricUnit.Count, attempts.length - delivered);
  metrics.addMetric(
    measures.deliveriesFailed,
    MetricUnit.Count,
    settled.filter(({ delivery }) => delivery.status === 'FAILED').length,
  );
}

/** Writes one log line for a batch that was fanned out, and adds it to the metrics. */
export function reportFanOut(
  logger: Logger,
  metrics: Metrics,
  { deliveries, handedOn, unrung, unhandled }: FanOut,
): void {
  logger.info('fan-out', { deliveries, handedOn, unrung });
  for (const { error } of unhandled) logger.error('message not handled', { error });
  metrics.addMetric(measures.deliveriesCreated, MetricUnit.Count, deliveries);
}

/** Writes the one log line of a sweep, and adds it to the metrics. */
export function reportSweep(logger: Logger, metrics: Metrics, swept: Sweep): void {
  if (swept.failed > 0 || swept.clockSetBack !== undefined) logger.warn('sweep', { ...swept });
  else logger.info('sweep', { ...swept });
  metrics.addMetric(measures.secondsOverdue, MetricUnit.Seconds, swept.longestWait / 1000);
}

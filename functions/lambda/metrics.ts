import { Metrics } from '@aws-lambda-powertools/metrics';
import { readMetricNamespace } from './environment.ts';
import { serviceName } from './metric-names.ts';

/** Metrics in the embedded metric format; the service is the only dimension, because others cost by the month. */
export const metrics = new Metrics({ namespace: readMetricNamespace(), serviceName });

/** Middleware that sends an invocation's metrics; the library's own warns when there are none. */
export const sendMetrics = { after: send, onError: send };

function send(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}

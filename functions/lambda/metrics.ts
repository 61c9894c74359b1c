import { Metrics } from '@aws-lambda-powertools/metrics';
import { readMetricNamespace } from './environment.ts';
import { serviceName } from './metric-names.ts';

/** Metrics in the embedded metric format, with no dimension but the service: each further one costs by the month. */
export const metrics = new Metrics({ namespace: readMetricNamespace(), serviceName });

/** Sends what an invocation has measured, as middleware; the library's own warns when that is nothing. */
export const sendMetrics = { after: send, onError: send };

function send(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}

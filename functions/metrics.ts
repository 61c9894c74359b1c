import { Metrics } from '@aws-lambda-powertools/metrics';
import { readMetricNamespace } from './env.ts';
import { serviceName } from './measures.ts';

/** Metrics in the embedded metric format, with no dimension but the service: each further one costs by the month. */
export const metrics = new Metrics({ namespace: readMetricNamespace(), serviceName });

import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricNamespace, serviceName } from './measures.ts';

/** Metrics in the embedded metric format, with no dimension but the service: each further one costs by the month. */
export const metrics = new Metrics({ namespace: metricNamespace, serviceName });

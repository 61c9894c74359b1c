import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricNamespace, serviceName } from './measures.ts';

/** Structured logs. Nothing that names a person or opens a door belongs in them. */
export const logger = new Logger({ serviceName });

/** Metrics in the embedded metric format, with no dimension but the service: each further one costs by the month. */
export const metrics = new Metrics({ namespace: metricNamespace, serviceName });

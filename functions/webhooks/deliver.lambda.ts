import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { SQSEvent } from 'aws-lambda';
import { readDeliverEnvironment } from '../env.ts';
import { logger } from '../logger.ts';
import { metrics } from '../metrics.ts';
import { whenInvoked } from '../secret.ts';
import { deliver } from './deliver.ts';
import { deliverDependencies } from './dependencies.ts';
import { type DoorbellAnswer, readDoorbells, unhandledMessages } from './doorbell-messages.ts';
import { deliveryFacts, reportDeliveries } from './report.ts';

/** Milliseconds kept back at the end of an invocation for what is still to be written down. */
const reserve = 5000;

const dependencies = whenInvoked((fields) => deliverDependencies(readDeliverEnvironment(fields)));

export const handler = middy<SQSEvent, DoorbellAnswer>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async ({ Records }, context) => {
    const messages = readDoorbells(Records);
    const deps = await dependencies();
    const stopAt = deps.steady() + context.getRemainingTimeInMillis() - reserve;
    const batch = await deliver(deps, [...messages.rung.values()], stopAt);
    reportDeliveries(logger, metrics, batch);
    return { batchItemFailures: unhandledMessages(messages, batch), deliveries: batch.settled.map(deliveryFacts) };
  });

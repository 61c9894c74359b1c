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

const dependencies = whenInvoked((fields) => deliverDependencies(readDeliverEnvironment(fields)));

export const handler = middy<SQSEvent, DoorbellAnswer>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async ({ Records }) => {
    const messages = readDoorbells(Records);
    const batch = await deliver(await dependencies(), [...messages.rung.values()]);
    reportDeliveries(logger, metrics, batch);
    return { batchItemFailures: unhandledMessages(messages, batch), deliveries: batch.settled.map(deliveryFacts) };
  });

import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readDeliverEnvironment } from '#functions/lambda/environment.ts';
import { logger } from '#functions/lambda/logger.ts';
import { metrics, sendMetrics } from '#functions/lambda/metrics.ts';
import { whenInvoked } from '#functions/lambda/secret.ts';
import { failedMessages, readWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from './deliver.ts';
import { deliverDependencies } from './dependencies.ts';
import { reportDeliveries } from './report.ts';

/** Milliseconds reserved at the end of an invocation for the last writes. */
const shutdownReserveMs = 5000;

const dependencies = whenInvoked((fields) => deliverDependencies(readDeliverEnvironment(fields)));

export const handler = middy<SQSEvent, SQSBatchResponse>()
  .use(injectLambdaContext(logger))
  .use(sendMetrics)
  .handler(async ({ Records }, context) => {
    const wakeUps = readWakeUps(Records);
    const deps = await dependencies();
    const deadline = deps.steady() + context.getRemainingTimeInMillis() - shutdownReserveMs;
    const { stopping } = context as { readonly stopping?: AbortSignal };
    const batch = await deliver(deps, [...wakeUps.values()], deadline, stopping);
    reportDeliveries(logger, metrics, batch, Records.length - wakeUps.size);
    const failed = new Set(batch.unhandled.flatMap(({ endpoint, isKept }) => (isKept ? [] : endpoint)));
    return { batchItemFailures: failedMessages(wakeUps, failed) };
  });

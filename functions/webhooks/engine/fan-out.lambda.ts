import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readFanOutEnvironment } from '#functions/lambda/environment.ts';
import { logger } from '#functions/lambda/logger.ts';
import { metrics, sendMetrics } from '#functions/lambda/metrics.ts';
import { announcementOf } from './announcements.ts';
import { fanOutDependencies } from './dependencies.ts';
import { fanOut } from './fan-out.ts';
import { reportFanOut } from './report.ts';

/** Milliseconds reserved at the end of an invocation for wake-ups and handing on. */
const shutdownReserveMs = 5000;

const deps = fanOutDependencies(readFanOutEnvironment());

export const handler = middy<SQSEvent, SQSBatchResponse>()
  .use(injectLambdaContext(logger))
  .use(sendMetrics)
  .handler(async ({ Records }, context) => {
    const deadline = deps.steady() + context.getRemainingTimeInMillis() - shutdownReserveMs;
    const fannedOut = await fanOut(deps, Records.map(announcementOf), deadline);
    reportFanOut(logger, metrics, fannedOut);
    return {
      batchItemFailures: fannedOut.unhandled.map(({ message }) => ({ itemIdentifier: Records[message]!.messageId })),
    };
  });

import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readFanOutEnvironment } from '#functions/lambda/environment.ts';
import { handlerOf } from '#functions/lambda/handler.ts';
import { logger } from '#functions/lambda/logger.ts';
import { metrics } from '#functions/lambda/metrics.ts';
import { fanOutDependencies } from './dependencies.ts';
import { announcementOf, fanOut } from './fan-out.ts';
import { reportFanOut } from './report.ts';

const deps = fanOutDependencies(readFanOutEnvironment());

/** Keeps 5 s back for wake-ups and handing on. */
export const handler = handlerOf<SQSEvent, SQSBatchResponse>(5000, async ({ Records }, deadline) => {
  const fannedOut = await fanOut(deps, Records.map(announcementOf), deadline);
  reportFanOut(logger, metrics, fannedOut);
  const failed = fannedOut.unhandled.map(({ message }) => Records[message]!);
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
});

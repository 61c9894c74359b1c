import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readDeliverEnvironment } from '#functions/lambda/environment.ts';
import { handlerOf } from '#functions/lambda/handler.ts';
import { logger } from '#functions/lambda/logger.ts';
import { metrics } from '#functions/lambda/metrics.ts';
import { whenInvoked } from '#functions/lambda/secret.ts';
import { failedMessages, readWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import type { MailSender } from '#functions/webhooks/http/mail.ts';
import { deliver } from './deliver.ts';
import { deliverDependencies } from './dependencies.ts';
import { reportDeliveries } from './report.ts';

const dependencies = whenInvoked((fields) => deliverDependencies(readDeliverEnvironment(fields)));

/** Keeps 5 s back for the last writes. */
export const handler = handlerOf<SQSEvent, SQSBatchResponse>(5000, async ({ Records }, deadline, context) => {
  const wakeUps = readWakeUps(Records);
  const { stopping, mail } = context as { readonly stopping?: AbortSignal; readonly mail?: MailSender };
  const deps = { ...(await dependencies()), ...(mail && { mail }) };
  const batch = await deliver(deps, [...wakeUps.values()], deadline, stopping);
  reportDeliveries(logger, metrics, batch, Records.length - wakeUps.size);
  return { batchItemFailures: failedMessages(wakeUps, batch.unhandled) };
});

import { setTimeout as sleep } from 'node:timers/promises';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import type { readOperatorEnvironment } from '#functions/lambda/environment.ts';
import { signerFor } from '#functions/lambda/signed-post.ts';
import { serverDependencies } from '#functions/poll/dependencies.ts';
import { IncidentRows } from '#functions/watches/incident-rows.ts';
import { Watches } from '#functions/watches/watches.ts';
import { deliveryDependencies, newQueueClient } from '#functions/webhooks/engine/dependencies.ts';

export const operatorRepositories = (source: TableSource) => {
  return { watches: new Watches(source), incidentRows: new IncidentRows(source) };
};

/** @throws the file system's error when the CA file cannot be read, DataKeyError for a wrong data key */
export function operatorDependencies(env: ReturnType<typeof readOperatorEnvironment>) {
  const { calls, tokens, origin, source } = serverDependencies(env);
  const { dynamo } = source;
  const tables = { transfers: source, webhooks: { dynamo, table: env.WEBHOOKS_TABLE } };
  const { POLL_INTERVAL_MS: pollIntervalMs, QUIET_INTERVAL_MS: quietIntervalMs } = env;
  const [events, notices] = [[env.TRANSFER_EVENTS_TOPIC_ARN], env.TRANSFER_NOTICES_TOPIC_ARN.split(',')];
  return {
    version: env.NOTIFIER_VERSION,
    transfers: { ...operatorRepositories(source), calls, tokens, origin, pollIntervalMs, quietIntervalMs },
    pollFunction: { url: env.POLL_INVOCATION_URL, signer: signerFor('lambda', dynamo) },
    topics: {
      sns: { url: env.SNS_URL, signer: signerFor('sns', dynamo) },
      arns: { 'transfer-events': events, 'transfer-notices': notices },
    },
    webhooks: {
      ...deliveryDependencies(env, dynamo),
      dataKey: new DataKey(env.DATA_KEY),
      allowPrivate: env.ALLOW_PRIVATE_WEBHOOKS === 'yes',
    },
    tables,
    /** Queues to inspect, with their URLs by the kind of message. */
    queues: { sqs: newQueueClient(), urls: env.INSPECTED_QUEUES },
    sleep: (milliseconds: number): Promise<unknown> => sleep(milliseconds),
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SignatureV4 } from '@smithy/signature-v4';
import { DataKey } from '#functions/lambda/data-key.ts';
import type { readOperatorEnvironment } from '#functions/lambda/environment.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import { serverDependencies } from '#functions/poll/dependencies.ts';
import { Chats } from '#functions/watches/chats.ts';
import { webhookDependencies } from '#functions/webhooks/engine/dependencies.ts';

/** @throws the file system's error when the CA file cannot be read, DataKeyError for a wrong data key */
export function operatorDependencies(env: ReturnType<typeof readOperatorEnvironment>): OperatorDependencies {
  const transfers = serverDependencies(env);
  const { credentials, region, sha256 } = transfers.dynamo.config;
  return {
    version: env.NOTIFIER_VERSION,
    transfers,
    // Reuses the credentials that the SDK resolved for this function.
    pollFunction: {
      url: env.POLL_INVOCATION_URL,
      signer: new SignatureV4({ service: 'lambda', credentials, region, sha256 }),
    },
    webhooks: {
      ...webhookDependencies(env),
      chats: new Chats(transfers.dynamo, transfers.table),
      dataKey: new DataKey(env.DATA_KEY),
      allowPrivate: env.ALLOW_PRIVATE_WEBHOOKS === 'yes',
    },
    queues: { sqs: new SQSClient({ ...sdkSettings, useQueueUrlAsEndpoint: false }), urls: env.INSPECTED_QUEUES },
    sleep,
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SignatureV4 } from '@smithy/signature-v4';
import type { readOperatorEnvironment } from '../env.ts';
import { sdkSettings } from '../sdk-settings.ts';
import { Chats } from '../transfers/chats.ts';
import { serverDependencies } from '../transfers/dependencies.ts';
import { webhookDependencies } from '../webhooks/dependencies.ts';
import { DataKey } from '../webhooks/sealing.ts';
import type { OperatorDependencies } from './operation.ts';

/** @throws the file system's error when the CA file cannot be read, DataKeyError for a wrong data key */
export function operatorDependencies(env: ReturnType<typeof readOperatorEnvironment>): OperatorDependencies {
  const transfers = serverDependencies(env);
  const { credentials, region, sha256 } = transfers.dynamo.config;
  return {
    version: env.NOTIFIER_VERSION,
    transfers,
    // The SDK has found out who this function is.
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

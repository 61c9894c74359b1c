import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SignatureV4 } from '@smithy/signature-v4';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import type { readOperatorEnvironment } from '#functions/lambda/environment.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import { serverDependencies } from '#functions/poll/dependencies.ts';
import { IncidentRows } from '#functions/watches/incident-rows.ts';
import { WatchStates } from '#functions/watches/watch-states.ts';
import { Watches } from '#functions/watches/watches.ts';
import { StoredEvents } from '#functions/webhooks/deliveries/stored-events.ts';
import { deliveryDependencies } from '#functions/webhooks/engine/dependencies.ts';

export const operatorRepositories = ({ dynamo, table }: TableSource) => ({
  watches: new Watches(dynamo, table),
  states: new WatchStates({ dynamo, table }),
  incidentRows: new IncidentRows(dynamo, table),
});

/** @throws the file system's error when the CA file cannot be read, DataKeyError for a wrong data key */
export function operatorDependencies(env: ReturnType<typeof readOperatorEnvironment>): OperatorDependencies {
  const { calls, tokens, origin, dynamo, table } = serverDependencies(env);
  const source = { dynamo, table };
  const { credentials, region, sha256 } = dynamo.config;
  // Reuses the credentials that the SDK resolved for this function.
  const signerFor = (service: string) => new SignatureV4({ service, credentials, region, sha256 });
  return {
    version: env.NOTIFIER_VERSION,
    transfers: { ...operatorRepositories(source), calls, tokens, origin, quietIntervalMs: env.QUIET_INTERVAL_MS },
    pollFunction: { url: env.POLL_INVOCATION_URL, signer: signerFor('lambda') },
    topics: {
      sns: { url: env.SNS_URL, signer: signerFor('sns') },
      arns: {
        'transfer-events': [env.TRANSFER_EVENTS_TOPIC_ARN],
        'transfer-notices': env.TRANSFER_NOTICES_TOPIC_ARN.split(','),
      },
    },
    webhooks: {
      ...deliveryDependencies(env, dynamo),
      events: new StoredEvents({ dynamo, table: env.WEBHOOKS_TABLE }),
      dataKey: new DataKey(env.DATA_KEY),
      allowPrivate: env.ALLOW_PRIVATE_WEBHOOKS === 'yes',
    },
    tables: { transfers: source, webhooks: { dynamo, table: env.WEBHOOKS_TABLE } },
    queues: { sqs: new SQSClient({ ...sdkSettings, useQueueUrlAsEndpoint: false }), urls: env.INSPECTED_QUEUES },
    sleep,
  };
}

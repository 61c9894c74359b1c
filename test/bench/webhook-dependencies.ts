import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { steady } from '#functions/clock/instants.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { Chats } from '#functions/watches/chats.ts';
import { parseWakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { webhookRepositories } from '#functions/webhooks/engine/dependencies.ts';
import { WebhookClient } from '#functions/webhooks/http/client.ts';
import { createTransfersTable, createWebhooksTable } from '#infra/local/services/embedded-services.ts';
import { createQueue } from '#infra/local/services/event-source.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import type { ServiceAddresses } from './services.ts';
import { UnitsMeter } from './units-meter.ts';

let tables = 0;

/** What the functions for webhooks work with in this process, on a new table of the embedded services, with every unit counted. */
export async function meteredWebhooks({ sdkEnvironment }: ServiceAddresses) {
  tables += 1;
  const table = `metered-webhooks-${tables}`;
  const sdk = sdkSettings(sdkEnvironment);
  const database = { ...sdk, endpoint: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB! };
  const [dynamo, onlooker] = [new DynamoDBClient(database), new DynamoDBClient(database)];
  const sqs = new SQSClient({ ...sdk, endpoint: sdkEnvironment.AWS_ENDPOINT_URL_SQS!, useQueueUrlAsEndpoint: false });
  const client = new WebhookClient({ resolve: async () => [], allowPrivate: true });
  await createWebhooksTable(onlooker, table);
  const transfersTable = `metered-transfers-${tables}`;
  await createTransfersTable(onlooker, transfersTable);
  const meter = new UnitsMeter(dynamo, onlooker);
  const queue = await createQueue(sqs, table, 60);
  return {
    deps: {
      dynamo,
      table,
      ...webhookRepositories({ dynamo, table }),
      client,
      wakeUps: { sqs, url: queue.url },
      chats: new Chats(onlooker, transfersTable),
      // So few endpoints leave nothing to be handed on.
      announcements: { sqs, url: queue.url },
      dataKey: new DataKey(randomBytes(32).toString('base64')),
      allowPrivate: true,
      now: () => new Date(),
      steady,
      random: Math.random,
    },
    meter,
    /** A client of the same database that is not metered. */
    onlooker,
    sqs,
    queue,
    /** What a message of the queue asks for. */
    wakeUpOf: (body: string) => parseWakeUp(body)!,
    close() {
      client.close();
      for (const one of [dynamo, onlooker, sqs]) one.destroy();
    },
  };
}

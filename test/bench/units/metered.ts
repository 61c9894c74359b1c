import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { steady } from '#functions/clock/instants.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { signerFor } from '#functions/lambda/signed-post.ts';
import { ClockWitness } from '#functions/webhooks/engine/clock-witness.ts';
import { webhookRepositories } from '#functions/webhooks/engine/dependencies.ts';
import { mailTopic } from '#functions/webhooks/http/mail-topic.ts';
import { webhookClient } from '#functions/webhooks/http/webhook-client.ts';
import { createTopic, createTransfersTable, createWebhooksTable } from '#infra/local/services/embedded-services.ts';
import { createQueue } from '#infra/local/services/event-source.ts';
import type { ServiceAddresses } from '#test/bench/processes/services.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { UnitsMeter } from './units-meter.ts';

/** Connects to the embedded DynamoDB: a client whose units are counted, and an onlooker whose units are not. */
export function meteredDatabase({ sdkEnvironment }: Pick<ServiceAddresses, 'sdkEnvironment'>) {
  const settings = { ...sdkSettings(sdkEnvironment), endpoint: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB! };
  const [dynamo, onlooker] = [new DynamoDBClient(settings), new DynamoDBClient(settings)];
  return {
    dynamo,
    onlooker,
    meter: new UnitsMeter(dynamo, onlooker),
    close(): void {
      dynamo.destroy();
      onlooker.destroy();
    },
  };
}

let tables = 0;

/** Makes the dependencies of the functions for webhooks, on a new table of the embedded services, with every unit counted. */
export async function meteredWebhooks(addresses: ServiceAddresses) {
  tables += 1;
  const table = `metered-webhooks-${tables}`;
  const transfersTable = `metered-transfers-${tables}`;
  const { sdkEnvironment } = addresses;
  const { dynamo, onlooker, meter, close } = meteredDatabase(addresses);
  const endpoint = sdkEnvironment.AWS_ENDPOINT_URL_SQS!;
  const sqs = new SQSClient({ ...sdkSettings(sdkEnvironment), endpoint, useQueueUrlAsEndpoint: false });
  const snsUrl = sdkEnvironment.AWS_ENDPOINT_URL_SNS!;
  const sns = new SNSClient({ ...sdkSettings(sdkEnvironment), endpoint: snsUrl });
  const noticesTopicArn = await createTopic(sns, `${table}-notices`);
  const client = webhookClient({ resolve: async () => [], allowPrivate: true });
  await createWebhooksTable(onlooker, table);
  await createTransfersTable(onlooker, transfersTable);
  const queue = await createQueue(sqs, table, 60);
  return {
    deps: {
      dynamo,
      table,
      ...webhookRepositories({ dynamo, table }),
      witness: new ClockWitness({ dynamo, table }),
      client,
      mail: mailTopic({ url: snsUrl, signer: signerFor('sns', onlooker) }, [noticesTopicArn]),
      wakeUps: { sqs, url: queue.url },
      // With a few endpoints, nothing is left to be handed on.
      announcements: { sqs, url: queue.url },
      dataKey: new DataKey(randomBytes(32).toString('base64')),
      allowPrivate: true,
      now: () => new Date(),
      steady,
      random: Math.random,
    },
    transfersTable,
    meter,
    onlooker,
    sqs,
    queue,
    close() {
      client.close();
      sqs.destroy();
      sns.destroy();
      close();
    },
  };
}

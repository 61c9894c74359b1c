import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import { createTopic, createTransfersTable, startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { deleteExpired } from '#infra/local/services/expiry.ts';
import { subscribedQueue, takeMessages } from '#infra/local/services/subscribed-queue.ts';

const table = 'transfers';

/** Starts database and topic of a twin in memory. It leaves the environment alone, unlike a local run. */
export async function startTwinServices() {
  const services = await startEmbeddedServices();
  const variables = services.sdkEnvironment;
  const settings = {
    ...sdkSettings,
    region: variables.AWS_REGION!,
    credentials: { accessKeyId: variables.AWS_ACCESS_KEY_ID!, secretAccessKey: variables.AWS_SECRET_ACCESS_KEY! },
  };
  const dynamo = new DynamoDBClient({ ...settings, endpoint: variables.AWS_ENDPOINT_URL_DYNAMODB! });
  const sns = new SNSClient({ ...settings, endpoint: variables.AWS_ENDPOINT_URL_SNS! });
  const sqs = new SQSClient({ ...settings, endpoint: variables.AWS_ENDPOINT_URL_SQS! });
  await createTransfersTable(dynamo, table);
  const eventsTopicArn = await createTopic(sns, 'transfer-events');
  const queue = await subscribedQueue(sns, sqs, eventsTopicArn);
  return {
    source: { dynamo, table },
    sns,
    eventsTopicArn,
    /** Bytes of the events that were published since the last call. */
    takeBodies: async () => (await takeMessages(sqs, queue)).map(({ Body = '' }) => Body),
    /** Deletes the rows that have expired by this Unix time in milliseconds, as time to live does on AWS. */
    deleteExpired: (at: number) => deleteExpired({ dynamo, tables: [table] }, at),
    async close() {
      for (const client of [dynamo, sns, sqs]) client.destroy();
      await services.close();
    },
  };
}

import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { startProcess } from '#test/bench/processes/bench-process.ts';
import type { Services } from '#test/bench/processes/services.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import type { Contestant, SenderMethods } from './contestant.ts';

/** The start of the sender's process. */
export interface SenderStart {
  readonly sdkEnvironment: Readonly<Record<string, string>>;
  /** Begins the names of its table, topics and queues. */
  readonly prefix: string;
  readonly endpoints: readonly { readonly name: string; readonly url: string }[];
}

let started = 0;

/**
 * Starts the local run's functions for webhooks, from the topic on, in a process beside that of the services. They have
 * an empty table, topics and queues that no other sender has.
 */
export async function startSender(services: Services, endpoints: SenderStart['endpoints']) {
  started += 1;
  const prefix = `sender-${started}-`;
  const { sdkEnvironment } = services.addresses;
  const start: SenderStart = { sdkEnvironment, prefix, endpoints };
  const { call, stop } = await startProcess<SenderMethods>(import.meta.resolve('./sender-process.ts'), start);
  return {
    name: 'Transfer Notifier',
    call,
    stop,
    cpu: async () => ({ ...(await call('cpu')), store: (await services.call('use')).cpuMs }),
    /** Counts the rows of deliveries that the table has as done. */
    async finishedRows(): Promise<number> {
      const client = new DynamoDBClient({
        ...sdkSettings(sdkEnvironment),
        endpoint: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
      });
      let rows = 0;
      const pages = paginateScan(
        { client },
        {
          TableName: `${prefix}webhooks`,
          Select: 'COUNT',
          FilterExpression: '#status = :delivered',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':delivered': { S: 'DELIVERED' } },
        },
      );
      for await (const { Count = 0 } of pages) rows += Count;
      client.destroy();
      return rows;
    },
  } satisfies Contestant & Record<string, unknown>;
}

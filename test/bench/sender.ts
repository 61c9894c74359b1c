import { fileURLToPath } from 'node:url';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { BenchChild } from './bench-child.ts';
import { type Contestant, type ContestantCommand, type Published, patience } from './contestant.ts';
import type { Services } from './services.ts';

/** An endpoint of a measurement, with the settings that are not the default ones. */
export interface BenchEndpoint {
  readonly name: string;
  readonly url: string;
}

/** What the process of the sender is started with. */
export interface SenderStart {
  readonly sdkEnvironment: Readonly<Record<string, string>>;
  /** Stands before the names of its table, topics and queues. */
  readonly prefix: string;
  readonly endpoints: readonly BenchEndpoint[];
}

let started = 0;

/** The functions for webhooks of the local run, from the topic on, in a process of their own beside that of the services. */
export class Sender implements Contestant {
  readonly name = 'Transfer Notifier';
  private readonly child: BenchChild<ContestantCommand>;
  private readonly services: Services;
  private readonly prefix: string;

  private constructor(child: BenchChild<ContestantCommand>, services: Services, prefix: string) {
    this.child = child;
    this.services = services;
    this.prefix = prefix;
  }

  /** Starts it with an empty table, and with topics and queues that no other has. */
  static async start(services: Services, endpoints: readonly BenchEndpoint[]): Promise<Sender> {
    started += 1;
    const prefix = `sender-${started}-`;
    const { sdkEnvironment } = services.addresses;
    const file = fileURLToPath(import.meta.resolve('./sender-process.ts'));
    const start = { sdkEnvironment, prefix, endpoints } satisfies SenderStart;
    const { child } = await BenchChild.start<ContestantCommand, true>(file, start);
    return new Sender(child, services, prefix);
  }

  async publish(name: string, count: number, pace: number): Promise<Published> {
    return (await this.child.tell({ kind: 'publish', name, count, pace })) as Published;
  }

  async finished(count: number): Promise<number> {
    const at = (await this.child.tell({ kind: 'finished', count })) as number | null;
    if (at !== null) return at;
    throw new Error(`${this.name}: not all of ${count} deliveries were written down within ${patience / 1000} s`);
  }

  async cpu() {
    const sender = (await this.child.tell({ kind: 'cpu' })) as number;
    return { sender, store: (await this.services.use()).cpu };
  }

  /** Rows of deliveries that are written down as done, as the table has them. */
  async finishedRows(): Promise<number> {
    const { sdkEnvironment } = this.services.addresses;
    const endpoint = sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!;
    const client = new DynamoDBClient({ ...sdkSettings(sdkEnvironment), endpoint });
    let rows = 0;
    const pages = paginateScan(
      { client },
      {
        TableName: `${this.prefix}webhooks`,
        Select: 'COUNT',
        FilterExpression: '#status = :delivered',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':delivered': { S: 'DELIVERED' } },
      },
    );
    for await (const { Count = 0 } of pages) rows += Count;
    client.destroy();
    return rows;
  }

  stop(): Promise<void> {
    return this.child.stop();
  }
}

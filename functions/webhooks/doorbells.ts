import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import pLimit from 'p-limit';
import { type DeliveryName, longestDoorbellDelay } from './delivery.ts';

/** A call to look after a delivery at an instant. */
export interface Doorbell extends DeliveryName {
  /** Unix time in milliseconds. */
  readonly at: number;
}

/** Messages that SQS takes in one call. */
const batchSize = 10;

/** Calls under way at the same time. */
const concurrency = 4;

/** Thrown for a message that is no doorbell. */
export class DoorbellError extends Error {
  override readonly name = 'DoorbellError';
}

/** The queue that has deliveries looked after. It only saves time: whatever it loses, the sweep finds. */
export class Doorbells {
  private readonly sqs: SQSClient;
  private readonly queueUrl: string;

  constructor(sqs: SQSClient, queueUrl: string) {
    this.sqs = sqs;
    this.queueUrl = queueUrl;
  }

  /**
   * Rings for deliveries; those that wait longer than SQS can delay a message are left to the sweep.
   *
   * @returns how many SQS did not take
   */
  async ring(doorbells: readonly Doorbell[], now: number): Promise<number> {
    const near = doorbells.filter(({ at }) => at - now <= longestDoorbellDelay);
    const batches = Array.from({ length: Math.ceil(near.length / batchSize) }, (_, batch) =>
      near.slice(batch * batchSize, (batch + 1) * batchSize),
    );
    const lost = await pLimit(concurrency).map(batches, (batch) => this.send(batch, now));
    return lost.reduce((sum, count) => sum + count, 0);
  }

  private async send(doorbells: readonly Doorbell[], now: number): Promise<number> {
    try {
      const { Failed = [] } = await this.sqs.send(
        new SendMessageBatchCommand({
          QueueUrl: this.queueUrl,
          Entries: doorbells.map(({ event, endpoint, at }, entry) => ({
            Id: String(entry),
            MessageBody: JSON.stringify({ event, endpoint }),
            // A fair queue keeps one endpoint's backlog from delaying the others.
            MessageGroupId: endpoint,
            DelaySeconds: Math.ceil(Math.max(0, at - now) / 1000),
          })),
        }),
      );
      return Failed.length;
    } catch {
      return doorbells.length;
    }
  }
}

/**
 * Reads a doorbell's message.
 *
 * @throws DoorbellError
 */
export function parseDoorbell(body: string): DeliveryName {
  const { event, endpoint } = parseObject(body);
  if (typeof event === 'string' && typeof endpoint === 'string') return { event, endpoint };
  throw new DoorbellError('expected a message with event and endpoint');
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

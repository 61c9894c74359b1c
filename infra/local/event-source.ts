import { randomUUID } from 'node:crypto';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

/** A queue of the embedded SQS. */
export interface LocalQueue {
  readonly url: string;
  readonly arn: string;
}

/** Seconds that a receive call waits for a message. */
const longPoll = 1;

/**
 * Creates a queue unless it is there.
 *
 * @param visibilityTimeout seconds for which a received message is hidden
 */
export async function createQueue(sqs: SQSClient, name: string, visibilityTimeout: number): Promise<LocalQueue> {
  const created = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { VisibilityTimeout: String(visibilityTimeout) } }),
  );
  const QueueUrl = created.QueueUrl!;
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  return { url: QueueUrl, arn: Attributes!.QueueArn! };
}

/**
 * Does what Lambda's event source mapping does for a queue: hands batches of at most ten messages to a handler, and
 * deletes those that it does not report as failed.
 *
 * @param concurrency batches in the handler's hands at the same time
 * @returns `stop` ends it after what is under way; `ended` resolves then, or rejects when it breaks
 */
export function startEventSource(
  sqs: SQSClient,
  queue: LocalQueue,
  concurrency: number,
  handler: (event: SQSEvent) => Promise<SQSBatchResponse>,
): { stop: () => void; ended: Promise<void> } {
  let isStopping = false;
  const QueueUrl = queue.url;
  const free: (() => void)[] = [];
  let running = 0;
  const handle = async (messages: readonly Message[]) => {
    const { batchItemFailures } = await handler({ Records: messages.map((message) => recordOf(message, queue)) });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const done = messages.filter(({ MessageId }) => !failed.has(MessageId!));
    if (done.length === 0) return;
    const Entries = done.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  };
  const { promise: broken, reject } = Promise.withResolvers<never>();
  const loop = async () => {
    while (!isStopping) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: longPoll,
          MessageAttributeNames: ['All'],
        }),
      );
      if (Messages.length === 0) continue;
      running += 1;
      handle(Messages)
        .catch(reject)
        .finally(() => {
          running -= 1;
          free.shift()?.();
        });
      if (running >= concurrency) await new Promise<void>((resolve) => free.push(resolve));
    }
    while (running > 0) await new Promise<void>((resolve) => free.push(resolve));
  };
  const stop = () => {
    isStopping = true;
  };
  return { stop, ended: Promise.race([loop(), broken]) };
}

const recordOf = (
  { MessageId, ReceiptHandle, Body, MessageAttributes = {} }: Message,
  { arn }: LocalQueue,
): SQSRecord => ({
  messageId: MessageId ?? randomUUID(),
  receiptHandle: ReceiptHandle ?? '',
  body: Body ?? '',
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '0',
    SenderId: 'local',
    ApproximateFirstReceiveTimestamp: '0',
  },
  messageAttributes: Object.fromEntries(
    Object.entries(MessageAttributes).map(([name, { StringValue, DataType }]) => [
      name,
      { stringValue: StringValue, dataType: DataType! },
    ]),
  ),
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: arn,
  awsRegion: 'us-east-1',
});

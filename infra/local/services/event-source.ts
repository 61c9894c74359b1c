import { randomUUID } from 'node:crypto';
import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

/** A queue of the embedded SQS. */
export interface LocalQueue {
  readonly url: string;
  readonly arn: string;
}

/** What hands messages to a function. */
export interface EventSource {
  /** Ends it after what is under way. */
  stop(): void;
  /** Resolves when it has ended; rejects when it breaks. */
  readonly ended: Promise<void>;
  /** What the function works on. */
  inHand(): SQSRecord[];
  /** Puts these messages back into the queue, as if they had never been received. */
  giveBack(): Promise<void>;
}

/** Seconds that a receive call waits for a message. */
const longPoll = 1;

/** Seconds after which a message that was given back can be received again: the embedded SQS fails to write 0 down. */
const soon = 1;

/** Messages that one call receives, the most that SQS hands out. */
const batchSize = 10;

/**
 * Creates a queue unless it is there.
 *
 * @param visibilityTimeout seconds for which a received message is hidden
 */
export async function createQueue(sqs: SQSClient, name: string, visibilityTimeout: number): Promise<LocalQueue> {
  const created = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const QueueUrl = created.QueueUrl!;
  // By itself: one that an earlier version has created may hide its messages for another time.
  const wanted = { VisibilityTimeout: String(visibilityTimeout) };
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: wanted }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  return { url: QueueUrl, arn: Attributes!.QueueArn! };
}

/**
 * Does what Lambda's event source mapping does for a queue: hands batches of at most ten messages to a handler, and
 * deletes those that it does not report as failed.
 *
 * @param concurrency batches in the handler's hands at the same time
 */
export function startEventSource(
  sqs: SQSClient,
  queue: LocalQueue,
  concurrency: number,
  handler: (event: SQSEvent) => Promise<SQSBatchResponse>,
): EventSource {
  let isStopping = false;
  const QueueUrl = queue.url;
  const free: (() => void)[] = [];
  const inHand = new Set<readonly Message[]>();
  const putBack = async (messages: readonly Message[]) => {
    for (let at = 0; at < messages.length; at += batchSize) {
      const Entries = messages
        .slice(at, at + batchSize)
        .map(({ ReceiptHandle }, entry) => ({ Id: String(entry), ReceiptHandle, VisibilityTimeout: soon }));
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  };
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
          MaxNumberOfMessages: batchSize,
          WaitTimeSeconds: longPoll,
          MessageAttributeNames: ['All'],
        }),
      );
      if (Messages.length === 0) continue;
      if (isStopping) {
        await putBack(Messages);
        break;
      }
      inHand.add(Messages);
      handle(Messages)
        .catch(reject)
        .finally(() => {
          inHand.delete(Messages);
          free.shift()?.();
        });
      if (inHand.size >= concurrency) await new Promise<void>((resolve) => free.push(resolve));
    }
    while (inHand.size > 0) await new Promise<void>((resolve) => free.push(resolve));
  };
  return {
    stop() {
      isStopping = true;
    },
    ended: Promise.race([loop(), broken]),
    inHand: () => [...inHand].flat().map((message) => recordOf(message, queue)),
    giveBack: () => putBack([...inHand].flat()),
  };
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

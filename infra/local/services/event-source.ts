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

export interface LocalQueue {
  readonly url: string;
  readonly arn: string;
}

/** Running mapping from a queue to a function. */
export interface EventSource {
  stop(): void;
  /** Resolves after {@link stop}, once the function has handled its messages; rejects on an error. */
  readonly ended: Promise<void>;
  inHand(): SQSRecord[];
  /** Makes the messages in hand visible in the queue again. */
  release(): Promise<void>;
}

/** Seconds of a long poll. */
const longPoll = 1;

/** Visibility timeout in seconds of a returned message: the embedded SQS fails to store 0. */
const soon = 1;

/** SQS returns at most 10 messages a call. */
const batchSize = 10;

/** Creates a queue unless it exists; `visibilityTimeout` is in seconds. */
export async function createQueue(sqs: SQSClient, name: string, visibilityTimeout: number): Promise<LocalQueue> {
  const created = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const QueueUrl = created.QueueUrl!;
  // Set separately, as a queue of an earlier version may have another visibility timeout.
  const wanted = { VisibilityTimeout: String(visibilityTimeout) };
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: wanted }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  return { url: QueueUrl, arn: Attributes!.QueueArn! };
}

/**
 * Replaces Lambda's event source mapping: hands batches of at most ten messages to a handler, and deletes those that it
 * does not report as failed.
 *
 * @param concurrency batches in flight at most
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
    for (let index = 0; index < messages.length; index += batchSize) {
      const Entries = messages
        .slice(index, index + batchSize)
        .map(({ ReceiptHandle }, entry) => ({ Id: String(entry), ReceiptHandle, VisibilityTimeout: soon }));
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  };
  const handle = async (messages: readonly Message[]) => {
    const { batchItemFailures } = await handler({ Records: messages.map((message) => recordOf(message, queue)) });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const done = messages.filter(({ MessageId }) => !failed.has(MessageId!));
    if (done.length === 0) return;
    const Entries = done.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
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
    release: () => putBack([...inHand].flat()),
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

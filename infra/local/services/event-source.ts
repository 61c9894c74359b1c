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
import { batchesOf } from '#functions/dynamodb/batch.ts';

export interface LocalQueue {
  readonly url: string;
  readonly arn: string;
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
 * Replaces Lambda's event source mapping. Hands batches of at most ten messages to a handler, and deletes those that it
 * does not report as failed. `ended` resolves after the stop, once all handed-over batches are handled, and rejects on
 * an error. `release` makes the messages in hand visible in the queue again.
 *
 * @param concurrency batches in flight at most
 * @param drains true if, after the stop, it hands over what the queue has, until a message fails
 */
export function startEventSource(
  sqs: SQSClient,
  queue: LocalQueue,
  concurrency: number,
  handler: (event: SQSEvent) => Promise<SQSBatchResponse>,
  drains = false,
) {
  let isStopping = false;
  let isDraining = drains;
  const QueueUrl = queue.url;
  const inHand = new Map<readonly Message[], Promise<void>>();
  const messagesInHand = () => [...inHand.keys()].flat();
  const putBack = async (messages: readonly Message[]) => {
    for (const batch of batchesOf(messages, batchSize)) {
      const back = { VisibilityTimeout: soon };
      const Entries = batch.map(({ ReceiptHandle }, entry) => ({ Id: String(entry), ReceiptHandle, ...back }));
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  };
  const handle = async (messages: readonly Message[]) => {
    const { batchItemFailures } = await handler({ Records: messages.map(recordOf) });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    if (failed.size > 0) isDraining = false;
    const done = messages.filter(({ MessageId }) => !failed.has(MessageId!));
    if (done.length === 0) return;
    const Entries = done.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  };
  const { promise: broken, reject } = Promise.withResolvers<never>();
  const loop = async () => {
    while (!isStopping || isDraining) {
      const WaitTimeSeconds = isStopping ? 0 : longPoll;
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: batchSize,
          WaitTimeSeconds,
          MessageAttributeNames: ['All'],
        }),
      );
      if (isStopping && !isDraining) await putBack(Messages);
      else if (Messages.length > 0) {
        const handled = handle(Messages).catch(reject);
        inHand.set(Messages, handled);
        handled.finally(() => inHand.delete(Messages));
        if (inHand.size >= concurrency) await Promise.race(inHand.values());
      } else if (WaitTimeSeconds === 0) break;
    }
    await Promise.all(inHand.values());
  };
  return {
    stop() {
      isStopping = true;
    },
    ended: Promise.race([loop(), broken]),
    inHand: () => messagesInHand().map(recordOf),
    release: () => putBack(messagesInHand()),
  };
}

/** Builds a record with what the functions read. */
const recordOf = ({ MessageId, Body, MessageAttributes = {} }: Message): SQSRecord => {
  const attributes = Object.entries(MessageAttributes).map(([name, { StringValue, DataType }]) => [
    name,
    { stringValue: StringValue, dataType: DataType },
  ]);
  return { messageId: MessageId, body: Body, messageAttributes: Object.fromEntries(attributes) } as SQSRecord;
};

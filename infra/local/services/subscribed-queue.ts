import { type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { createQueue } from './event-source.ts';

/** Seconds until a message that was received and not deleted can be received again. */
const visibilityTimeout = 30;

/** Messages that SQS hands out in one call at most. */
const receiveLimit = 10;

/** Creates a queue that gets the bytes of what is published to a topic; returns its URL. */
export async function subscribedQueue(sns: SNSClient, sqs: SQSClient, topicArn: string): Promise<string> {
  const { arn, url } = await createQueue(sqs, `of-${topicArn.split(':').at(-1)}`, visibilityTimeout);
  const Attributes = { RawMessageDelivery: 'true' };
  await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint: arn, Attributes }));
  return url;
}

/** Takes all messages out of a queue of the embedded SQS, which unlike Amazon's holds nothing back. */
export async function takeMessages(sqs: SQSClient, QueueUrl: string): Promise<Message[]> {
  const taken: Message[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: receiveLimit, MessageAttributeNames: ['All'] }),
    );
    if (Messages.length === 0) return taken;
    taken.push(...Messages);
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    if (Messages.length < receiveLimit) return taken;
  }
}

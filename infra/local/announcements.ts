import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { DeleteMessageCommand, type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { parseNotice } from '../../functions/notices/notice-record.ts';
import { Partition } from '../../functions/table.ts';
import type { TransferEvent, WatchEvent } from '../../functions/transfers/event.ts';
import type { EndpointEvent } from '../../functions/webhooks/endpoint-event.ts';
import { createQueue } from './event-source.ts';
import { noticeText } from './notice-text.ts';
import type { Part } from './stopping.ts';

/** What the topics have brought. */
export type Announcement =
  | { readonly kind: 'event'; readonly id: string; readonly event: TransferEvent | WatchEvent | EndpointEvent }
  | { readonly kind: 'notice'; readonly id: string; readonly subject: string; readonly text: string };

/** Where announcements come from. */
export interface AnnouncementSource {
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly dynamo: DynamoDBClient;
  /** Name of the table that remembers, under `ANNOUNCED`, what was passed on. */
  readonly table: string;
  readonly eventsTopicArn: string;
  readonly noticesTopicArn: string;
  /** Name of the queue that is subscribed to them. */
  readonly queue: string;
}

/** Seconds that a receive call waits for a message. */
const longPoll = 1;

/** Seconds for which a received message is hidden; a process that dies with it in hand gets it again after that. */
const visibilityTimeout = 5;

/**
 * Subscribes a queue to both topics and passes on what arrives, each once: a message leaves the queue only after it was
 * passed on, and repetitions are known by their id. Only a process killed between the two passes something on twice.
 *
 * Told to stop, it passes on what has arrived by then.
 */
export async function passOnAnnouncements(
  source: AnnouncementSource,
  passOn: (announcement: Announcement) => void,
): Promise<Part> {
  const { sns, sqs, dynamo, table } = source;
  const { url: QueueUrl, arn: Endpoint } = await createQueue(sqs, source.queue, visibilityTimeout);
  for (const TopicArn of [source.eventsTopicArn, source.noticesTopicArn]) {
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
  }
  const passedOn = new Partition(dynamo, table, 'ANNOUNCED');
  const handle = async (message: Message) => {
    const announcement = announcementOf(message, source.noticesTopicArn);
    const isKnown = (await passedOn.range(announcement.id, announcement.id)).length > 0;
    if (!isKnown) {
      passOn(announcement);
      await passedOn.put(announcement.id, {}, {});
    }
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  };

  let isGivenUp = false;
  const receive = async (WaitTimeSeconds: number) => {
    const received = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds }));
    const messages = received.Messages ?? [];
    // A message is never left between being passed on and being remembered.
    for (const message of messages) if (!isGivenUp) await handle(message);
    return messages.length;
  };
  let isStopping = false;
  const loop = async () => {
    while (!isStopping) await receive(longPoll);
    while (!isGivenUp && (await receive(0)) > 0);
  };
  const ended = loop();
  return {
    stop() {
      isStopping = true;
    },
    ended,
    underWay: () => [],
    // What is not passed on stays in its queue.
    giveBack() {
      isGivenUp = true;
      return ended;
    },
  };
}

/** Reads what SNS has put into the queue. */
function announcementOf({ Body = '' }: Message, noticesTopicArn: string): Announcement {
  const { TopicArn, Subject, Message } = JSON.parse(Body) as Record<string, string>;
  if (TopicArn !== noticesTopicArn) {
    const event = JSON.parse(Message ?? '') as TransferEvent | WatchEvent | EndpointEvent;
    return { kind: 'event', id: event.id, event };
  }
  // A queue gets the record alone: SNS picks the text for the subscriber's protocol.
  const record = parseNotice(Message ?? '');
  return { kind: 'notice', id: record.id, subject: Subject ?? '', text: noticeText(record) };
}

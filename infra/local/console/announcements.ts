import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { getRows, putRows } from '#functions/dynamodb/batch.ts';
import type { EndpointEvent } from '#functions/events/endpoint-event.ts';
import type { TransferEvent, WatchEvent } from '#functions/events/transfer-event.ts';
import { parseNotice } from '#functions/notices/notice-record.ts';
import type { Part } from '#infra/local/process/stopping.ts';
import { createQueue } from '#infra/local/services/event-source.ts';
import { noticeText } from './notice-text.ts';

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
  readonly now: () => Date;
}

/** Seconds that a receive call waits for a message. */
const longPoll = 1;

/** Seconds for which a received message is hidden; a process that dies with it in hand gets it again after that. */
const visibilityTimeout = 30;

/** Messages that one call receives, the most that SQS hands out. */
const batchSize = 10;

/** Batches that are looked up or written down at the same time: more would keep deliveries from the database. */
const mostBatches = 4;

/** Milliseconds for which an id is known, as long as the event itself is kept. */
const remembered = 30 * 86_400_000;

const pk = 'ANNOUNCED';

/**
 * Subscribes a queue to both topics and passes on what arrives, each once and in its order: a message leaves the queue
 * only after it was passed on, and repetitions are known by their id. Only a process killed between the two passes
 * something on twice.
 *
 * Told to stop, it passes on what has arrived by then.
 */
export async function passOnAnnouncements(
  source: AnnouncementSource,
  passOn: (announcement: Announcement) => void,
): Promise<Part> {
  const { sns, sqs, dynamo, table, now } = source;
  const { url: QueueUrl, arn: Endpoint } = await createQueue(sqs, source.queue, visibilityTimeout);
  for (const TopicArn of [source.eventsTopicArn, source.noticesTopicArn]) {
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
  }
  /** Ids that stand in no row yet, or may not: a repetition among them is known here. */
  const inHand = new Set<string>();
  let isGivenUp = false;
  let isTurn: Promise<unknown> = Promise.resolve();

  /** Passes on what is new of a batch, behind the batch before. */
  const printNews = async (batch: ReadonlyMap<string, Announcement>, before: Promise<unknown>) => {
    const rows = await getRows(
      dynamo,
      table,
      [...batch.keys()].map((sk) => ({ pk, sk })),
    );
    await before;
    // What is not passed on stays in its queue.
    if (isGivenUp) return undefined;
    const news = [...batch.values()].filter(({ id }) => !rows.has(`${pk} ${id}`));
    for (const announcement of news) passOn(announcement);
    return news;
  };
  const handle = async (messages: readonly Message[]) => {
    const announcements = messages.map((message) => announcementOf(message, source.noticesTopicArn));
    const batch = new Map(announcements.filter(({ id }) => !inHand.has(id)).map((one) => [one.id, one]));
    for (const id of batch.keys()) inHand.add(id);
    const printing = printNews(batch, isTurn);
    isTurn = printing;
    const news = await printing;
    if (!news) return;
    const expiresAt = Math.floor((now().getTime() + remembered) / 1000);
    await putRows(
      dynamo,
      table,
      news.map(({ id: sk }) => ({ pk, sk, expiresAt })),
    );
    for (const id of batch.keys()) inHand.delete(id);
    const Entries = messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  };

  const { promise: broken, reject } = Promise.withResolvers<never>();
  const handling = new Set<Promise<void>>();
  const receive = async (WaitTimeSeconds: number) => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: batchSize, WaitTimeSeconds }),
    );
    if (Messages.length === 0) return false;
    const handled = handle(Messages).catch(reject);
    handling.add(handled);
    handled.finally(() => handling.delete(handled));
    if (handling.size >= mostBatches) await Promise.race(handling);
    return true;
  };
  let isStopping = false;
  const loop = async () => {
    while (!isStopping) await receive(longPoll);
    while (!isGivenUp && (await receive(0)));
    await Promise.all(handling);
  };
  const ended = Promise.race([loop(), broken]);
  return {
    stop() {
      isStopping = true;
    },
    ended,
    underWay: () => [],
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

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

export type Announcement =
  | { readonly kind: 'event'; readonly id: string; readonly event: TransferEvent | WatchEvent | EndpointEvent }
  | { readonly kind: 'notice'; readonly id: string; readonly subject: string; readonly text: string };

export interface AnnouncementSource {
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly dynamo: DynamoDBClient;
  /** Table that stores the ids of passed-on announcements, under `ANNOUNCED`. */
  readonly table: string;
  readonly eventsTopicArn: string;
  readonly noticesTopicArn: string;
  readonly queue: string;
  readonly now: () => Date;
}

/** Seconds of a long poll. */
const longPoll = 1;

/** Seconds until a message of a dead process is received again. */
const visibilityTimeout = 30;

/** SQS returns at most 10 messages a call. */
const batchSize = 10;

/** Batches in flight at most: more would delay the database requests of deliveries. */
const mostBatches = 4;

/** Milliseconds for which an id is stored, as long as the event itself. */
const memoryMs = 30 * 86_400_000;

const pk = 'ANNOUNCED';

/**
 * Subscribes a queue to both topics, and passes on each announcement once, in order of arrival. It deletes a message
 * only after passing it on, and recognises repetitions by their id. Only a process killed in between passes an
 * announcement on twice. A stop passes on what has arrived by then.
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
  /** Ids that may not be stored yet, to recognise repetitions among them. */
  const inHand = new Set<string>();
  let isGivenUp = false;
  let isTurn: Promise<unknown> = Promise.resolve();

  /** Passes on the new announcements of a batch, after the previous batch. */
  const printNews = async (batch: ReadonlyMap<string, Announcement>, before: Promise<unknown>) => {
    const rows = await getRows(
      dynamo,
      table,
      [...batch.keys()].map((sk) => ({ pk, sk })),
    );
    await before;
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
    const expiresAt = Math.floor((now().getTime() + memoryMs) / 1000);
    await putRows(
      dynamo,
      table,
      news.map(({ id: sk }) => ({ pk, sk, expiresAt })),
    );
    for (const id of batch.keys()) inHand.delete(id);
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
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
    unfinished: () => [],
    release() {
      isGivenUp = true;
      return ended;
    },
  };
}

function announcementOf({ Body = '' }: Message, noticesTopicArn: string): Announcement {
  const { TopicArn, Subject, Message } = JSON.parse(Body) as Record<string, string>;
  if (TopicArn !== noticesTopicArn) {
    const event = JSON.parse(Message ?? '') as TransferEvent | WatchEvent | EndpointEvent;
    return { kind: 'event', id: event.id, event };
  }
  // SNS picks the text for each protocol; queues receive only the record.
  const record = parseNotice(Message ?? '');
  return { kind: 'notice', id: record.id, subject: Subject ?? '', text: noticeText(record) };
}

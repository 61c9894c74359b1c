import { SubscribeCommand } from '@aws-sdk/client-sns';
import type { SQSEvent } from 'aws-lambda';
import { getRows, putRows } from '#functions/dynamodb/batch.ts';
import type { EndpointEvent } from '#functions/events/endpoint-event.ts';
import type { TransferEvent, WatchEvent } from '#functions/events/transfer-event.ts';
import type { Part } from '#infra/local/process/stopping.ts';
import type { LocalAws } from '#infra/local/services/embedded-services.ts';
import { createQueue, startEventSource } from '#infra/local/services/event-source.ts';

export type Announcement =
  | { readonly kind: 'event'; readonly id: string; readonly event: TransferEvent | WatchEvent | EndpointEvent }
  | { readonly kind: 'notice'; readonly id: string; readonly reader: string; readonly text: string };

/** Seconds until a message of a dead process is received again. */
const visibilityTimeout = 30;

/** Batches in flight at most: more would delay the database requests of deliveries. */
const mostBatches = 4;

/** Milliseconds for which an id is stored, as long as the event itself. */
const memoryMs = 30 * 86_400_000;

const pk = 'ANNOUNCED';

/**
 * Subscribes a queue to both topics, and passes on each announcement once, in order of arrival. It deletes a message
 * only after passing it on, and recognises repetitions by their id. Only a process killed in between passes an
 * announcement on twice. A stop passes on what has arrived by then.
 *
 * @param passOn may return a promise, which resolves once the announcement is printed
 */
export async function passOnAnnouncements(
  { sns, sqs, dynamo, transfersTable, eventsTopicArn, noticesTopicArn }: LocalAws,
  name: string,
  now: () => Date,
  passOn: (announcement: Announcement) => unknown,
): Promise<Part> {
  const queue = await createQueue(sqs, name, visibilityTimeout);
  for (const TopicArn of [eventsTopicArn, noticesTopicArn]) {
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queue.arn }));
  }
  /** Ids that may not be stored yet, to recognise repetitions among them. */
  const inHand = new Set<string>();
  let isGivenUp = false;
  let isTurn: Promise<unknown> = Promise.resolve();

  /** Passes on the new announcements of a batch, after the previous batch; `printed` are the promises in return. */
  const passOnNews = async (batch: ReadonlyMap<string, Announcement>, before: Promise<unknown>) => {
    const keys = [...batch.keys()].map((sk) => ({ pk, sk }));
    const rows = await getRows(dynamo, transfersTable, keys);
    await before;
    if (isGivenUp) return undefined;
    const news = [...batch.values()].filter((_, index) => !rows[index]);
    return { news, printed: news.map(passOn) };
  };
  const handle = async ({ Records }: SQSEvent) => {
    const announcements = Records.map(({ body }) => announcementOf(body, noticesTopicArn));
    const batch = new Map(announcements.filter(({ id }) => !inHand.has(id)).map((one) => [one.id, one]));
    for (const id of batch.keys()) inHand.add(id);
    const passing = passOnNews(batch, isTurn);
    isTurn = passing;
    const passed = await passing;
    if (!passed) return { batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    // Remembered before it is printed, an announcement would be lost with a process killed in between.
    await Promise.all(passed.printed);
    const expiresAt = Math.floor((now().getTime() + memoryMs) / 1000);
    const rows = passed.news.map(({ id: sk }) => ({ pk, sk, expiresAt }));
    await putRows(dynamo, transfersTable, rows);
    for (const id of batch.keys()) inHand.delete(id);
    return { batchItemFailures: [] };
  };
  const { stop, ended } = startEventSource(sqs, queue, mostBatches, handle, true);
  return {
    stop,
    ended,
    release() {
      isGivenUp = true;
      return ended;
    },
  };
}

/** The envelope of SNS for a message. */
interface Published {
  readonly TopicArn: string;
  readonly Message: string;
  readonly MessageAttributes: Readonly<Record<string, { readonly Value: string }>>;
}

function announcementOf(body: string, noticesTopicArn: string): Announcement {
  const { TopicArn, Message, MessageAttributes: attributes } = JSON.parse(body) as Published;
  if (TopicArn === noticesTopicArn) {
    const { digest, reader } = attributes;
    return { kind: 'notice', id: digest!.Value, reader: reader!.Value, text: Message };
  }
  const event = JSON.parse(Message) as TransferEvent | WatchEvent | EndpointEvent;
  return { kind: 'event', id: event.id, event };
}

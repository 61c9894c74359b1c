import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { text } from '#functions/events/publish.ts';
import type { Queue } from '#functions/webhooks/endpoints/wake-ups.ts';

/** The published bytes of an event, for fan-out. */
export interface Announcement {
  readonly body: string;
  /** Name after which fan-out goes on; the endpoints before it are done. */
  readonly after?: string | undefined;
}

/** Message attribute with the name after which to go on. An attribute leaves the published bytes as they are. */
const afterAttribute = 'endpointsAfter';

/** Parses a message from a topic, or from fan-out itself. */
export const announcementOf = ({ body, messageAttributes: sent }: Pick<SQSRecord, 'body' | 'messageAttributes'>) => {
  return { body, after: sent[afterAttribute]?.stringValue };
};

/** Sends an announcement to the end of the queue, for the endpoints left. @throws the error of the SDK */
export async function handOn({ sqs, url }: Queue, { body, after }: Announcement): Promise<void> {
  const MessageAttributes = after ? { [afterAttribute]: text(after) } : {};
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes }));
}

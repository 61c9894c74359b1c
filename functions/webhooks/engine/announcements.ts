import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { chatsAttribute, chatsAttributeName, text } from '#functions/notices/publish.ts';
import type { Queue } from '#functions/webhooks/endpoints/wake-ups.ts';

/** The published bytes of an event or notice, for fan-out. */
export interface Announcement {
  readonly body: string;
  /** Name after which fan-out goes on; the endpoints before it are done. */
  readonly after?: string | undefined;
  /** True for an event published while no chat was known, so that its notice does not come here. */
  readonly isUnnoticed?: boolean | undefined;
}

/** Message attribute with the name after which to go on. An attribute leaves the published bytes as they are. */
const afterAttribute = 'endpointsAfter';

/** Parses a message from a topic, or from fan-out itself. */
export function announcementOf({ body, messageAttributes: sent }: Pick<SQSRecord, 'body' | 'messageAttributes'>) {
  const isUnnoticed = sent[chatsAttributeName] !== undefined;
  return { body, after: sent[afterAttribute]?.stringValue, isUnnoticed };
}

/** Sends an announcement to the end of the queue, for the endpoints left or for all. @throws the error of the SDK */
export async function handOn({ sqs, url }: Queue, { body, after, isUnnoticed }: Announcement): Promise<void> {
  const MessageAttributes = { ...(after && { [afterAttribute]: text(after) }), ...chatsAttribute(isUnnoticed) };
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes }));
}

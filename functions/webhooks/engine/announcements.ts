import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { chatsAttribute, chatsAttributeName, text } from '#functions/notices/publish.ts';
import type { Queue } from '#functions/webhooks/endpoints/wake-ups.ts';

/** An event or notice on its way to the endpoints. */
export interface Announcement {
  /** As it was published. */
  readonly body: string;
  /** Only for endpoints whose names come after this one; others have it already. */
  readonly after?: string | undefined;
  /** Of an event: it was published when no chat was known, so that its notice does not come here. */
  readonly isUnnoticed?: boolean | undefined;
}

/** The attribute of a message that says where to go on. It leaves the published bytes as they are. */
const afterAttribute = 'endpointsAfter';

/** The announcement in a message, from a topic or handed on by fan-out. */
export const announcementOf = ({ body, messageAttributes }: Pick<SQSRecord, 'body' | 'messageAttributes'>) =>
  ({
    body,
    after: messageAttributes[afterAttribute]?.stringValue,
    isUnnoticed: messageAttributes[chatsAttributeName] !== undefined,
  }) satisfies Announcement;

/**
 * Has an announcement fanned out to the endpoints that are left, or to all.
 *
 * @throws the error of the SDK
 */
export async function handOn({ sqs, url }: Queue, { body, after, isUnnoticed }: Announcement): Promise<void> {
  const MessageAttributes = {
    ...(after !== undefined && { [afterAttribute]: text(after) }),
    ...chatsAttribute(isUnnoticed),
  };
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes }));
}

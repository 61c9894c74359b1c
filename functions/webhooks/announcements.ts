import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { chatsAttributeName } from '../transfers/publish.ts';

/** An event or notice on its way to the endpoints. */
export interface Announcement {
  /** As it was published. */
  readonly body: string;
  /** Only for endpoints whose names come after this one; others have it already. */
  readonly after?: string | undefined;
  /** Of an event: it was published when no chat was known, so that its notice does not come here. */
  readonly isUnnoticed?: boolean;
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

/** The queue that has announcements fanned out. */
export class Announcements {
  private readonly sqs: SQSClient;
  private readonly queueUrl: string;

  constructor(sqs: SQSClient, queueUrl: string) {
    this.sqs = sqs;
    this.queueUrl = queueUrl;
  }

  /**
   * Has an announcement fanned out to the endpoints that are left, or to all.
   *
   * @throws the error of the SDK
   */
  async handOn({ body, after, isUnnoticed = false }: Announcement): Promise<void> {
    const text = (StringValue: string) => ({ DataType: 'String', StringValue });
    await this.sqs.send(
      new SendMessageCommand({
        QueueUrl: this.queueUrl,
        MessageBody: body,
        MessageAttributes: {
          ...(after !== undefined && { [afterAttribute]: text(after) }),
          ...(isUnnoticed && { [chatsAttributeName]: text('none') }),
        },
      }),
    );
  }
}

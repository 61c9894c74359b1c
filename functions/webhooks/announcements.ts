import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';

/** An event or notice on its way to the endpoints. */
export interface Announcement {
  /** As it was published. */
  readonly body: string;
  /** Only for endpoints whose names come after this one; others have it already. */
  readonly after?: string | undefined;
}

/** The attribute of a message that says where to go on. It leaves the published bytes as they are. */
const afterAttribute = 'endpointsAfter';

/** The announcement in a message, from a topic or handed on by fan-out. */
export const announcementOf = ({ body, messageAttributes }: Pick<SQSRecord, 'body' | 'messageAttributes'>) =>
  ({ body, after: messageAttributes[afterAttribute]?.stringValue }) satisfies Announcement;

/** The queue that has announcements fanned out. */
export class Announcements {
  private readonly sqs: SQSClient;
  private readonly queueUrl: string;

  constructor(sqs: SQSClient, queueUrl: string) {
    this.sqs = sqs;
    this.queueUrl = queueUrl;
  }

  /**
   * Has an announcement fanned out to the endpoints that are left.
   *
   * @throws the error of the SDK
   */
  async handOn({ body, after }: Required<Announcement>): Promise<void> {
    await this.sqs.send(
      new SendMessageCommand({
        QueueUrl: this.queueUrl,
        MessageBody: body,
        MessageAttributes: { [afterAttribute]: { DataType: 'String', StringValue: after } },
      }),
    );
  }
}

import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { text } from '#functions/events/publish.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import type { Mail, MailAnswer, MailSender } from './mail.ts';

/** Sends mails by SNS: each reader has a subscription with a filter on the attribute `reader`. */
export class MailTopic implements MailSender {
  private readonly sns: SNSClient;
  private readonly arn: string;

  constructor(sns: SNSClient, arn: string) {
    this.sns = sns;
    this.arn = arn;
  }

  async send({ reader, message }: Mail): Promise<MailAnswer> {
    const MessageAttributes = { reader: text(reader) };
    const content = { Subject: snsSubject(message), Message: textOf(message), MessageAttributes };
    try {
      await this.sns.send(new PublishCommand({ TopicArn: this.arn, ...content }));
      return {};
    } catch (error) {
      return { cause: 'unreachable', code: (error as Error).name };
    }
  }
}

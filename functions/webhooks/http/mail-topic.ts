import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { text } from '#functions/events/publish.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import { type Mail, type MailAnswer, type MailSender, topicOf } from './mail.ts';

/** Sends mails by SNS: each reader has a subscription with a filter on the attribute `reader`. */
export class MailTopic implements MailSender {
  private readonly sns: SNSClient;
  private readonly arns: readonly string[];

  constructor(sns: SNSClient, arns: readonly string[]) {
    this.sns = sns;
    this.arns = arns;
  }

  async send({ id, reader, message }: Mail): Promise<MailAnswer> {
    const MessageAttributes = { reader: text(reader), digest: text(id) };
    const content = { Subject: snsSubject(message), Message: textOf(message), MessageAttributes };
    try {
      const TopicArn = this.arns[topicOf(reader, this.arns.length)];
      await this.sns.send(new PublishCommand({ TopicArn, ...content }));
      return {};
    } catch (error) {
      return { cause: 'unreachable', code: (error as Error).name };
    }
  }
}

import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { text } from '#functions/events/publish.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import { type MailSender, topicOf } from './mail.ts';

/** Sends mails by SNS: each reader has a subscription with a filter on the attribute `reader`. */
export const mailTopic = (sns: SNSClient, arns: readonly string[]): MailSender => ({
  async send({ id, reader, message }) {
    const MessageAttributes = { reader: text(reader), digest: text(id) };
    const content = { Subject: snsSubject(message), Message: textOf(message), MessageAttributes };
    try {
      await sns.send(new PublishCommand({ TopicArn: arns[topicOf(reader, arns.length)], ...content }));
      return {};
    } catch (error) {
      return { cause: 'unreachable', code: (error as Error).name };
    }
  },
});

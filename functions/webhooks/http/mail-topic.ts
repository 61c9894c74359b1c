import type { HttpError } from '#functions/http/http-error.ts';
import { askSns, type SignedAddress } from '#functions/lambda/signed-post.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import { type Mail, type MailAnswer, type MailSender, topicOf } from './mail.ts';

/** Milliseconds for SNS to take a mail. */
const timeoutMs = 10_000;

/** Sends mails by SNS: each reader has a subscription with a filter on the attribute `reader`. */
export class MailTopic implements MailSender {
  private readonly sns: SignedAddress;
  private readonly arns: readonly string[];

  constructor(sns: SignedAddress, arns: readonly string[]) {
    this.sns = sns;
    this.arns = arns;
  }

  async send({ id, reader, message }: Mail): Promise<MailAnswer> {
    const fields = {
      Action: 'Publish',
      TopicArn: this.arns[topicOf(reader, this.arns.length)]!,
      Subject: snsSubject(message),
      Message: textOf(message),
      ...attribute(1, 'reader', reader),
      ...attribute(2, 'digest', id),
    };
    try {
      const { status, code } = await askSns(this.sns, fields, timeoutMs);
      return status === 200 ? {} : { cause: 'unreachable', code };
    } catch (error) {
      const { failure, code = failure } = error as HttpError;
      return { cause: failure === 'timeout' ? 'timeout' : 'unreachable', code };
    }
  }
}

/** Fields of a message's attribute in the query API of SNS. */
function attribute(number: number, name: string, value: string): Record<string, string> {
  const entry = `MessageAttributes.entry.${number}`;
  return { [`${entry}.Name`]: name, [`${entry}.Value.DataType`]: 'String', [`${entry}.Value.StringValue`]: value };
}

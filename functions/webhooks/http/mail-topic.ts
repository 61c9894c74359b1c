import type { HttpError } from '#functions/http/http-error.ts';
import { askSns, type SignedAddress } from '#functions/lambda/signed-post.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import { type MailSender, topicOf } from './mail.ts';

const timeoutMs = 10_000;

/** Sends mails by SNS: each reader has a subscription with a filter on the attribute `reader`. */
export const mailTopic = (sns: SignedAddress, arns: readonly string[]): MailSender => ({
  async send({ id, reader, message }) {
    const fields = {
      Action: 'Publish',
      TopicArn: arns[topicOf(reader, arns.length)]!,
      Subject: snsSubject(message),
      Message: textOf(message),
      ...attribute(1, 'reader', reader),
      ...attribute(2, 'digest', id),
    };
    try {
      const { status, code } = await askSns(sns, fields, timeoutMs);
      return status === 200 ? {} : { cause: 'unreachable', code };
    } catch (error) {
      const { failure, code = failure } = error as HttpError;
      return { cause: failure === 'timeout' ? 'timeout' : 'unreachable', code };
    }
  },
});

/** Fields of a message's attribute in the query API of SNS. */
function attribute(number: number, name: string, value: string): Record<string, string> {
  const entry = `MessageAttributes.entry.${number}`;
  return { [`${entry}.Name`]: name, [`${entry}.Value.DataType`]: 'String', [`${entry}.Value.StringValue`]: value };
}

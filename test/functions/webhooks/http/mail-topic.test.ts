import { SubscribeCommand } from '@aws-sdk/client-sns';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { signerFor } from '#functions/lambda/signed-post.ts';
import type { Message } from '#functions/notices/message.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import type { Mail } from '#functions/webhooks/http/mail.ts';
import { mailTopic } from '#functions/webhooks/http/mail-topic.ts';
import { createTopic } from '#infra/local/services/embedded-services.ts';
import { createQueue, type LocalQueue } from '#infra/local/services/event-source.ts';
import { takeMessages } from '#infra/local/services/subscribed-queue.ts';
import { startAws } from '#test/support/aws.ts';

const aws = await startAws();
const { dynamo, sns, sqs } = aws;
afterAll(() => aws.close());

const sender = { url: aws.environment.AWS_ENDPOINT_URL_SNS!, signer: signerFor('sns', dynamo) };

const message: Message = {
  language: 'de',
  severity: 'alert',
  subject: '1 Übertragung von anna@example.com ist fehlgeschlagen & mehr = 100 %',
  headline: '1 Übertragung von anna@example.com ist fehlgeschlagen',
  sections: [{ title: '', paragraphs: ['Beobachtet um 08:30 Uhr + „Später“'], lines: [] }],
  footer: [],
};
const mail: Mail = { id: 'dig_1', reader: 'team', address: 'team@example.com', message };

let arn: string;
let inbox: LocalQueue;
let number = 0;
beforeEach(async () => {
  number += 1;
  arn = await createTopic(sns, `mails-${number}`);
  inbox = await createQueue(sqs, `inbox-${number}`, 30);
});

/** Subscribes as the stack does: by a filter on the name of a reader. */
const subscribe = (reader: string) =>
  sns.send(
    new SubscribeCommand({
      TopicArn: arn,
      Protocol: 'sqs',
      Endpoint: inbox.arn,
      Attributes: { FilterPolicy: JSON.stringify({ reader: [reader] }) },
    }),
  );

const arrived = async () => (await takeMessages(sqs, inbox.url)).map(({ Body = '' }) => JSON.parse(Body));

describe('mailTopic', () => {
  it('sends text and ASCII subject to the subscription of the reader, with the id of the digest', async () => {
    await subscribe('team');
    expect(await mailTopic(sender, [arn]).send(mail)).toEqual({});
    const [envelope, ...others] = await arrived();
    expect(others).toEqual([]);
    expect(envelope).toMatchObject({ Subject: snsSubject(message), Message: textOf(message) });
    expect(envelope.Subject).toMatch(/^1 Uebertragung [ -~]*$/);
    expect(envelope.MessageAttributes).toMatchObject({ reader: { Value: 'team' }, digest: { Value: 'dig_1' } });
  });

  it('sends nothing to the subscriptions of other readers', async () => {
    await subscribe('others');
    await mailTopic(sender, [arn]).send(mail);
    expect(await arrived()).toEqual([]);
  });

  it('names the refusal of SNS, so that the mail is sent again later', async () => {
    const missing = `${arn}-missing`;
    const answer = await mailTopic(sender, [missing]).send(mail);
    expect(answer).toEqual({ cause: 'unreachable', code: expect.stringMatching(/NotFound/) });
  });

  it('is a failed mail, not an error, when SNS cannot be reached', async () => {
    const nowhere = { ...sender, url: 'http://127.0.0.1:9/' };
    expect(await mailTopic(nowhere, [arn]).send(mail)).toEqual({ cause: 'unreachable', code: 'ECONNREFUSED' });
  });
});

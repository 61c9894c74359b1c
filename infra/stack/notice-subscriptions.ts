import { NestedStack } from 'aws-cdk-lib';
import { type ITopic, SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { topicOf } from '#functions/webhooks/http/mail.ts';
import type { Config } from '#infra/config/config.ts';
import { ServiceTopic } from '#infra/constructs/service-topic.ts';
import { subscribeByEmail } from './email-subscription.ts';

/** Subscriptions with a filter that one topic has at most (SNS). */
export const mostFiltered = 200;

/** Topics for more readers than one filters for. With fewer, a changed list would move readers between topics. */
const topicsOfMany = 4;

interface NoticeSubscriptionsProps {
  readonly notify: Config['notify'];
  readonly transferNotices: ITopic;
}

/** Subscribes each reader by e-mail to the messages with its name, in nested stacks where a template has no room. */
export class NoticeSubscriptions extends Construct {
  /** ARNs of the topics, among which {@link topicOf} chooses. */
  readonly topicArns: readonly string[];

  constructor(scope: Construct, id: string, { notify, transferNotices }: NoticeSubscriptionsProps) {
    super(scope, id);
    const byEmail = notify.readers.flatMap(({ name, email }) => (email === undefined ? [] : [{ name, email }]));
    const count = byEmail.length > mostFiltered ? topicsOfMany : 1;
    const topics = Array.from({ length: count }, (_, index) =>
      index === 0 ? transferNotices : new ServiceTopic(new NestedStack(this, `More${index}`), 'Notices', 'notices'),
    );
    for (const { name, email } of byEmail) {
      const filter = { reader: SubscriptionFilter.stringFilter({ allowlist: [name] }) };
      subscribeByEmail(topics[topicOf(name, topics.length)]!, email, filter);
    }
    this.topicArns = topics.map(({ topicArn }) => topicArn);
  }
}

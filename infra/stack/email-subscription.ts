import { Validations } from 'aws-cdk-lib';
import type { ITopic, SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';

/** Subscribes a person to a topic by e-mail; SNS asks them to confirm it. */
export function subscribeByEmail(
  topic: ITopic,
  address: string,
  filterPolicy?: Record<string, SubscriptionFilter>,
): void {
  const subscription = topic.addSubscription(new EmailSubscription(address, { ...(filterPolicy && { filterPolicy }) }));
  Validations.of(subscription).acknowledge({
    id: 'Serverless::Serverless-SNSRedrivePolicy',
    reason:
      'SNS tries an e-mail for hours by itself; what is in it is kept as events, and nobody reads a queue of e-mails',
  });
}

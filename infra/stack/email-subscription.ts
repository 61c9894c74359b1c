import { Validations } from 'aws-cdk-lib';
import type { ITopic, SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';

/** Subscribes a person to a topic by e-mail; SNS asks the person to confirm. */
export function subscribeByEmail(
  topic: ITopic,
  address: string,
  filterPolicy?: Record<string, SubscriptionFilter>,
): void {
  const subscription = topic.addSubscription(new EmailSubscription(address, { ...(filterPolicy && { filterPolicy }) }));
  Validations.of(subscription).acknowledge({
    id: 'Serverless::Serverless-SNSRedrivePolicy',
    reason: 'SNS retries an e-mail for hours by itself; its events are stored, and no person reads a queue of e-mails',
  });
}

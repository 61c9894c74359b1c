import { GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import type { Topics } from './publish.ts';

/** What SNS says of a topic. */
export interface TopicView {
  readonly name: 'transfer-events' | 'transfer-notices';
  /** Subscriptions that get what is published. */
  readonly subscriptions: number;
  /** Subscriptions that get nothing until their subscribers confirm them. */
  readonly unconfirmed: number;
  /** Why SNS says nothing: the name of its error. */
  readonly problem?: string;
}

/** Looks at both topics; never throws. */
export const viewTopics = ({ sns, eventsTopicArn, noticesTopicArn }: Topics): Promise<TopicView[]> =>
  Promise.all(
    [
      { name: 'transfer-events', TopicArn: eventsTopicArn } as const,
      { name: 'transfer-notices', TopicArn: noticesTopicArn } as const,
    ].map(async ({ name, TopicArn }) => {
      try {
        const { Attributes = {} } = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
        const { SubscriptionsConfirmed = 0, SubscriptionsPending = 0 } = Attributes;
        return { name, subscriptions: Number(SubscriptionsConfirmed), unconfirmed: Number(SubscriptionsPending) };
      } catch (error) {
        return { name, subscriptions: 0, unconfirmed: 0, problem: (error as Error).name };
      }
    }),
  );

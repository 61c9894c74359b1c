import { type SignedAddress, signedPost } from './signed-aws-request.ts';

export const topicNames = ['transfer-events', 'transfer-notices'] as const;

export interface InspectedTopics {
  /** Where SNS takes requests. */
  readonly sns: SignedAddress;
  readonly arns: Readonly<Record<(typeof topicNames)[number], string>>;
}

/**
 * Asks SNS how many subscriptions a topic has, and how many of them wait for their subscribers to confirm them.
 *
 * @param timeout milliseconds to wait
 * @throws HttpError when SNS cannot be reached; Error with SNS's own name for a refusal
 */
export async function viewTopic(sns: SignedAddress, TopicArn: string, timeout: number) {
  const request = new URLSearchParams({ Action: 'GetTopicAttributes', Version: '2010-03-31', TopicArn });
  const { status, body } = await signedPost(sns, 'application/x-www-form-urlencoded', String(request), timeout);
  const xml = body.toString();
  if (status !== 200) throw Object.assign(new Error(), { name: /<Code>(\w+)</.exec(xml)?.[1] ?? `HTTP ${status}` });
  const count = (attribute: string): number =>
    Number(new RegExp(`<key>${attribute}</key>\\s*<value>(\\d+)<`).exec(xml)?.[1] ?? 0);
  return { subscriptions: count('SubscriptionsConfirmed'), unconfirmed: count('SubscriptionsPending') };
}

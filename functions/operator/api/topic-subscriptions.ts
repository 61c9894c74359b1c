import { pause, type RetryBudget } from '#functions/clock/backoff.ts';
import type { HttpAnswer } from '#functions/http/connections.ts';
import { Problem } from './problem.ts';
import { type SignedAddress, signedPost } from './signed-aws-request.ts';

export const topicNames = ['transfer-events', 'transfer-notices'] as const;

/** Attempts in all, as many as the SDK makes for the other services. */
const mostAttempts = 3;

/** Counts a topic's subscriptions, and unconfirmed ones. @throws Problem; for a refusal, Error with SNS's own name */
export async function viewTopic(sns: SignedAddress, TopicArn: string, budget: RetryBudget) {
  const body = String(new URLSearchParams({ Action: 'GetTopicAttributes', Version: '2010-03-31', TopicArn }));
  for (let attempt = 1; ; attempt += 1) {
    const answer = await signedPost(sns, {
      contentType: 'application/x-www-form-urlencoded',
      body,
      timeoutMs: budget.deadline - budget.steady(),
      service: 'SNS',
      late: 'SNS did not answer in time: ask again',
    }).catch((error: Error) => error);
    if (!mayPass(answer) || attempt === mostAttempts || !(await pause(attempt, budget))) return viewIn(answer);
  }
}

/** True when a repetition may succeed: after no answer, a fault of SNS, or a limit. */
const mayPass = (answer: HttpAnswer | Error): boolean =>
  answer instanceof Problem ||
  (!(answer instanceof Error) && (answer.status >= 500 || /<Code>Throttl/.test(answer.body.toString())));

function viewIn(answer: HttpAnswer | Error) {
  if (answer instanceof Error) throw answer;
  const xml = answer.body.toString();
  const { status } = answer;
  if (status !== 200) throw Object.assign(new Error(), { name: /<Code>(\w+)</.exec(xml)?.[1] ?? `HTTP ${status}` });
  const count = (attribute: string): number =>
    Number(new RegExp(`<key>${attribute}</key>\\s*<value>(\\d+)<`).exec(xml)?.[1] ?? 0);
  return { subscriptions: count('SubscriptionsConfirmed'), unconfirmed: count('SubscriptionsPending') };
}

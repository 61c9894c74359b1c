import { pause, type RetryBudget } from '#functions/clock/backoff.ts';
import { askSns, type SignedAddress } from '#functions/lambda/signed-post.ts';
import { Problem, unanswered } from './problem.ts';

export const topicNames = ['transfer-events', 'transfer-notices'] as const;

/** Attempts in all, as many as the SDK makes for the other services. */
const mostAttempts = 3;

/** Counts a topic's subscriptions, and unconfirmed ones. @throws Problem; for a refusal, Error with SNS's own name */
export async function viewTopic(sns: SignedAddress, TopicArn: string, budget: RetryBudget) {
  for (let attempt = 1; ; attempt += 1) {
    const timeoutMs = budget.deadline - budget.steady();
    const answer = await askSns(sns, { Action: 'GetTopicAttributes', TopicArn }, timeoutMs).catch((error: Error) =>
      unanswered(error, 'SNS', 'SNS did not answer in time: ask again'),
    );
    if (!mayPass(answer) || attempt === mostAttempts || !(await pause(attempt, budget))) return viewIn(answer);
  }
}

/** True when a repetition may succeed: after no answer, a fault of SNS, or a limit. */
const mayPass = (answer: Answer | Error): boolean =>
  answer instanceof Problem || (!(answer instanceof Error) && (answer.status >= 500 || /^Throttl/.test(answer.code)));

type Answer = Awaited<ReturnType<typeof askSns>>;

function viewIn(answer: Answer | Error) {
  if (answer instanceof Error) throw answer;
  const { status, xml, code } = answer;
  if (status !== 200) throw Object.assign(new Error(), { name: code });
  const count = (attribute: string): number =>
    Number(new RegExp(`<key>${attribute}</key>\\s*<value>(\\d+)<`).exec(xml)?.[1] ?? 0);
  return { subscriptions: count('SubscriptionsConfirmed'), unconfirmed: count('SubscriptionsPending') };
}

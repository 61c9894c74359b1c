import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { pause, type RetryBudget, retryBudget } from '#functions/clock/backoff.ts';
import type { Partition } from '#functions/dynamodb/partition.ts';
import { askSns, type SignedAddress } from '#functions/lambda/signed-post.ts';
import { operation } from '#functions/operator/api/operation.ts';
import { Problem, unanswered } from '#functions/operator/api/problem.ts';

/** Runs a check and turns an error into its name, or into what it tells the operator. */
async function seen<T extends object>(look: () => Promise<T>): Promise<T | { problem: string }> {
  try {
    return await look();
  } catch (error) {
    return { problem: error instanceof Problem ? error.message : (error as Error).name };
  }
}

/** Probes a table by a read of an empty range. */
async function viewTable(name: 'transfers' | 'webhooks', rows: Pick<Partition, 'range'>) {
  return { name, ...(await seen(() => rows.range(' ', ' ').then(() => ({})))) };
}

async function viewQueue(sqs: Pick<SQSClient, 'send'>, name: string, QueueUrl: string) {
  const view = await seen(async () => {
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }));
    const [waiting = 0, inProgress = 0] = names.map((attribute) => Number(Attributes[attribute] ?? 0));
    return { waiting, inProgress };
  });
  return { name, waiting: 0, inProgress: 0, ...view };
}

export const topicNames = ['transfer-events', 'transfer-notices'] as const;

/** Attempts in all, as many as the SDK makes for the other services. */
const mostAttempts = 3;

/** Counts a topic's subscriptions, and unconfirmed ones. @throws Problem; for a refusal, Error with SNS's own name */
async function viewTopic(sns: SignedAddress, TopicArn: string, budget: RetryBudget) {
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

export const showServices = operation('showServices', 'GET /services', {
  async run(deps, { deadline }) {
    const { transfers, webhooks, queues, topics } = deps;
    const budget = retryBudget(deadline, webhooks.steady);
    const viewOf = async (name: (typeof topicNames)[number], arn: string) => {
      return { name, subscriptions: 0, unconfirmed: 0, ...(await seen(() => viewTopic(topics.sns, arn, budget))) };
    };
    const [tables, queueViews, topicViews] = await Promise.all([
      Promise.all([viewTable('transfers', transfers.watches), viewTable('webhooks', webhooks.endpoints)]),
      Promise.all(Object.entries(queues.urls).map(([name, url]) => viewQueue(queues.sqs, name, url))),
      Promise.all(topicNames.flatMap((name) => topics.arns[name].map((arn) => viewOf(name, arn)))),
    ]);
    return { tables, queues: queueViews, topics: topicViews };
  },
});

import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { retryBudget } from '#functions/clock/backoff.ts';
import type { Partition } from '#functions/dynamodb/partition.ts';
import { operation } from '#functions/operator/api/operation.ts';
import { Problem } from '#functions/operator/api/problem.ts';
import { topicNames, viewTopic } from '#functions/operator/api/topic-subscriptions.ts';

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

export const showServices = operation('showServices', 'GET /services', {
  async run(deps, { deadline }) {
    const { transfers, webhooks, queues, topics } = deps;
    const budget = retryBudget(deadline, webhooks.steady);
    const [tables, queueViews, topicViews] = await Promise.all([
      Promise.all([viewTable('transfers', transfers.watches), viewTable('webhooks', webhooks.endpoints)]),
      Promise.all(Object.entries(queues.urls).map(([name, url]) => viewQueue(queues.sqs, name, url))),
      Promise.all(
        topicNames.flatMap((name) =>
          topics.arns[name].map(async (arn) => {
            const view = await seen(() => viewTopic(topics.sns, arn, budget));
            return { name, subscriptions: 0, unconfirmed: 0, ...view };
          }),
        ),
      ),
    ]);
    return { tables, queues: queueViews, topics: topicViews };
  },
});

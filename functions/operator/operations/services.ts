import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { Partition } from '#functions/dynamodb/partition.ts';
import { type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { invokeForTopics } from '#functions/operator/api/poll-function.ts';
import { Problem } from '#functions/operator/api/problem.ts';
import { registryPartition } from '#functions/watches/polled-watches.ts';

/** Runs a check and turns an error into its name. */
async function seen<T extends object>(look: () => Promise<T>): Promise<T | { problem: string }> {
  try {
    return await look();
  } catch (error) {
    return { problem: (error as Error).name };
  }
}

/** Probes a table by a read of an empty range. */
async function viewTable(name: 'transfers' | 'webhooks', dynamo: DynamoDBClient, table: string) {
  const view = await seen(async () => {
    await new Partition(dynamo, table, registryPartition).range('-', '-');
    return {};
  });
  return { name, ...view };
}

async function viewQueue(sqs: SQSClient, name: string, QueueUrl: string) {
  const view = await seen(async () => {
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const query = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] });
    const { Attributes = {} } = await sqs.send(query);
    const [waiting = 0, inProgress = 0] = names.map((attribute) => Number(Attributes[attribute] ?? 0));
    return { waiting, inProgress };
  });
  return { name, waiting: 0, inProgress: 0, ...view };
}

/** Both topics share the problem if the poll function cannot be invoked. */
async function viewTopics({ pollFunction }: OperatorDependencies, timeout: number) {
  try {
    return await invokeForTopics(pollFunction, timeout);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const unknown = { subscriptions: 0, unconfirmed: 0, problem: error.message };
    return (['transfer-events', 'transfer-notices'] as const).map((name) => ({ name, ...unknown }));
  }
}

export const showServices = operation('showServices', {
  method: 'GET',
  path: '/services',
  summary: 'Looks at each table, queue and topic: whether it answers, and how much is in the queues',
  async run(deps, { deadline }) {
    const { transfers, webhooks, queues } = deps;
    const [tables, queueViews, topics] = await Promise.all([
      Promise.all([
        viewTable('transfers', transfers.dynamo, transfers.table),
        viewTable('webhooks', webhooks.dynamo, webhooks.table),
      ]),
      Promise.all(Object.entries(queues.urls).map(([name, url]) => viewQueue(queues.sqs, name, url))),
      viewTopics(deps, deadline - webhooks.steady()),
    ]);
    return { tables, queues: queueViews, topics };
  },
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startEmbeddedServices } from '#infra/local/services/embedded-services.ts';

const year = 365 * 86_400_000;

afterEach(() => void vi.useRealTimers());

/** Opens the queues of a data folder for some work. */
async function withQueues<T>(data: string, work: (sqs: SQSClient, url: string) => Promise<T>): Promise<T> {
  const { sdkEnvironment: env, close } = await startEmbeddedServices(data);
  const sqs = new SQSClient({
    region: env.AWS_REGION!,
    endpoint: env.AWS_ENDPOINT_URL_SQS!,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
  });
  try {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'fan-out' }));
    return await work(sqs, QueueUrl!);
  } finally {
    sqs.destroy();
    await close();
  }
}

describe('freeMessages', () => {
  it.each([
    ['right', 0],
    ['a year ahead', year],
  ])('releases the messages of a killed process whose clock was %s', async (_, ahead) => {
    const data = mkdtempSync(join(tmpdir(), 'queued-'));
    try {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ahead });
      await withQueues(data, async (sqs, QueueUrl) => {
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'in hand' }));
        const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 60 }));
        expect(Messages).toHaveLength(1);
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'put off', DelaySeconds: 5 }));
      });
      vi.useRealTimers();
      const bodies = await withQueues(data, async (sqs, QueueUrl) => {
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
        return Messages.map(({ Body }) => Body);
      });
      expect(bodies.toSorted()).toEqual(ahead > 0 ? ['in hand', 'put off'] : ['in hand']);
    } finally {
      rmSync(data, { recursive: true });
    }
  });
});

import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { createQueue } from '#infra/local/services/event-source.ts';
import { startAws } from '#test/support/aws.ts';

test('a queue of an earlier version is hidden as long as asked for now', async () => {
  const { sqs, close } = await startAws();
  try {
    await createQueue(sqs, 'q', 120);
    const { url } = await createQueue(sqs, 'q', 45);
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['VisibilityTimeout'] }),
    );
    expect(Attributes).toEqual({ VisibilityTimeout: '45' });
  } finally {
    await close();
  }
});

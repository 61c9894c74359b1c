import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { createQueue } from '#infra/local/services/event-source.ts';
import { startAws } from '#test/support/aws.ts';

describe('createQueue', () => {
  it('updates the visibility timeout of an existing queue', async () => {
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
});

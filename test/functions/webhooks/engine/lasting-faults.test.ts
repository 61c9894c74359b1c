import { randomBytes } from 'node:crypto';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, test } from 'vitest';
import { DataKey } from '#functions/lambda/data-key.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { parseWakeUp, type WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

const minute = 60_000;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('transfer-1');
const requests = async () => (await world.dump()).filter(({ sk }) => sk.startsWith('REQUEST#'));
/** Another data key, as after the secret was replaced: nothing that was encrypted before can be opened. */
const broken = () => ({ ...world.deps, dataKey: new DataKey(randomBytes(32).toString('base64')) });

/** Receives what there is, as Lambda does, and leaves in the queue what the function could not handle. */
async function receive(): Promise<WakeUp[]> {
  const wakeUps: WakeUp[] = [];
  const handles: string[] = [];
  for (;;) {
    const { Messages = [] } = await world.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: world.queue.url, MaxNumberOfMessages: 10, VisibilityTimeout: 300 }),
    );
    if (Messages.length === 0) break;
    wakeUps.push(...Messages.map(({ Body = '' }) => parseWakeUp(Body)!));
    handles.push(...Messages.map(({ ReceiptHandle }) => ReceiptHandle!));
  }
  const { unhandled } = await deliver(broken(), wakeUps);
  if (wakeUps.length > 0) expect(unhandled.map(({ endpoint }) => endpoint)).toEqual(['crm']);
  const comesAgain = unhandled.some(({ isKept }) => !isKept);
  // The visibility timeout is over.
  for (const ReceiptHandle of handles) {
    const Entry = { Id: '0', ReceiptHandle };
    await (comesAgain
      ? world.sqs.send(
          new ChangeMessageVisibilityBatchCommand({
            QueueUrl: world.queue.url,
            Entries: [{ ...Entry, VisibilityTimeout: 0 }],
          }),
        )
      : world.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: world.queue.url, Entries: [Entry] })));
  }
  return wakeUps;
}

const queued = async () => {
  const { Attributes = {} } = await world.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: world.queue.url,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
};

describe('while an endpoint cannot be looked after, for as long as a secret stays replaced,', () => {
  beforeEach(async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event);
  });

  test('one delivery does not leave one row more at each time that the queue brings its message', async () => {
    for (let times = 0; times < 10; times += 1) {
      world.clock.advance(6 * minute);
      await receive();
    }
    expect((await requests()).length).toBeLessThanOrEqual(1);
  });

  test('the sweep does not put one message more into the queue each minute', async () => {
    await receive();
    for (let times = 0; times < 20; times += 1) {
      world.clock.advance(minute);
      await world.sweep();
      if (times % 6 === 5) await receive();
    }
    expect(await queued()).toBeLessThanOrEqual(3);
  });
});

import { PublishBatchCommand, type SNSClient } from '@aws-sdk/client-sns';
import pLimit from 'p-limit';
import { batchesOf } from '#functions/dynamodb/batch.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { EventType } from './catalogue.ts';
import type { NotifierEvent } from './transfer-event.ts';

export interface EventsTopic {
  readonly sns: SNSClient;
  readonly eventsTopicArn: string;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** Most entries in a PublishBatch (SNS). Events are well below the 25 KB that its 256 KB leave for each. */
const batchSize = 10;
const concurrency = 4;
/** Tries of an entry; afterwards the next poll publishes it. */
const attempts = 3;
/** Milliseconds before the first retry of a refused entry; each retry waits longer by as much. */
const retryDelayMs = 200;

/**
 * Publishes events to transfer-events as their stored bytes, with `type`, `mailbox` and `direction` as attributes for
 * filters. A refused event stops no other; once SNS is unreachable, the rest stays unpublished. Returns the accepted
 * bodies, and the last error.
 */
export async function publishEvents(topic: EventsTopic, bodies: readonly string[]) {
  const published = new Set<string>();
  let error: Error | undefined;
  let isReachable = true;
  await pLimit(concurrency).map(batchesOf(bodies, batchSize), async (batch) => {
    if (!isReachable) return;
    try {
      error = (await publishBatch(topic, batch, published)) ?? error;
    } catch (cause) {
      isReachable = false;
      error = cause as Error;
    }
  });
  return { published, error };
}

/** Publishes one batch and repeats entries that SNS refuses through its own fault; returns the last refusal. */
async function publishBatch(topic: EventsTopic, batch: readonly string[], published: Set<string>) {
  const { sns, eventsTopicArn: TopicArn, sleep } = topic;
  let left = batch;
  for (let attempt = 1; ; attempt += 1) {
    // SNS answers 200 even when it refuses entries.
    const PublishBatchRequestEntries = left.map((body, index) => entryOf(body, index));
    const { Failed = [] } = await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
    const refusals = new Map(Failed.map((entry) => [Number(entry.Id), entry]));
    for (const [index, body] of left.entries()) if (!refusals.has(index)) published.add(body);
    const repeatable = left.filter((_, index) => refusals.get(index)?.SenderFault === false);
    if (repeatable.length === 0 || attempt === attempts) {
      const [refusal] = refusals.values();
      return refusal && new Error(`SNS refuses ${refusals.size} events, the first with ${refusal.Code}`);
    }
    left = repeatable;
    await sleep(attempt * retryDelayMs);
  }
}

function entryOf(body: string, index: number) {
  const { type, data } = JSON.parse(body) as NotifierEvent<EventType, Partial<Watch>>;
  const texts = Object.entries({ type, mailbox: data.mailbox, direction: data.direction });
  // Events about endpoints have neither mailbox nor direction.
  const attributes = texts.flatMap(([name, value]) => (value === undefined ? [] : [[name, text(value)] as const]));
  const MessageAttributes = Object.fromEntries(attributes);
  return { Id: String(index), Message: body, MessageAttributes };
}

/** An attribute of a message, for SNS or SQS. */
export const text = (value: string) => ({ DataType: 'String', StringValue: value });

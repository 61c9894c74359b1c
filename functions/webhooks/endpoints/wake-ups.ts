import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import pLimit from 'p-limit';
import { batchesOf } from '#functions/dynamodb/batch.ts';

/** A queue of SQS. */
export interface Queue {
  readonly sqs: SQSClient;
  readonly url: string;
}

/** A call to look after deliveries to an endpoint. */
export interface WakeUp {
  readonly endpoint: string;
  /** Ids of the events; none has everything looked at that is due. */
  readonly events: readonly string[];
}

/** A wake-up for an instant, in Unix milliseconds, or for now. */
export interface TimedWakeUp extends WakeUp {
  readonly at?: number;
}

/** Longest delay of a message in SQS, in milliseconds; what waits longer is found by the sweep. */
export const longestDelay = 900_000;

/** Messages that SQS takes in one call. */
const batchSize = 10;

/** Calls under way at the same time. */
const concurrency = 4;

/**
 * Has deliveries looked after; what is for a time further ahead than SQS can delay a message is left to the sweep.
 *
 * @returns the wake-ups that SQS did not take
 */
export async function sendWakeUps(
  { wakeUps: { sqs, url: QueueUrl }, now: clock }: { readonly wakeUps: Queue; readonly now: () => Date },
  wakeUps: readonly TimedWakeUp[],
): Promise<WakeUp[]> {
  const now = clock().getTime();
  const near = wakeUps.filter(({ at = now }) => at - now <= longestDelay);
  const refused = await pLimit(concurrency).map(batchesOf(near, batchSize), async (batch) => {
    const Entries = batch.map(({ endpoint, events, at = now }, entry) => ({
      Id: String(entry),
      MessageBody: JSON.stringify({ endpoint, events }),
      // A fair queue keeps one endpoint's backlog from delaying the others.
      MessageGroupId: endpoint,
      DelaySeconds: Math.ceil(Math.max(0, at - now) / 1000),
    }));
    try {
      const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      return Failed.map(({ Id }) => batch[Number(Id)]!);
    } catch {
      return batch;
    }
  });
  return refused.flat();
}

/** The wake-ups in a batch of messages, by message id, without those that are none: nothing of ours sends such a message. */
export const readWakeUps = (records: readonly Pick<SQSRecord, 'messageId' | 'body'>[]): ReadonlyMap<string, WakeUp> =>
  new Map(
    records.flatMap(({ messageId, body }) => {
      const wakeUp = parseWakeUp(body);
      return wakeUp ? [[messageId, wakeUp]] : [];
    }),
  );

/** The messages that SQS has to bring again: those for endpoints that were not looked after. */
export const failedMessages = (wakeUps: ReadonlyMap<string, WakeUp>, failed: ReadonlySet<string>) =>
  [...wakeUps].flatMap(([itemIdentifier, { endpoint }]) => (failed.has(endpoint) ? [{ itemIdentifier }] : []));

/** The wake-up in a message; undefined when it is none. */
export function parseWakeUp(body: string): WakeUp | undefined {
  try {
    const { endpoint, events } = JSON.parse(body) ?? {};
    const isWakeUp =
      typeof endpoint === 'string' && Array.isArray(events) && events.every((event) => typeof event === 'string');
    return isWakeUp ? { endpoint, events } : undefined;
  } catch {
    return undefined;
  }
}

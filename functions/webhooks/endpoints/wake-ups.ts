import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { batchesOf } from '#functions/dynamodb/batch.ts';
import { jsonOf } from '#functions/parsing/json.ts';

export interface Queue {
  readonly sqs: SQSClient;
  readonly url: string;
}

/**
 * A message to make deliveries to an endpoint; a duplicate or a late one is harmless. Its queue hides it for 45 s once
 * received, and gives it up after 1,000 times (docs/decisions/0033-wake-ups-last.md).
 */
export interface WakeUp {
  readonly endpoint: string;
  /** Ids of the events; empty for all deliveries that are due. */
  readonly events: readonly string[];
  /** Unix time in milliseconds. @default now */
  readonly at?: number;
}

/** An endpoint whose drain failed through a fault of ours. */
export interface FailedDrain {
  readonly endpoint: string;
  readonly error: Error;
  /** True when tasks keep the rest for the sweep, each minute. Wake-ups would multiply in a lasting fault. */
  readonly isKept: boolean;
}

/** Longest delay of a message in SQS, in milliseconds; the sweep finds deliveries that wait longer. */
export const longestDelayMs = 900_000;
/** Most messages in one call (SQS). */
const batchSize = 10;
const concurrency = 4;

/** Sends wake-ups up to the longest delay of SQS; the sweep handles later ones. @returns those that SQS refused */
export async function sendWakeUps(
  { wakeUps: { sqs, url: QueueUrl }, now: clock }: { readonly wakeUps: Queue; readonly now: () => Date },
  wakeUps: readonly WakeUp[],
): Promise<WakeUp[]> {
  const now = clock().getTime();
  const near = wakeUps.filter(({ at = now }) => at - now <= longestDelayMs);
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

/** The wake-ups of a batch by message id; drops malformed messages, which no part of the notifier sends. */
export const readWakeUps = (records: readonly Pick<SQSRecord, 'messageId' | 'body'>[]): ReadonlyMap<string, WakeUp> =>
  new Map(
    records.flatMap(({ messageId, body }) => {
      const wakeUp = parseWakeUp(body);
      return wakeUp ? [[messageId, wakeUp]] : [];
    }),
  );

/** The messages for SQS to redeliver: those of endpoints that failed, unless tasks keep their work. */
export const failedMessages = (wakeUps: ReadonlyMap<string, WakeUp>, failures: readonly FailedDrain[]) =>
  [...wakeUps].flatMap(([itemIdentifier, { endpoint: name }]) =>
    failures.some(({ endpoint, isKept }) => endpoint === name && !isKept) ? [{ itemIdentifier }] : [],
  );

const wakeUpSchema = z.object({ endpoint: z.string(), events: z.array(z.string()) });

export const parseWakeUp = (body: string): WakeUp | undefined => wakeUpSchema.safeParse(jsonOf(body)).data;

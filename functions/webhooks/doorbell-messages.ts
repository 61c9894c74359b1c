import type { SQSBatchItemFailure, SQSBatchResponse, SQSRecord } from 'aws-lambda';
import type { DeliveryBatch } from './deliver.ts';
import type { DeliveryName } from './delivery.ts';
import { DoorbellError, parseDoorbell } from './doorbells.ts';
import type { DeliveryFacts } from './report.ts';

/** What the deliver function answers; SQS looks at the failures alone. */
export interface DoorbellAnswer extends SQSBatchResponse {
  readonly deliveries: readonly DeliveryFacts[];
}

/** Doorbells as SQS brings them. */
export interface DoorbellMessages {
  /** By message id. */
  readonly rung: ReadonlyMap<string, DeliveryName>;
  /** Ids of messages that are none; SQS moves them to the dead-letter queue after some tries. */
  readonly malformed: readonly string[];
}

/** Reads the messages of a batch; one that is no doorbell harms no other. */
export function readDoorbells(records: readonly Pick<SQSRecord, 'messageId' | 'body'>[]): DoorbellMessages {
  const rung = new Map<string, DeliveryName>();
  const malformed: string[] = [];
  for (const { messageId, body } of records) {
    try {
      rung.set(messageId, parseDoorbell(body));
    } catch (error) {
      if (!(error instanceof DoorbellError)) throw error;
      malformed.push(messageId);
    }
  }
  return { rung, malformed };
}

/** The messages that SQS has to bring again. */
export function unhandledMessages({ rung, malformed }: DoorbellMessages, batch: DeliveryBatch): SQSBatchItemFailure[] {
  const unhandled = new Set(batch.unhandled.map(({ delivery: { event, endpoint } }) => `${event} ${endpoint}`));
  const failed = [...rung].filter(([, { event, endpoint }]) => unhandled.has(`${event} ${endpoint}`));
  return [...malformed, ...failed.map(([messageId]) => messageId)].map((itemIdentifier) => ({ itemIdentifier }));
}

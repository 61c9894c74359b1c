import { setTimeout as wait } from 'node:timers/promises';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import type { Part } from '#infra/local/process/stopping.ts';

interface ExpiryDependencies {
  readonly dynamo: DynamoDBClient;
  readonly tables: readonly string[];
  readonly now: () => Date;
  /** Reads the Cryptshare Server's time, in milliseconds since 1970; undefined if it sends none. */
  readonly serverTime: () => Promise<number | undefined>;
  /** Rejects when aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
}

/** Milliseconds before the first deletion, and between deletions. */
const firstRunMs = 60_000;
const restMs = 3_600_000;

/** Rows per scan, and milliseconds between scans, so that polls and deliveries can proceed. */
const rowsPerStep = 250;
const pause = 250;

/** Rows deleted at once: more would delay the requests of polls and deliveries. */
const concurrency = 4;

/**
 * Deletes expired rows each hour, as the embedded database has no time to live. Deletion is final, so `expiresAt` must
 * have passed by the server's clock, too.
 */
export function startExpiry(deps: ExpiryDependencies): Part {
  const { now, serverTime, sleep = (milliseconds, signal) => wait(milliseconds, undefined, { signal }) } = deps;
  const stopping = new AbortController();
  const sleeping = async (milliseconds: number) => {
    await sleep(milliseconds, stopping.signal).catch(() => undefined);
    return !stopping.signal.aborted;
  };
  const loop = async () => {
    for (let next = firstRunMs; await sleeping(next); next = restMs) {
      const theirs = await serverTime();
      if (theirs !== undefined) await deleteExpired(deps, Math.min(theirs, now().getTime()), () => sleeping(pause));
    }
  };
  return { stop: () => stopping.abort(), ended: loop() };
}

/** Deletes expired rows in steps, while `goesOn` resolves to true; `at` is in milliseconds since 1970. */
export async function deleteExpired(
  { dynamo, tables }: Pick<ExpiryDependencies, 'dynamo' | 'tables'>,
  at: number,
  goesOn: () => Promise<boolean> = async () => true,
): Promise<void> {
  for (const TableName of tables) {
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const isPast = { TableName, ExpressionAttributeValues: { ':now': { N: String(Math.floor(at / 1000)) } } };
      const { Items = [], LastEvaluatedKey } = await dynamo.send(
        new ScanCommand({
          ...isPast,
          ExclusiveStartKey,
          Limit: rowsPerStep,
          FilterExpression: 'expiresAt < :now',
          ProjectionExpression: 'pk, sk',
        }),
      );
      await pLimit(concurrency).map(Items, async ({ pk, sk }) => {
        // The condition keeps a row whose expiry was extended after the scan.
        const Key = { pk: pk!, sk: sk! };
        await dynamo
          .send(new DeleteItemCommand({ ...isPast, Key, ConditionExpression: 'expiresAt < :now' }))
          .catch((error) => {
            if (!(error instanceof ConditionalCheckFailedException)) throw error;
          });
      });
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey && (await goesOn()));
  }
}

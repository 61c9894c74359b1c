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

/** Where rows expire. */
export interface ExpiryDependencies {
  readonly dynamo: DynamoDBClient;
  /** Names of the tables. */
  readonly tables: readonly string[];
  readonly now: () => Date;
  /** Asks the Cryptshare Server for its time, a Unix time in milliseconds; undefined where it does not tell. */
  readonly serverTime: () => Promise<number | undefined>;
  /** Waits for this number of milliseconds; rejects when there is no more time. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
}

/** Milliseconds until rows are deleted for the first time, and from one time to the next. */
const firstOpen = 60_000;
const rest = 3_600_000;

/** Rows that one call looks at, and milliseconds between two calls: polls and deliveries go on meanwhile. */
const rowsPerStep = 250;
const pause = 250;

/** Rows deleted at the same time. */
const concurrency = 4;

/**
 * Deletes rows whose `expiresAt` has passed, each hour, as DynamoDB does by itself: the embedded database knows no time to
 * live. What is deleted does not come back, so it has to have passed by the server's clock, too.
 */
export function startExpiry(deps: ExpiryDependencies): Part {
  const { now, serverTime, sleep = (milliseconds, signal) => wait(milliseconds, undefined, { signal }) } = deps;
  const stopping = new AbortController();
  const sleeping = async (milliseconds: number) => {
    await sleep(milliseconds, stopping.signal).catch(() => undefined);
    return !stopping.signal.aborted;
  };
  const loop = async () => {
    for (let next = firstOpen; await sleeping(next); next = rest) {
      const theirs = await serverTime();
      if (theirs !== undefined) await deleteExpired(deps, Math.min(theirs, now().getTime()), () => sleeping(pause));
    }
  };
  return {
    stop: () => stopping.abort(),
    ended: loop(),
    underWay: () => [],
    giveBack: async () => undefined,
  };
}

/** Looks at all rows, some at a time, for as long as `goesOn` says so; `at` is a Unix time in milliseconds. */
async function deleteExpired(
  { dynamo, tables }: ExpiryDependencies,
  at: number,
  goesOn: () => Promise<boolean>,
): Promise<void> {
  for (const TableName of tables) {
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const isPast = {
        TableName,
        ExpressionAttributeValues: { ':now': { N: String(Math.floor(at / 1000)) } },
      };
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
        // It may have got more time since it was looked at.
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

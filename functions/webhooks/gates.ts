import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Key } from '../batches.ts';
import { type Item, Partition } from '../table.ts';
import { type Gate, newGate } from './gate.ts';

export const gateKey = (endpoint: string): Key => ({ pk: `ENDPOINT#${endpoint}`, sk: 'GATE' });

/** The gate that a row holds. */
export const gateOf = (row: Item | undefined): Gate => (row as Gate | undefined) ?? newGate;

/** Times that a change is tried again because another process was quicker. */
const maxTries = 20;

/** Milliseconds of the longest wait before the first such repetition. */
const firstWait = 5;
const longestWait = 100;

/**
 * The rows of gates in the webhooks table. Batches of one process pass a gate one after the other and know it from the one
 * before; those of several processes find out by the write's condition.
 */
export class Gates {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly random: () => number;
  private readonly turns = new Map<string, { readonly limit: LimitFunction; last: Gate }>();

  /** @param random in [0, 1), for the waits of those that were not quick enough */
  constructor(client: DynamoDBClient, table: string, random: () => number) {
    this.client = client;
    this.table = table;
    this.random = random;
  }

  /**
   * Changes a gate, as many times over as others are quicker.
   *
   * @param gate as it was read last
   * @param next computes the gate it becomes and whatever else follows from the gate that is really there
   * @returns undefined when others always were quicker
   */
  change<Result extends { readonly gate: Gate }>(
    endpoint: string,
    gate: Gate,
    next: (gate: Gate) => Result,
  ): Promise<Result | undefined> {
    const turn = this.turns.get(endpoint) ?? { limit: pLimit(1), last: newGate };
    this.turns.set(endpoint, turn);
    return turn.limit(async () => {
      let current = turn.last.rev > gate.rev ? turn.last : gate;
      for (let tries = 0; tries < maxTries; tries += 1) {
        const result = next(current);
        if (await this.write(endpoint, current, result.gate)) {
          turn.last = result.gate;
          return result;
        }
        if (tries > 0) await sleep(this.random() * Math.min(longestWait, firstWait * 2 ** tries));
        current = await this.read(endpoint);
        turn.last = newGate;
      }
      return undefined;
    });
  }

  private write(endpoint: string, { rev }: Gate, next: Gate): Promise<boolean> {
    const { pk, sk } = gateKey(endpoint);
    // A gate that was forgotten meanwhile must not come back from somebody's memory.
    const expression =
      rev === 0 ? { condition: 'attribute_not_exists(pk)' } : { condition: 'rev = :rev', values: { rev } };
    return new Partition(this.client, this.table, pk).put(sk, { ...next }, expression);
  }

  /** The gate of an endpoint as it is now. */
  async read(endpoint: string): Promise<Gate> {
    const { pk, sk } = gateKey(endpoint);
    const [row] = await new Partition(this.client, this.table, pk).range(sk, sk);
    return gateOf(row);
  }
}

/** Forgets how an endpoint was doing. */
export async function forgetGate(client: DynamoDBClient, table: string, endpoint: string): Promise<void> {
  const { pk, sk } = gateKey(endpoint);
  await new Partition(client, table, pk).delete(sk);
}

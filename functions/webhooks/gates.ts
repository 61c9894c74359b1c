import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Key } from '../batches.ts';
import { type Item, Partition } from '../table.ts';
import { type Gate, newGate } from './gate.ts';

export const gateKey = (endpoint: string): Key => ({ pk: `ENDPOINT#${endpoint}`, sk: 'GATE' });

/** The gate that a row holds. */
export const gateOf = (row: Item | undefined): Gate => (row as Gate | undefined) ?? newGate;

/** Times that a change is tried again because another batch was quicker. */
const maxTries = 20;

/** The rows of gates in the webhooks table. */
export class Gates {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  /**
   * Changes a gate, as many times over as others are quicker.
   *
   * @param gate as it was read last
   * @param next computes the gate it becomes and whatever else follows from the gate that is really there
   * @returns undefined when others always were quicker
   */
  async change<Result extends { readonly gate: Gate }>(
    endpoint: string,
    gate: Gate,
    next: (gate: Gate) => Result,
  ): Promise<Result | undefined> {
    const { pk, sk } = gateKey(endpoint);
    const partition = new Partition(this.client, this.table, pk);
    let current = gate;
    for (let tries = 0; tries < maxTries; tries += 1) {
      const result = next(current);
      const isWritten = await partition.put(
        sk,
        { ...result.gate },
        { condition: 'attribute_not_exists(pk) OR rev = :read', values: { read: current.rev } },
      );
      if (isWritten) return result;
      const [row] = await partition.range(sk, sk);
      current = gateOf(row);
    }
    return undefined;
  }

  /** The gate of an endpoint as it is now. */
  async read(endpoint: string): Promise<Gate> {
    const { pk, sk } = gateKey(endpoint);
    const [row] = await new Partition(this.client, this.table, pk).range(sk, sk);
    return gateOf(row);
  }

  /** Forgets how an endpoint was doing. */
  async forget(endpoint: string): Promise<void> {
    const { pk, sk } = gateKey(endpoint);
    await new Partition(this.client, this.table, pk).delete(sk);
  }
}

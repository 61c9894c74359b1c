import * as dynamodb from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { RetryBudget } from '#functions/clock/backoff.ts';
import { putRows } from './batch.ts';
import { queryOf, rowsBetween, type TableSource } from './index-pages.ts';
import type { Item } from './row.ts';

export interface Units {
  read: number;
  write: number;
}

/** Condition of a read or write; values by their `:name` without the colon. */
interface Expression {
  readonly condition?: string;
  readonly values?: Item;
  /** Names written as `#name` because DynamoDB reserves them. */
  readonly names?: readonly string[];
}

/** Requires that no other writer has changed a row since it was read. `rev` counts its changes, 0 for a missing row. */
export const unchangedSince = (rev: number): Expression =>
  rev === 0 ? { condition: 'attribute_not_exists(pk)' } : { condition: 'rev = :rev', values: { rev } };

/**
 * One partition of a DynamoDB table with key `pk`, `sk`: consistent reads, conditional writes, and the units they use.
 * A failed condition is an answer, not an error; other refusals of DynamoDB are thrown.
 */
export class Partition {
  /** Units used through this object; a refused write counts as one. */
  readonly units: Units = { read: 0, write: 0 };
  protected readonly source: TableSource;
  private readonly pk: string;

  constructor(source: TableSource, pk: string) {
    this.source = source;
    this.pk = pk;
  }

  /** Repositories of one partition, of whichever table. */
  static of(pk: string) {
    return class extends Partition {
      constructor(source: TableSource) {
        super(source, pk);
      }
    };
  }

  /** All rows with a sort key from `from` to `to`, both included, over as many pages as it takes. */
  async range(from: string, to: string): Promise<Item[]> {
    const rows: Item[] = [];
    let start: string | undefined;
    do {
      const page = await this.query(from, to, start);
      for (const row of page.rows) rows.push(row);
      start = page.last;
    } while (start !== undefined);
    return rows;
  }

  /**
   * First `limit` rows from `from` to `to`, or the last in descending order: 1 MB at most, DynamoDB's limit. `last` is
   * the sort key after which there may be more.
   */
  async page(from: string, to: string, limit: number, isDescending = false) {
    if (from > to) return { rows: [], last: undefined };
    // A row beyond the limit shows that there are more.
    const { rows, last } = await this.query(from, to, undefined, limit + 1, isDescending);
    const shown = rows.slice(0, limit);
    return { rows: shown, last: rows.length > limit ? String(shown.at(-1)!.sk) : last };
  }

  /** Writes a whole row; true when the condition held. */
  put(sk: string, attributes: Item, expression: Expression): Promise<boolean> {
    const row = marshall({ pk: this.pk, sk, ...attributes }, { removeUndefinedValues: true });
    const command = new dynamodb.PutItemCommand({ ...this.conditional(expression), Item: row });
    return this.write(this.source.dynamo.send(command));
  }

  /** Replaces a row as it was read, or creates it, and counts the change; undefined when another writer was quicker. */
  async putNext<Row extends Item>(sk: string, read: { readonly rev: number } | undefined, row: Row) {
    const { rev } = read ?? { rev: 0 };
    const next = { ...row, rev: rev + 1 };
    return (await this.put(sk, next, unchangedSince(rev))) ? next : undefined;
  }

  /** Overwrites whole rows, each with its `sk`, as {@link putRows} does. */
  async putAll(rows: readonly Item[], budget?: RetryBudget): Promise<void> {
    const items = rows.map((row) => ({ pk: this.pk, ...row }));
    this.units.write += await putRows(this.source.dynamo, this.source.table, items, budget);
  }

  /**
   * Sets attributes of a row, and removes those that are undefined; true when the condition held.
   *
   * @example update('ROOT', { rev: 2, absence: undefined }, { condition: 'rev = :read', values: { read: 1 } })
   */
  update(sk: string, attributes: Item, { names = [], values, ...rest }: Expression): Promise<boolean> {
    const set = Object.entries(attributes).filter(([, value]) => value !== undefined);
    const removed = Object.keys(attributes).filter((name) => attributes[name] === undefined);
    const written = Object.fromEntries(set.map(([name, value]) => [`new_${name}`, value]));
    const allNames = [...new Set([...names, ...Object.keys(attributes)])];
    const sets = set.map(([name]) => `#${name} = :new_${name}`);
    const command = new dynamodb.UpdateItemCommand({
      ...this.conditional({ ...rest, names: allNames, values: { ...values, ...written } }),
      Key: marshall({ pk: this.pk, sk }),
      UpdateExpression: [
        ...(sets.length > 0 ? [`SET ${sets.join(', ')}`] : []),
        ...(removed.length > 0 ? [`REMOVE ${removed.map((name) => `#${name}`).join(', ')}`] : []),
      ].join(' '),
    });
    return this.write(this.source.dynamo.send(command));
  }

  /** Deletes a row if it exists; true when the condition held. */
  delete(sk: string, expression: Expression = {}): Promise<boolean> {
    const Key = marshall({ pk: this.pk, sk });
    const command = new dynamodb.DeleteItemCommand({ ...this.conditional(expression), Key });
    return this.write(this.source.dynamo.send(command));
  }

  private async query(from: string, to: string, after?: string, limit?: number, isDescending = false) {
    const page = await this.source.dynamo.send(
      new dynamodb.QueryCommand({
        ...queryOf(this.source.table, { ...rowsBetween(this.pk, from, to), isDescending }, this.source.mayLag),
        ReturnConsumedCapacity: 'TOTAL',
        ExclusiveStartKey: after === undefined ? undefined : marshall({ pk: this.pk, sk: after }),
        Limit: limit,
      }),
    );
    this.units.read += page.ConsumedCapacity?.CapacityUnits ?? 0;
    return { rows: (page.Items ?? []).map((item) => unmarshall(item)), last: page.LastEvaluatedKey?.sk?.S };
  }

  private conditional({ condition, values = {}, names }: Expression) {
    const named = Object.entries(values).map(([name, value]) => [`:${name}`, value]);
    return {
      TableName: this.source.table,
      ReturnConsumedCapacity: 'TOTAL' as const,
      ConditionExpression: condition,
      ExpressionAttributeNames: names && Object.fromEntries(names.map((name) => [`#${name}`, name])),
      // DynamoDB refuses an empty map.
      ExpressionAttributeValues:
        named.length > 0 ? marshall(Object.fromEntries(named), { removeUndefinedValues: true }) : undefined,
    };
  }

  private async write(sent: Promise<{ ConsumedCapacity?: dynamodb.ConsumedCapacity | undefined }>): Promise<boolean> {
    try {
      const { ConsumedCapacity } = await sent;
      this.units.write += ConsumedCapacity?.CapacityUnits ?? 0;
      return true;
    } catch (error) {
      if (!(error instanceof dynamodb.ConditionalCheckFailedException)) throw error;
      this.units.write += 1;
      return false;
    }
  }
}

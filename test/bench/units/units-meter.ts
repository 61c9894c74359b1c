import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type ConsumedCapacity,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import type { Units } from '#functions/dynamodb/partition.ts';

type Row = Record<string, AttributeValue>;

/** The inputs of all commands in use, as far as they matter here. */
interface CommandInput {
  TableName?: string;
  Key?: Row;
  Item?: Row;
  ConsistentRead?: boolean;
  RequestItems?: Record<string, WriteRequest[]>;
  ReturnConsumedCapacity?: 'TOTAL';
}

const writes = new Set(['PutItemCommand', 'UpdateItemCommand', 'DeleteItemCommand', 'BatchWriteItemCommand']);

/**
 * Counts the units of everything that a client asks of DynamoDB. Adds by DynamoDB's own rules what the embedded one
 * leaves out: writes to indexes, and queries that find nothing.
 */
export class UnitsMeter {
  private readonly units: Units = { read: 0, write: 0 };
  private readonly onlooker: DynamoDBClient;
  private readonly indexes = new Map<string, readonly (readonly string[])[]>();

  /**
   * @param metered client whose units are counted
   * @param onlooker another client of the same database, whose units are not
   */
  constructor(metered: DynamoDBClient, onlooker: DynamoDBClient) {
    this.onlooker = onlooker;
    metered.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (request) => {
          const input = request.input as CommandInput;
          input.ReturnConsumedCapacity = 'TOTAL';
          if (!writes.has(commandName)) {
            const answer = await next(request);
            this.units.read += Math.max(consumed(answer.output), leastOf(commandName, input));
            return answer;
          }
          const before = await this.indexKeys(input);
          try {
            const answer = await next(request);
            this.units.write += consumed(answer.output);
            const after = await this.indexKeys(input);
            before.forEach((key, index) => {
              this.units.write += indexWrites(key, after[index]);
            });
            return answer;
          } catch (error) {
            if (error instanceof ConditionalCheckFailedException) this.units.write += 1;
            throw error;
          }
        },
      { step: 'initialize' },
    );
  }

  /** Units that a task uses; nothing else may use the client at the same time. */
  async of(task: () => Promise<unknown>): Promise<Units> {
    const { read, write } = this.units;
    await task();
    return { read: this.units.read - read, write: this.units.write - write };
  }

  /** The keys under which the rows of a write stand in each index, row by row. */
  private async indexKeys(input: CommandInput): Promise<(string | undefined)[]> {
    const keys: (string | undefined)[] = [];
    for (const [table, key] of rowsOf(input)) {
      const { Item: row = {} } = await this.onlooker.send(
        new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }),
      );
      for (const names of await this.indexesOf(table)) {
        const values = names.map((name) => row[name]);
        keys.push(values.every((value) => value !== undefined) ? JSON.stringify(values) : undefined);
      }
    }
    return keys;
  }

  /** Names of the key attributes of each index of a table. */
  private async indexesOf(table: string): Promise<readonly (readonly string[])[]> {
    const known = this.indexes.get(table);
    if (known) return known;
    const { Table } = await this.onlooker.send(new DescribeTableCommand({ TableName: table }));
    const indexes = (Table?.GlobalSecondaryIndexes ?? []).map(({ KeySchema = [] }) =>
      KeySchema.map(({ AttributeName }) => AttributeName!),
    );
    this.indexes.set(table, indexes);
    return indexes;
  }
}

/** Writes to an index that holds keys alone: one to put or remove an entry, both to move it. */
const indexWrites = (before: string | undefined, after: string | undefined): number => {
  if (before === after) return 0;
  return (before === undefined ? 0 : 1) + (after === undefined ? 0 : 1);
};

/** Units of a query that finds nothing. */
const leastOf = (commandName: string, { ConsistentRead }: CommandInput): number => {
  if (commandName !== 'QueryCommand') return 0;
  return ConsistentRead ? 1 : 0.5;
};

function consumed(output: object): number {
  const { ConsumedCapacity = [] } = output as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] };
  return [ConsumedCapacity].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
}

/** Tables and keys of the rows that a command writes. */
function rowsOf({ TableName, Key, Item, RequestItems = {} }: CommandInput): (readonly [string, Row])[] {
  const ofBatch = Object.entries(RequestItems).flatMap(([table, requests]) =>
    requests.flatMap(({ PutRequest, DeleteRequest }) => {
      const key = PutRequest?.Item ? keyOf(PutRequest.Item) : DeleteRequest?.Key;
      return key ? [[table, key] as const] : [];
    }),
  );
  const own = Item ? keyOf(Item) : Key;
  return own ? [[TableName!, own], ...ofBatch] : ofBatch;
}

const keyOf = ({ pk, sk }: Row): Row => ({ pk: pk!, sk: sk! });

import { type AttributeValue, DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ClassicLevel } from 'classic-level';
import stores from 'dynalite/db/index.js';

type Row = Record<string, AttributeValue>;

/** Parts of dynalite that say under which keys of LevelDB it keeps rows and entries of indexes. */
const layout = stores as unknown as {
  createKey(row: Row, table: object): string;
  getIndexActions(
    indexes: readonly object[],
    before: undefined,
    row: Row,
    table: object,
  ): { readonly puts: readonly { readonly index: string; readonly key: string; readonly item: Row }[] };
};

/** Rows in one write. */
const batchSize = 2000;

/** Gets hold of the database behind dynalite while `start` starts it. */
export async function withDatabase<T>(
  start: () => Promise<T>,
): Promise<{ readonly started: T; readonly rows: ClassicLevel }> {
  const { create } = stores;
  let rows: ClassicLevel | undefined;
  stores.create = (options) => {
    const store = create(options);
    rows = store.db;
    return store;
  };
  try {
    const started = await start();
    if (!rows) throw new Error('dynalite did not start as it used to: its database is not known');
    return { started, rows };
  } finally {
    stores.create = create;
  }
}

/** Writes rows as dynalite stores them, past its requests: these would take hours for a million. */
export async function writeRows(rows: ClassicLevel, dynamo: DynamoDBClient, name: string, items: Iterable<object>) {
  const { Table: table } = await dynamo.send(new DescribeTableCommand({ TableName: name }));
  if (!table) throw new Error(`there is no table ${name}`);
  const indexes = table.GlobalSecondaryIndexes ?? [];
  let batch: { readonly type: 'put'; readonly key: string; readonly value: unknown }[] = [];
  const put = (key: string, value: unknown) => batch.push({ type: 'put', key, value });
  const flush = async () => {
    await rows.batch(batch as never);
    batch = [];
  };
  for (const item of items) {
    const row = marshall(item, { removeUndefinedValues: true });
    put(`item-${name}~${layout.createKey(row, table)}`, row);
    for (const { index, key, item: entry } of layout.getIndexActions(indexes, undefined, row, table).puts)
      put(`index-global~${name}~${index}~${key}`, entry);
    if (batch.length >= batchSize) await flush();
  }
  await flush();
}

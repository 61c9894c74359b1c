import { type AttributeValue, DescribeTableCommand, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';

type Row = Record<string, AttributeValue>;

/** Bytes that DynamoDB adds to each row, and to each place in an index. */
const overhead = 100;

/** Bytes of storage charged for the rows of a table, with their places in indexes that hold keys alone. */
export async function storedBytes(dynamo: DynamoDBClient, TableName: string): Promise<number> {
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName }));
  const indexes = (Table?.GlobalSecondaryIndexes ?? []).map(({ KeySchema = [] }) =>
    KeySchema.map(({ AttributeName }) => AttributeName!),
  );
  let bytes = 0;
  for await (const { Items = [] } of paginateScan({ client: dynamo }, { TableName })) {
    for (const row of Items) bytes += rowBytes(row, indexes);
  }
  return bytes;
}

/** @param indexes names of the key attributes of each */
export function rowBytes(row: Row, indexes: readonly (readonly string[])[]): number {
  const places = indexes.filter((names) => names.every((name) => row[name] !== undefined));
  const keysOf = (names: readonly string[]) =>
    bytesOf(Object.fromEntries(['pk', 'sk', ...names].map((name) => [name, row[name]!])));
  return overhead + bytesOf(row) + places.reduce((sum, names) => sum + overhead + keysOf(names), 0);
}

const bytesOf = (row: Row): number =>
  Object.entries(row).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);

/** By the rules of DynamoDB's documentation on sizes of items. */
function valueBytes({ S, N, B, BOOL, NULL, L, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.replace(/^-|\./g, '').length / 2) + 1;
  if (B !== undefined) return B.byteLength;
  if (BOOL !== undefined || NULL !== undefined) return 1;
  if (L !== undefined) return 3 + L.reduce((sum, value) => sum + 1 + valueBytes(value), 0);
  if (M !== undefined) return 3 + Object.keys(M).length + bytesOf(M);
  throw new TypeError('a set, of which the tables hold none');
}

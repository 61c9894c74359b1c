import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type RetryBudget, retryBudget } from '#functions/clock/backoff.ts';
import { getRows } from './batch.ts';
import type { Item, Key } from './row.ts';

/** The webhooks table, or another with the key `pk`, `sk`. */
export interface TableSource {
  readonly dynamo: DynamoDBClient;
  readonly table: string;
  /** Set for reads at half the price, which may miss what was written within the last second. */
  readonly mayLag?: true;
}

/** An index of a table; it holds only keys. Each key attribute is a text (`S`) or a number (`N`). */
export interface KeyIndex {
  readonly name: string;
  readonly partitionKey: readonly [name: string, type: 'S' | 'N'];
  readonly sortKey: readonly [name: string, type: 'S' | 'N'];
}

/** A partition, or a range of it, of an index or of the table itself. */
export interface IndexRange {
  /** Undefined for the table. */
  readonly index: string | undefined;
  /** Name and value of the partition key. */
  readonly partition: readonly [name: string, value: string];
  /** Name of the sort key, with its first and last value, both included. */
  readonly sort: readonly [name: string, first: string | number, last: string | number];
  readonly isDescending: boolean;
  /** Part of each cursor that tells apart searches for different things in the same range. */
  readonly of?: string;
  /** Row to read for a key in the index. @default the row of that key */
  readonly rowOf?: (key: Key) => Key;
  /** Set where cursors with the same sort key mean one thing, which is returned once. */
  readonly isOncePerSortKey?: true;
}

/** Place of a row: its own key, and that of the index. */
export type Cursor = Readonly<Record<string, string | number>>;

interface Page {
  readonly after: Cursor | undefined;
  /** Number of entries that suffices. */
  readonly limit: number;
}

export interface Search<Entry> {
  /** In search order; no row is in two of them. */
  readonly ranges: readonly IndexRange[];
  readonly read: (row: Item) => Entry;
  /** @default all are */
  readonly isWanted?: (entry: Entry) => boolean;
}

/** The rows of a partition between two sort keys, both included. */
export const rowsBetween = (partition: string, first: string, last: string): IndexRange => {
  return { index: undefined, partition: ['pk', partition], sort: ['sk', first, last], isDescending: false };
};

/** Thrown for a cursor outside the searched ranges. */
export class CursorError extends Error {
  override readonly name = 'CursorError';
}

/** Rows scanned for one page, so that it ends within its request, even if few match. The next page scans the rest. */
const mostScanned = 1000;

/** Queries for one page, because ranges may be many and empty. */
const mostQueries = 200;

/** Keys read at once: fewer are not worth a call, and more do not fit into a batch. */
const smallestBatch = 25;
const largestBatch = 100;

/**
 * Searches ranges for what current rows are read as; without `next`, there are no more.
 *
 * @throws CursorError for a wrong `after`, and the error of `read`
 */
export async function paginate<Entry>(source: TableSource, search: Search<Entry>, { after, limit }: Page) {
  const { ranges, read, isWanted = () => true } = search;
  const found: { entry: Entry; cursor: Cursor }[] = [];
  /** Empty partitions of an index, which later ranges would query again. */
  const empty = new Set<string>();
  let scanned = 0;
  let queries = 0;
  const end = (next?: Cursor) => ({ items: found.map(({ entry }) => entry), next });
  for (const [index, range] of ranges.slice(beginOf(ranges, after)).entries()) {
    const [sortKey] = range.sort;
    let start = index === 0 ? after : undefined;
    let seen = start?.[sortKey];
    if (range.of !== undefined && empty.has(range.partition[1])) continue;
    do {
      const batchSize = Math.max(smallestBatch, Math.min(largestBatch, limit + 1 - found.length));
      const page = await readKeys(source, range, start, Math.min(batchSize, mostScanned - scanned));
      if (!start && page.cursors.length === 0 && !page.next) empty.add(range.partition[1]);
      const rows = await rowsAt(source, range, page);
      for (const [position, row] of rows.entries()) {
        const cursor = page.cursors[position]!;
        const isRepetition = range.isOncePerSortKey && cursor[sortKey] === seen;
        if (row) seen = cursor[sortKey];
        if (!row || isRepetition) continue;
        const entry = read(row);
        if (!isWanted(entry)) continue;
        // A row beyond the limit shows that there are more.
        if (found.length === limit) return end(found.at(-1)!.cursor);
        found.push({ entry, cursor });
      }
      scanned += rows.length;
      queries += 1;
      start = page.next;
      if (scanned >= mostScanned) return end(page.cursors.at(-1));
    } while (start);
    if (queries >= mostQueries) return end(endOf(range));
  }
  return end();
}

/** Pages of current rows in ranges of an index, each with its last cursor. @throws CursorError as {@link paginate} */
export async function* rowsIn(source: TableSource, ranges: readonly IndexRange[], budget: RetryBudget, after?: Cursor) {
  for (const [index, range] of ranges.slice(beginOf(ranges, after)).entries()) {
    let start = index === 0 ? after : undefined;
    do {
      const page = await readKeys(source, range, start, largestBatch);
      const rows = (await rowsAt(source, range, page, budget)).filter((row) => row !== undefined);
      yield { rows, last: page.cursors.at(-1) };
      start = page.next;
    } while (start);
  }
}

function beginOf(ranges: readonly IndexRange[], after: Cursor | undefined): number {
  const begin = after === undefined ? 0 : ranges.findIndex((range) => isIn(range, after));
  if (begin < 0) throw new CursorError('the cursor is outside of the requested ranges');
  return begin;
}

export async function countKeys({ dynamo, table }: TableSource, range: IndexRange, most: number): Promise<number> {
  let count = 0;
  let start: QueryCommandInput['ExclusiveStartKey'];
  do {
    const query = { ...queryOf(table, range), Select: 'COUNT' as const, Limit: most - count, ExclusiveStartKey: start };
    const page = await dynamo.send(new QueryCommand(query));
    count += page.Count ?? 0;
    start = page.LastEvaluatedKey;
  } while (start && count < most);
  return count;
}

type KeyPage = Awaited<ReturnType<typeof readKeys>>;

/** Reads cursors and rows of a range in order, from the first or after a cursor. Rows of an index are keys alone. */
export async function readKeys(source: TableSource, range: IndexRange, after: Cursor | undefined, limit: number) {
  const { of: _, ...start } = after ?? {};
  const own = range.of === undefined ? {} : { of: range.of };
  const cursorOf = (item: Item): Cursor => ({ ...(range.index ? item : { pk: item.pk, sk: item.sk }), ...own });
  try {
    const query = { ...queryOf(source.table, range), Limit: limit, ExclusiveStartKey: after && marshall(start) };
    const { Items = [], LastEvaluatedKey: last } = await source.dynamo.send(new QueryCommand(query));
    const items = Items.map((item) => unmarshall(item));
    return { items, cursors: items.map(cursorOf), next: last && cursorOf(unmarshall(last)) };
  } catch (error) {
    if (after && (error as Error).name === 'ValidationException') throw new CursorError('the cursor is invalid');
    throw error;
  }
}

/** Current rows of cursors, undefined for deleted rows. An index may lag behind, so the row itself counts. */
async function rowsAt(source: TableSource, range: IndexRange, { cursors, items }: KeyPage, budget = retryBudget()) {
  const { index, rowOf = (key: Key) => key } = range;
  if (index === undefined) return items;
  const keys = cursors.map(({ pk, sk }) => rowOf({ pk: String(pk), sk: String(sk) }));
  return getRows(source.dynamo, source.table, keys, budget);
}

/** Input of a query for a range; consistent for the table itself. */
export const queryOf = (table: string, { index, partition, sort, isDescending }: IndexRange, mayLag = false) => ({
  TableName: table,
  ...(index === undefined ? { ConsistentRead: !mayLag } : { IndexName: index }),
  KeyConditionExpression: '#partition = :partition AND #sort BETWEEN :first AND :last',
  ExpressionAttributeNames: { '#partition': partition[0], '#sort': sort[0] },
  ExpressionAttributeValues: marshall({ ':partition': partition[1], ':first': sort[1], ':last': sort[2] }),
  ScanIndexForward: !isDescending,
});

/** A cursor behind all rows of a range. */
const endOf = ({ index, partition, sort, isDescending, of }: IndexRange): Cursor => ({
  ...(of !== undefined && { of }),
  // No row has this key; only its order counts.
  ...(index !== undefined && { pk: '-', sk: '-' }),
  [partition[0]]: partition[1],
  [sort[0]]: isDescending ? sort[1] : sort[2],
});

/** True when a cursor has exactly the parts of one, of the right types, and lies in the range. */
function isIn(range: IndexRange, cursor: Cursor): boolean {
  const [name, value] = range.partition;
  const [sortKey, first, last] = range.sort;
  const usual = endOf(range);
  const isAlike = Object.keys({ ...usual, ...cursor }).every((part) => typeof cursor[part] === typeof usual[part]);
  const at = cursor[sortKey]!;
  return isAlike && cursor.of === range.of && cursor[name] === value && at >= first && at <= last;
}

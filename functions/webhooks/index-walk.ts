import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { getRows, type Key, rowName } from '../batches.ts';
import type { Item } from '../table.ts';

/** One partition of an index, or of the table itself, or a range of it. */
export interface IndexRange {
  /** Undefined: the table. */
  readonly index: string | undefined;
  /** Name and value of the partition key. */
  readonly partition: readonly [name: string, value: string];
  /** Name of the sort key, its first and its last value, both included. */
  readonly sort: readonly [name: string, first: string | number, last: string | number];
  readonly isDescending: boolean;
  /** What is looked for in it where others look for something else in the same range; it becomes part of each place. */
  readonly of?: string;
  /** The row to read for a key in the index, unless it is that very row. */
  readonly rowOf?: (key: Key) => Key;
  /** Places with the same sort key are of one thing, which is given once. */
  readonly isOncePerSortKey?: true;
}

/** The place of a row: its own key, and that of the index. */
export type Place = Readonly<Record<string, string | number>>;

/** How to walk through ranges of an index. */
export interface Walk {
  /** In the order in which they are walked through; no place is in two of them. */
  readonly ranges: readonly IndexRange[];
  /** Which rows are wanted. */
  readonly matches: (row: Item) => boolean;
  /** The place after which to begin. */
  readonly after: Place | undefined;
  /** So many wanted rows are enough. */
  readonly limit: number;
}

/** Rows found, and the place after which to go on; without it, there are no more. */
export interface Walked {
  readonly rows: readonly Item[];
  readonly next: Place | undefined;
}

/** Thrown for a place that is none in the ranges to be walked through. */
export class PlaceError extends Error {
  override readonly name = 'PlaceError';
}

/** Rows looked at in one walk: more is for the next one, even if few were wanted. */
const longestWalk = 1000;

/** Queries of one walk: ranges may be many and empty. */
const mostQueries = 200;

/** Keys read at once: few rows are not worth a call, and more than a batch is none. */
const shortestStride = 25;
const longestStride = 100;

/**
 * Walks through an index, which holds nothing but keys, and reads the rows as they are now. A row that is no longer there
 * is skipped.
 *
 * @throws PlaceError when `after` is no place in the ranges
 */
export async function walk(client: DynamoDBClient, table: string, { ranges, ...walking }: Walk): Promise<Walked> {
  const { matches, after, limit } = walking;
  const begin = after === undefined ? 0 : ranges.findIndex((range) => isIn(range, after));
  if (begin < 0) throw new PlaceError('the place is outside of what is asked for');
  const found: { row: Item; place: Place }[] = [];
  /** Partitions of an index that are asked for again and again, and are empty. */
  const empty = new Set<string>();
  let examined = 0;
  let queries = 0;
  for (const [at, range] of ranges.slice(begin).entries()) {
    const { rowOf = (key: Key) => key, isOncePerSortKey = false } = range;
    let start = at === 0 ? after : undefined;
    let seen = start?.[range.sort[0]];
    if (range.of !== undefined && empty.has(range.partition[1])) continue;
    do {
      const wished = Math.max(shortestStride, Math.min(longestStride, limit + 1 - found.length));
      const page = await readPlaces(client, table, range, start, Math.min(wished, longestWalk - examined));
      if (!start && page.places.length === 0 && !page.next) empty.add(range.partition[1]);
      const keyIn = (place: Place) => rowOf({ pk: String(place.pk), sk: String(place.sk) });
      const keys = new Map(page.places.map((place) => [rowName(keyIn(place)), keyIn(place)]));
      const rows = await getRows(client, table, [...keys.values()]);
      for (const place of page.places) {
        const row = rows.get(rowName(keyIn(place)));
        const isRepetition = isOncePerSortKey && place[range.sort[0]] === seen;
        if (row) seen = place[range.sort[0]];
        if (row && !isRepetition && matches(row)) found.push({ row, place });
        // One more than asked for tells that there is more.
        if (found.length > limit) {
          return { rows: found.slice(0, limit).map(({ row: wanted }) => wanted), next: found[limit - 1]!.place };
        }
      }
      examined += page.places.length;
      queries += 1;
      start = page.next;
      if (examined >= longestWalk) return { rows: found.map(({ row }) => row), next: page.places.at(-1) };
    } while (start);
    if (queries >= mostQueries) return { rows: found.map(({ row }) => row), next: endOf(range) };
  }
  return { rows: found.map(({ row }) => row), next: undefined };
}

/** Counts the places in a range, up to `most`. */
export async function countPlaces(
  client: DynamoDBClient,
  table: string,
  range: IndexRange,
  most: number,
): Promise<number> {
  let count = 0;
  let start: QueryCommandInput['ExclusiveStartKey'];
  do {
    const query = { ...queryOf(table, range), Select: 'COUNT' as const, Limit: most - count, ExclusiveStartKey: start };
    const page = await client.send(new QueryCommand(query));
    count += page.Count ?? 0;
    start = page.LastEvaluatedKey;
  } while (start && count < most);
  return count;
}

async function readPlaces(
  client: DynamoDBClient,
  table: string,
  range: IndexRange,
  after: Place | undefined,
  limit: number,
): Promise<{ places: Place[]; next: Place | undefined }> {
  const own = range.of === undefined ? {} : { of: range.of };
  const { of: _, ...start } = after ?? {};
  try {
    const page = await client.send(
      new QueryCommand({
        ...queryOf(table, range),
        Limit: limit,
        ...(range.index === undefined && { ProjectionExpression: 'pk, sk' }),
        ...(after && { ExclusiveStartKey: marshall(start) }),
      }),
    );
    const place = (item: NonNullable<typeof page.LastEvaluatedKey>) => ({ ...unmarshall(item), ...own }) as Place;
    return { places: (page.Items ?? []).map(place), next: page.LastEvaluatedKey && place(page.LastEvaluatedKey) };
  } catch (error) {
    if (after && (error as Error).name === 'ValidationException') throw new PlaceError('the place is none');
    throw error;
  }
}

const queryOf = (table: string, { index, partition, sort, isDescending }: IndexRange) => ({
  TableName: table,
  ...(index !== undefined && { IndexName: index }),
  KeyConditionExpression: '#partition = :partition AND #sort BETWEEN :first AND :last',
  ExpressionAttributeNames: { '#partition': partition[0], '#sort': sort[0] },
  ExpressionAttributeValues: marshall({ ':partition': partition[1], ':first': sort[1], ':last': sort[2] }),
  ScanIndexForward: !isDescending,
});

/** A place behind all rows of a range. */
const endOf = ({ index, partition, sort, isDescending, of }: IndexRange): Place => ({
  ...(of !== undefined && { of }),
  // No row has this key: only its place counts.
  ...(index !== undefined && { pk: '-', sk: '-' }),
  [partition[0]]: partition[1],
  [sort[0]]: isDescending ? sort[1] : sort[2],
});

/** Whether a place is one in a range: it has exactly the parts of one, of the right types, and lies within. */
function isIn({ index, partition, sort, of }: IndexRange, place: Place): boolean {
  const at = place[sort[0]];
  return (
    Object.keys(place).length === (index === undefined ? 2 : 4) + (of === undefined ? 0 : 1) &&
    place.of === of &&
    typeof place.pk === 'string' &&
    typeof place.sk === 'string' &&
    place[partition[0]] === partition[1] &&
    at !== undefined &&
    typeof at === typeof sort[1] &&
    at >= sort[1] &&
    at <= sort[2]
  );
}

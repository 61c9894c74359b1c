import * as z from 'zod/mini';
import { type IndexRange, type Place, type TableSource, walk } from '#functions/dynamodb/index-pages.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { badCursor } from './problem.ts';

const wrongLimit = 'expected a whole number from 1 to 100';

/** What every list can be asked for. */
export const pageQuery = {
  limit: z._default(
    z.coerce.number(wrongLimit).check(z.int(wrongLimit), z.minimum(1, wrongLimit), z.maximum(100, wrongLimit)),
    50,
  ),
  // Keys and index keys of a row, in base64url: some 700 characters at the most.
  cursor: z.optional(z.string().check(z.regex(/^[\w-]{1,2000}$/, 'expected the next of an earlier answer'))),
};

/**
 * Reads one page of the rows in ranges of a table, with the cursor of the next page unless these are all.
 *
 * @throws Problem when the cursor is none of this very list
 */
export async function pageOf(
  source: TableSource,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ranges: readonly IndexRange[],
  matches: (row: Item) => boolean = () => true,
): Promise<{ readonly rows: readonly Item[]; readonly next?: string }> {
  const { rows, next } = await walk(source, { ranges, matches, after: placeOf(cursor), limit });
  return { rows, ...(next && { next: cursorOf(next) }) };
}

/** The rows of a partition from one sort key to another, both included. */
export const rowsBetween = (partition: string, first: string, last: string): IndexRange => ({
  index: undefined,
  partition: ['pk', partition],
  sort: ['sk', first, last],
  isDescending: false,
});

/** A cursor: the place after which a list goes on, opaque to the client. */
export const cursorOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url');

const placeSchema = z.record(z.string(), z.union([z.string(), z.number()]));

/** @throws Problem when it is no cursor */
export function placeOf(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  const { data: place } = placeSchema.safeParse(jsonOf(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!place) throw badCursor();
  return place;
}

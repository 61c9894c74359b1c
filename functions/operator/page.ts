import * as z from 'zod/mini';
import type { Place } from '../webhooks/index-walk.ts';
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

/** What a page is asked for. */
export interface Paging {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

const placeSchema = z.record(z.string(), z.union([z.string(), z.number()]));

/** A cursor: what a list goes on after, opaque to whoever gets it. */
export const cursorOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url');

/**
 * Reads a cursor.
 *
 * @throws Problem when it is none
 */
export function placeOf(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  const place = placeSchema.safeParse(parsed(Buffer.from(cursor, 'base64url').toString('utf8'))).data;
  if (!place) throw badCursor();
  return place;
}

/**
 * One page of a list that is at hand as a whole.
 *
 * @param keyOf text by which the items are in ascending order, each another
 * @param isDescending they are in descending order
 * @throws Problem when the cursor is none of this list
 */
export function pageIn<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  { limit, cursor }: Paging,
  isDescending = false,
) {
  const { key: after = '' } = placeOf(cursor) ?? { key: '' };
  if (typeof after !== 'string' || (cursor !== undefined && after === '')) throw badCursor();
  const rest = items.filter(
    (item) => cursor === undefined || (isDescending ? keyOf(item) < after : keyOf(item) > after),
  );
  const page = rest.slice(0, limit);
  return { items: page, ...(rest.length > limit && { next: cursorOf({ key: keyOf(page.at(-1)!) }) }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

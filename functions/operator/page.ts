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

/** A cursor: the place after which a list goes on, opaque to the client. */
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
 * The key after which a list goes on that is read by keys; empty for its beginning.
 *
 * @throws Problem when the cursor is none of such a list
 */
export function keyAfter({ cursor }: Paging): string {
  const { key = '' } = placeOf(cursor) ?? { key: '' };
  if (typeof key !== 'string' || (cursor !== undefined && key === '')) throw badCursor();
  return key;
}

/** One page of such a list; the next one begins after `next`. */
export const keyPage = <Item>(items: Item[], next: string | undefined) => ({
  items,
  ...(next !== undefined && { next: cursorOf({ key: next }) }),
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

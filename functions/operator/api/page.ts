import * as z from 'zod/mini';
import { type Cursor, paginate, type Search, type TableSource } from '#functions/dynamodb/index-pages.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { badCursor } from './problem.ts';

const wrong = 'expected a whole number from 1 to 100';

export const pageQuery = {
  limit: z._default(z.coerce.number(wrong).check(z.int(wrong), z.minimum(1, wrong), z.maximum(100, wrong)), 50),
  // In base64url, keys and index keys of a row take some 700 characters, and what a pull has seen 3600.
  cursor: z.optional(z.string().check(z.regex(/^[\w-]{1,4000}$/, 'expected the next of an earlier answer'))),
};

/** Reads one page of a list, as {@link paginate} does. @throws Problem for a malformed cursor */
export async function pageOf<Entry>(
  source: TableSource,
  search: Search<Entry>,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
) {
  const { items, next } = await paginate(source, search, { after: placeOf(cursor), limit });
  return { items, next: next && cursorOf(next) };
}

/** Encodes the place after which a list continues; the cursor is opaque to clients. */
export const cursorOf = (place: Cursor): string => Buffer.from(JSON.stringify(place)).toString('base64url');

const placeSchema = z.record(z.string(), z.union([z.string(), z.number()]));

/** @throws Problem for a malformed cursor */
export function placeOf(cursor: string | undefined): Cursor | undefined {
  if (cursor === undefined) return undefined;
  const { data: place } = placeSchema.safeParse(jsonOf(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!place) throw badCursor();
  return place;
}

import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { Deadline } from '#functions/clock/instants.ts';
import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import { cursorOf, placeOf } from '#functions/operator/api/page.ts';
import { badCursor } from '#functions/operator/api/problem.ts';
import { time } from '#functions/operator/api/schemas.ts';
import { type PullPlace, type PullRequest, placeTime, pullEvents } from '#functions/webhooks/deliveries/pull.ts';

/** Milliseconds between two looks for a later event: each look is two queries. */
const lookIntervalMs = 1000;

/** Looks in a row that find nothing wanted among earlier events, so that a page ends within its request. */
const mostLooksBehind = 20;

/** A seen event takes twelve letters: eight of a hash, and the milliseconds from `at` to its place. */
const seenForm = /([\w-]{8})([0-9a-z]{4})/g;
const longestOffset = 36 ** 4 - 1;

const pullCursor = z.strictObject({
  /** Hash of the filters: an event that others pass over must not count as seen. */
  pull: z.string(),
  start: time,
  at: z.string().check(z.refine((place) => time.safeParse(place.slice(0, 24)).success)),
  seen: z.string(),
});

const hashOf = (filter: object): string =>
  createHash('sha256').update(JSON.stringify(filter)).digest('base64url').slice(0, 8);

export const beginAt = (start: string): PullPlace => ({ start, at: start, seen: new Map() });

/** The place in the cursor of a pull; undefined without one. @throws Problem for a cursor with other filters */
export function pullPlaceOf(cursor: string | undefined, filter: object): PullPlace | undefined {
  const place = placeOf(cursor);
  if (place?.pull === undefined) return undefined;
  const { data } = pullCursor.safeParse(place);
  if (data?.pull !== hashOf(filter)) throw badCursor();
  const { start, at } = data;
  const seen = [...data.seen.matchAll(seenForm)].map(([, hash = '', offset = '']) => {
    return [hash, placeTime(at) + Number.parseInt(offset, 36)] as const;
  });
  return { start, at, seen: new Map(seen) };
}

function pullCursorOf({ start, at, seen }: PullPlace, filter: object): string {
  const parts = [...seen].map(([hash, placedAt]) => {
    const offset = Math.min(placedAt - placeTime(at), longestOffset);
    return hash + offset.toString(36).padStart(4, '0');
  });
  return cursorOf({ pull: hashOf(filter), start, at, seen: parts.join('') });
}

/** Looks until there is a wanted event, or the time to wait is over. */
export async function pull<Event>(
  { webhooks, tables, sleep }: OperatorDependencies,
  begin: PullPlace,
  filter: object,
  request: Omit<PullRequest<Event>, 'now' | 'keptForMs'>,
  { waitSeconds, deadline }: { readonly waitSeconds: number; readonly deadline: Deadline },
) {
  const { steady, deliveries } = webhooks;
  const waitUntil = Math.min(steady() + waitSeconds * 1000, deadline);
  let place = begin;
  for (let looks = 1; ; looks += 1) {
    const now = webhooks.now().getTime();
    const full = { ...request, now, keptForMs: deliveries.keptForMs };
    const { items, next, isBehind } = await pullEvents(tables.webhooks, place, full);
    place = next;
    const isOver = isBehind ? looks >= mostLooksBehind || steady() >= deadline : steady() + lookIntervalMs > waitUntil;
    if (items.length > 0 || isOver) return { items, next: pullCursorOf(place, filter) };
    if (!isBehind) await sleep(lookIntervalMs);
  }
}

/**
 * Events in the order of their storing, each once. A late event has a second entry in the index, by which it is pulled.
 * No entry gets a place before the horizon, so a pull remembers only what it has seen beyond it.
 */
import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { getRows } from '#functions/dynamodb/batch.ts';
import { paginate, readKeys, type TableSource } from '#functions/dynamodb/index-pages.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import * as layout from './delivery.ts';

/** Where a pull goes on. */
export interface PullPlace {
  /** ISO 8601 time before which it wants no place. */
  readonly start: string;
  /** Place in the index before which it has seen all events. */
  readonly at: string;
  /** Events seen from there on: their hashes, with the times (Unix ms) of their places. */
  readonly seen: ReadonlyMap<string, number>;
}

export interface PullRequest<Event> {
  readonly limit: number;
  /** Unix ms. */
  readonly now: number;
  readonly keptForMs: number;
  /** The event of a row, undefined for one that is passed over. */
  readonly wanted: (row: Item) => Event | undefined;
}

/** Events beyond the horizon whose hashes fit into a cursor. Further ones wait until the horizon has passed them. */
const mostSeen = 100;

/** Milliseconds by which events may be dated ahead and come at once. */
const aheadMs = 15 * 60_000;

/** Rows read at least, and late events read at once. */
const [smallestBatch, concurrency] = [25, 8];

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
/** Unix ms. */
export const placeTime = (place: string): number => Date.parse(place.slice(0, 24));
const latest = (one: string, other: string): string => (one > other ? one : other);

/** The next wanted events of a pull, and its next place; `isBehind` while that is before the horizon. */
export async function pullEvents<Event>(source: TableSource, place: PullPlace, pull: PullRequest<Event>) {
  const { limit, now, wanted } = pull;
  const horizon = iso(now - layout.settledAfterMs);
  // This place was behind the horizon: a clock was set back since. Rather give events again than miss some.
  const isSetBack = place.at > iso(now - layout.settledAfterMs / 2);
  const from = isSetBack ? latest(place.start, horizon) : place.at;
  const { entries, end } = await entriesFrom(source, { ...place, at: from }, pull);
  const [seen, known] = [new Map(place.seen), new Set<string>()];
  const items: Event[] = [];
  let until = end;
  for (const { listedAt, hash, row } of entries) {
    // Beyond the horizon, an event without a row is looked at again: the index may show it later.
    if (!row || known.has(hash)) continue;
    const isSettled = listedAt < horizon;
    if (items.length === limit || (!isSettled && seen.size >= mostSeen)) {
      until = listedAt;
      break;
    }
    known.add(hash);
    if (!isSettled) seen.set(hash, placeTime(listedAt));
    const event = wanted(row);
    if (event !== undefined) items.push(event);
  }
  const at = latest(from, until < horizon ? until : horizon);
  const left = new Map([...seen].filter(([, time]) => time >= placeTime(at)));
  return { items, next: { start: place.start, at, seen: left }, isBehind: at < horizon };
}

/** Entries in order before `end` that were not seen, with the rows of those that count. */
async function entriesFrom(source: TableSource, { at: from, seen }: PullPlace, pull: PullRequest<unknown>) {
  const { limit, now, keptForMs } = pull;
  const span = { from, until: latest(from, iso(now + aheadMs)) };
  const lateDays = layout.daysOf('late', span, now, keptForMs);
  const found: Item[] = [];
  let end = span.until;
  for (const [index, day] of layout.daysOf('event', span, now, keptForMs).entries()) {
    const parts = [day, lateDays[index]!];
    const pages = await Promise.all(parts.map((part) => readKeys(source, part, undefined, mostSeen)));
    found.push(...pages.flatMap(({ items }) => items));
    // The last place of a page may have another entry behind it.
    for (const { next } of pages) if (next && next.listedAt! < end) end = String(next.listedAt);
    if (pages.some(({ next }) => next)) break;
  }
  const unseen = found
    .map(({ pk, sk, listedAt }) => ({ key: { pk, sk }, listedAt: String(listedAt) }))
    .map((entry) => ({ ...entry, hash: hashOf(layout.ownPlaceOf(entry.key) ?? entry.listedAt) }))
    .filter(({ listedAt, hash }) => listedAt < end && !seen.has(hash))
    .sort((one, other) => (one.listedAt < other.listedAt ? -1 : 1));
  const last = unseen[Math.max(limit, smallestBatch) - 1]?.listedAt ?? end;
  const entries = unseen.filter(({ listedAt }) => listedAt <= last);
  const rows = await getRows(
    source.dynamo,
    source.table,
    entries.map(({ key }) => key),
  );
  const valid = await pLimit(concurrency).map(rows, (row) => row && validRow(source, row));
  // No id has a blank, so this is the first place after the last.
  return {
    entries: entries.map((entry, index) => ({ ...entry, row: valid[index] })),
    end: last === end ? end : `${last} `,
  };
}

/** The row of the event, if this entry is the one by which it is pulled. A crash may have left it with several. */
async function validRow(source: TableSource, row: Item): Promise<Item | undefined> {
  const place = layout.ownPlaceOf({ pk: String(row.pk), sk: String(row.sk) });
  if (place === undefined) return row.isLate ? undefined : row;
  const search = { ranges: [layout.entriesAt(place)], read: (own: Item) => own };
  const { items } = await paginate(source, search, { after: undefined, limit: mostSeen });
  return items.every(({ isLate }) => isLate) ? items[0] : undefined;
}

const hashOf = (place: string): string => createHash('sha256').update(place).digest('base64url').slice(0, 8);

/**
 * Events in the order of their storing, each once. A late event has a second entry in the index, by which it is pulled.
 * No entry gets a place before the horizon, so a pull remembers only what it has seen beyond it.
 */
import pLimit from 'p-limit';
import { hasBeen } from '#functions/clock/instants.ts';
import { getRows } from '#functions/dynamodb/batch.ts';
import { paginate, readKeys, type TableSource } from '#functions/dynamodb/index-pages.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import * as layout from './delivery.ts';

/** Where a pull goes on: no place before `start` (ISO 8601) is wanted, and all before `at` were seen. */
export interface PullPlace {
  readonly start: string;
  readonly at: string;
  /** Events seen from `at` on: ends of their ids, with the times (Unix ms) of their places. */
  readonly seen: Readonly<Record<string, number>>;
}

interface Terms {
  readonly limit: number;
  readonly keptForMs: number;
  /** Parts of the index to read beside the first entries. */
  readonly kinds: readonly ('late' | 'again')[];
}

interface Pull<Event> extends Terms {
  /** The event of a row, undefined for one that is passed over. */
  readonly wanted: (row: Item) => Event | undefined;
}

/** Events beyond the horizon that fit into a cursor (others wait) and keys read at once; late events read at once. */
const [most, concurrency] = [100, 8];

/** Milliseconds by which an event may be dated ahead and come at once; others come as soon as that is true. */
const aheadMs = 15 * 60_000;

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
const timeOf = (place: string): number => Date.parse(place.slice(0, 24));
const latest = (one: string, other: string): string => (one > other ? one : other);
/** The end of an event's id: 52 bits of a hash. */
const nameOf = (place: string): string => place.slice(-10);

/** The next wanted events and place of a pull at `now` (Unix ms); `isBehind` while that is before the horizon. */
export async function pullEvents<Event>(source: TableSource, pulled: PullPlace, pull: Pull<Event>, now: number) {
  const horizon = iso(now - layout.settledAfterMs);
  // The place was behind the horizon: a clock was set back since. Rather give events again than miss some.
  const isSetBack = pulled.at > iso(now - layout.settledAfterMs / 2);
  const start = hasBeen(Date.parse(pulled.start), now) ? pulled.start : horizon;
  const from = isSetBack ? latest(start, horizon) : pulled.at;
  const { entries, end } = await entriesFrom(source, { ...pulled, at: from }, pull, now);
  const seen = new Map(Object.entries(pulled.seen));
  const known = new Set<string>();
  const items: Event[] = [];
  let until = end;
  for (const { listedAt, name, row } of entries) {
    // Beyond the horizon, an entry without a row is looked at again: the index may show the row later.
    if (!row || known.has(name)) continue;
    const isSettled = listedAt < horizon;
    if (items.length === pull.limit || (!isSettled && seen.size >= most)) {
      until = listedAt;
      break;
    }
    known.add(name);
    if (!isSettled) seen.set(name, timeOf(listedAt));
    const event = pull.wanted(row);
    if (event !== undefined) items.push(event);
  }
  const at = latest(from, until < horizon ? until : horizon);
  const left = Object.fromEntries([...seen].filter(([, time]) => time >= timeOf(at)));
  return { items, next: { start: pulled.start, at, seen: left }, isBehind: at < horizon };
}

/** Entries in order before `end` that were not seen, with the rows of those that count. */
async function entriesFrom(source: TableSource, { at: from, seen }: PullPlace, pull: Terms, now: number) {
  const span = { from, until: latest(from, iso(now + aheadMs)) };
  const days = layout.daysOf('event', span, now, pull.keptForMs);
  const others = pull.kinds.map((kind) => layout.daysOf(kind, span, now, pull.keptForMs));
  const found: Item[] = [];
  let end = span.until;
  for (const [index, day] of days.entries()) {
    const parts = [day, ...others.map((one) => one[index]!)];
    const pages = await Promise.all(parts.map((part) => readKeys(source, part, undefined, most + 1)));
    found.push(...pages.flatMap(({ items }) => items));
    const following = days[index + 1]?.partition[1];
    // The last place of a page may have another entry behind it.
    const ends = [following ? `${following}T00:00:00.000Z` : span.until, ...pages.map(({ next }) => next?.listedAt)];
    end = ends.filter((place) => typeof place === 'string').toSorted()[0]!;
    if (found.length >= most || pages.some(({ next }) => next)) break;
  }
  const entries = found
    .map(({ pk, sk, listedAt }) => ({ key: { pk, sk }, listedAt: String(listedAt), name: nameOf(listedAt) }))
    .filter(({ listedAt, name }) => listedAt < end && !Object.hasOwn(seen, name))
    .sort((one, other) => (one.listedAt < other.listedAt ? -1 : 1));
  const keys = entries.map(({ key }) => key);
  const rows = await getRows(source.dynamo, source.table, keys);
  const valid = await pLimit(concurrency).map(rows, (row) => row && validRow(source, row));
  return { entries: entries.map((entry, index) => ({ ...entry, row: valid[index] })), end };
}

/** The row of the event, if it is pulled by this entry. A crash may have left it with several. */
async function validRow(source: TableSource, row: Item): Promise<Item | undefined> {
  const isAgain = row.pk.startsWith('AGAIN#');
  if (!isAgain && !layout.isLateEntry(row.pk)) return row.isLate ? undefined : row;
  const own = row.sk.split(' ', 2).join(' ');
  const search = { ranges: [layout.entriesAt(own)], read: (one: Item) => one };
  const { items } = await paginate(source, search, { after: undefined, limit: most });
  if (isAgain) return items[0];
  return items.every(({ isLate }) => isLate) ? items[0] : undefined;
}

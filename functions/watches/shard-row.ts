import { hasBeen, plausibleUntil } from '#functions/clock/instants.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { failingShare } from './incident-share.ts';

/** Watches from a place up to the next stretch. */
const stretch = r.object({
  from: r.number,
  /** Last tick whose due watches are polled or in flight; undefined before the first. */
  to: r.optional(r.number),
});

/** Exclusive right to poll watches of a shard; it expires by itself. */
const lease = r.object({
  since: r.number,
  /** End of the lease; the holder polls nothing after it. */
  until: r.number,
  /** Requests that its holder may have in flight. */
  slots: r.number,
  /** Keys of the watches; undefined: all that are in no other lease. */
  watches: r.optional(r.list(r.text)),
});

/** Stored state of a shard. All instants are Unix times in milliseconds. */
export const readShardRow = r.rowOf({
  rev: r.number,
  /** Number of shards at its last poll. */
  shards: r.optional(r.number),
  /** Progress of its polls, in the order of places. */
  polled: r.optional(r.list(stretch)),
  /** The last tick, if it left due watches to the next. */
  postponedAt: r.optional(r.number),
  /** Shares of its failing watches, by incident name. */
  failing: r.optional(r.record(failingShare)),
  /** Leases by the name of their holder. */
  leases: r.optional(r.record(lease)),
});

export type Stretch = r.ReadBy<typeof stretch>;
export type Lease = r.ReadBy<typeof lease>;
export type ShardRow = ReturnType<typeof readShardRow>;

export type ShardProgress = Required<Pick<ShardRow, 'shards' | 'polled' | 'failing'>> & Pick<ShardRow, 'postponedAt'>;

export type Term = Pick<Lease, 'since' | 'until'>;

/** Longest time in milliseconds that a poll takes, even if its function crashes: several times the function's limit. */
export const longestPollMs = 600_000;

/** Most stretches of a row, and most watches of a lease: the row stays at some KB of DynamoDB's 400. */
const mostStretches = 64;
const mostWatches = 100;

/** Last tick of a place, if it is not in the future. */
export function lastTick({ polled = [] }: ShardRow, place: number, now: number): number | undefined {
  const to = polled.findLast(({ from }) => from <= place)?.to;
  return to !== undefined && hasBeen(to, now) ? to : undefined;
}

/** Adapts a row to the number of shards. A change drops progress and shares, so each watch is listed in full once. */
export const rowFor = ({ failing, polled, ...row }: ShardRow, shards: number): ShardRow =>
  row.shards === shards ? { ...row, ...(failing && { failing }), ...(polled && { polled }) } : { ...row, shards };

/** Last tick of a watch that was not polled yet. */
export const never = Number.NEGATIVE_INFINITY;

/** Place of a watch, and the bounds of the last tick that may be stored for it. `newest` is later if it was not due. */
export interface Mark {
  readonly place: number;
  readonly oldest: number;
  readonly newest: number;
}

/**
 * Describes the progress of a shard in as few stretches as possible. Postponed watches keep their last tick, so that
 * the next tick polls all that was due since. Watches that were not due join a neighbour where their bounds allow.
 *
 * @param marks of all watches of a shard, in the order of places
 * @param to the latest tick, for a shard without watches
 * @example stretchesOf([], 60_000) // [{ from: 0, to: 60_000 }]
 */
export function stretchesOf(marks: readonly Mark[], to: number): Stretch[] {
  const parts: Mark[] = [];
  for (const mark of byPlace(marks)) {
    const both = joined(parts.at(-1) ?? mark, mark);
    if (parts.length > 0 && both.oldest <= both.newest) parts.splice(-1, 1, both);
    else parts.push(mark);
  }
  if (parts.length === 0) return [{ from: 0, to }];
  return bounded(parts).map(({ place, newest }, index) => {
    return { from: index === 0 ? 0 : place, ...(newest !== never && { to: newest }) };
  });
}

/** Joins the marks of a place. If one direction of a mailbox is postponed, the other is polled once too often. */
const byPlace = (marks: readonly Mark[]): Mark[] =>
  [...Map.groupBy(marks, ({ place }) => place).values()].map((same) =>
    same.reduce((a, b) => {
      const both = joined(a, b);
      return { ...both, oldest: Math.min(both.oldest, both.newest) };
    }),
  );

/** Intersection of two bounds; empty if `oldest` is later than `newest`. */
const joined = (a: Mark, b: Mark): Mark => {
  return { place: a.place, oldest: Math.max(a.oldest, b.oldest), newest: Math.min(a.newest, b.newest) };
};

/** Joins neighbours while there are too many. Some watches are then polled once too often, but none is left out. */
function bounded(parts: readonly Mark[]): readonly Mark[] {
  if (parts.length <= mostStretches) return parts;
  const pairs = parts.flatMap((part, index) => (index % 2 === 0 ? [joined(part, parts[index + 1] ?? part)] : []));
  return bounded(pairs);
}

/** Leases in force, without those that a clock that was ahead has written. */
export const liveLeases = ({ leases = {} }: ShardRow, now: number): [name: string, lease: Lease][] =>
  Object.entries(leases).filter(
    ([, { since, until }]) =>
      until > now && hasBeen(since, now) && plausibleUntil(until, now, longestPollMs) !== undefined,
  );

/** Keys of the watches whose holders have died: their leases have expired without a release. */
export const abandonedWatches = (row: ShardRow, now: number): ReadonlySet<string> => {
  const live = new Map(liveLeases(row, now));
  const dead = Object.entries(row.leases ?? {}).filter(([name]) => !live.has(name));
  return new Set(dead.flatMap(([, { watches = [] }]) => watches));
};

/** Keys of the watches in narrowed leases, whose holders leave the others to the next tick. */
export const busyWatches = (row: ShardRow, now: number): ReadonlySet<string> =>
  new Set(liveLeases(row, now).flatMap(([, { watches = [] }]) => watches));

/**
 * Leases all watches that are in no other lease, with the free slots of `all`. With `watch`, leases that one with half
 * of these, so that a tick can poll the others. Returns undefined while another holder has the watches or the slots.
 *
 * @example takeLease({ rev: 1 }, 'a', 16, term) // { rev: 1, leases: { a: { ...term, slots: 16 } } }
 */
export function takeLease(row: ShardRow, name: string, all: number, term: Term, watch?: string): ShardRow | undefined {
  const leases = liveLeases(row, term.since);
  const left = leases.reduce((slots, [, lease]) => slots - lease.slots, all);
  // The last free slot of several is left to ticks, however many on-demand polls come.
  const slots = watch === undefined || all === 1 ? left : Math.floor(left / 2);
  const isTaken = leases.some(([, { watches }]) => !watches || (watch !== undefined && watches.includes(watch)));
  if (slots < 1 || isTaken) return undefined;
  const lease = { ...term, slots, ...(watch !== undefined && { watches: [watch] }) };
  return { ...row, leases: { ...Object.fromEntries(leases), [name]: lease } };
}

/**
 * Narrows a lease to some watches and half of its slots at most. Undefined if they do not fit, or it is gone.
 *
 * @example 16 slots and one hanging watch give `{ …, leases: { a: { since, until, slots: 1, watches: [key] } } }`
 */
export function narrowLease(row: ShardRow, name: string, watches: readonly string[], progress: ShardProgress) {
  const lease = row.leases?.[name];
  // A request whose answer was lost has written it already.
  if (lease?.watches) return row;
  const slots = Math.min(watches.length, Math.floor((lease?.slots ?? 0) / 2));
  if (!lease || slots < 1 || watches.length > mostWatches) return undefined;
  return { ...row, ...progress, leases: { ...row.leases, [name]: { ...lease, slots, watches } } };
}

/** Releases a lease and stores the progress, if any; undefined when the lease is gone. */
export function endLease(row: ShardRow, name: string, progress: ShardProgress | undefined): ShardRow | undefined {
  const { [name]: lease, ...leases } = row.leases ?? {};
  return lease && { ...row, ...progress, leases };
}

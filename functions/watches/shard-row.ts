import { believable, hasBeen } from '#functions/clock/instants.ts';
import type { FailingShare } from './incident-share.ts';

/** What is written down of a shard. All instants are Unix times in milliseconds. */
export interface ShardRow {
  readonly rev: number;
  /** Parts into which the watches were divided when it was polled last. */
  readonly shards?: number;
  /** How far its watches were polled, by their places, in this order. */
  readonly polled?: readonly Stretch[];
  /** Unix time in milliseconds of the last tick, if it had no time for all that was due. */
  readonly leftAt?: number | undefined;
  /** What its failing watches amount to, by the names of the incidents that they make. */
  readonly failing?: Readonly<Record<string, FailingShare>>;
  /** By the names of their holders. */
  readonly leases?: Readonly<Record<string, Lease>>;
}

/** Watches from a place on, as far as the next stretch. */
export interface Stretch {
  readonly from: number;
  /** The last tick at which all that was due of them was polled, or left to the poll under way; undefined: none yet. */
  readonly to?: number | undefined;
}

/** The right to poll watches of a shard, for one holder at a time. */
export interface Lease {
  readonly since: number;
  /** Its deadline: the holder polls no more after it. */
  readonly until: number;
  /** Requests that its holder may have under way at the same time. */
  readonly slots: number;
  /** Keys of the watches; undefined: all that are in no other lease. */
  readonly watches?: readonly string[];
}

/** How far a shard was polled. */
export type ShardProgress = Required<Pick<ShardRow, 'shards' | 'polled' | 'failing'>> & Pick<ShardRow, 'leftAt'>;

/** For how long a lease is asked. */
export type Term = Pick<Lease, 'since' | 'until'>;

/** Milliseconds that a poll takes at most, even if its function crashes: several times the function's time limit. */
export const longestPoll = 600_000;

/** The most stretches that are written down, and the most watches of a lease: the row stays at some KB, whatever it is of. */
const mostStretches = 64;
const mostWatches = 100;

/** The last tick of a place, if it can be right: none is polled before its time. */
export function lastTick({ polled = [] }: ShardRow, place: number, now: number): number | undefined {
  const to = polled.findLast(({ from }) => from <= place)?.to;
  return to !== undefined && hasBeen(to, now) ? to : undefined;
}

/** The row of a shard for a number of shards. When that has changed, its watches were in others: each is listed in full once. */
export const rowFor = ({ failing, polled, ...row }: ShardRow, shards: number): ShardRow =>
  row.shards === shards ? { ...row, ...(failing && { failing }), ...(polled && { polled }) } : { ...row, shards };

/** The last tick of what has not been polled yet. */
export const never = Number.NEGATIVE_INFINITY;

/** Where a watch is, and between which times its last tick may be said to be: `newest` is what it is, or later if it was not due. */
export interface Mark {
  readonly place: number;
  readonly oldest: number;
  readonly newest: number;
}

/**
 * How far watches are polled, in as few stretches as that takes. What a tick had no time for keeps its last tick, so that it
 * is due at the next one with all that was due in between; what was not due goes with its neighbours where it may.
 *
 * @param marks of all watches of a shard, in the order of their places
 * @param to Unix time in milliseconds of the latest tick, where there is no watch
 */
export function stretchesOf(marks: readonly Mark[], to: number): Stretch[] {
  const parts: Mark[] = [];
  for (const mark of byPlace(marks)) {
    const both = joined(parts.at(-1) ?? mark, mark);
    if (parts.length > 0 && both.oldest <= both.newest) parts.splice(-1, 1, both);
    else parts.push(mark);
  }
  if (parts.length === 0) return [{ from: 0, to }];
  return bounded(parts).map(({ place, newest }, at) => ({
    from: at === 0 ? 0 : place,
    ...(newest !== never && { to: newest }),
  }));
}

/** One mark for each place. Of a mailbox's two directions, one is polled once more than it need if the other is left over. */
const byPlace = (marks: readonly Mark[]): Mark[] =>
  [...Map.groupBy(marks, ({ place }) => place).values()].map((same) =>
    same.reduce((a, b) => {
      const both = joined(a, b);
      return { ...both, oldest: Math.min(both.oldest, both.newest) };
    }),
  );

/** The times that both may have; none if they end before they begin. */
const joined = (a: Mark, b: Mark): Mark => ({
  place: a.place,
  oldest: Math.max(a.oldest, b.oldest),
  newest: Math.min(a.newest, b.newest),
});

/** Joins neighbours while there are too many: some watches are polled once more then, and none is left out. */
function bounded(parts: readonly Mark[]): readonly Mark[] {
  if (parts.length <= mostStretches) return parts;
  const pairs = parts.flatMap((part, at) => (at % 2 === 0 ? [joined(part, parts[at + 1] ?? part)] : []));
  return bounded(pairs);
}

/** The leases that hold. One that a clock that was ahead has given holds no longer. */
export const liveLeases = ({ leases = {} }: ShardRow, now: number): [name: string, lease: Lease][] =>
  Object.entries(leases).filter(
    ([, { since, until }]) => until > now && hasBeen(since, now) && believable(until, now, longestPoll) !== undefined,
  );

/** Keys of the watches whose holders have died: their leases have ended, and were not given back. */
export const abandonedWatches = (row: ShardRow, now: number): ReadonlySet<string> => {
  const live = new Map(liveLeases(row, now));
  return new Set(
    Object.entries(row.leases ?? {}).flatMap(([name, { watches = [] }]) => (live.has(name) ? [] : watches)),
  );
};

/** Keys of the watches that are being polled by holders who leave the others to the next tick. */
export const busyWatches = (row: ShardRow, now: number): ReadonlySet<string> =>
  new Set(liveLeases(row, now).flatMap(([, { watches = [] }]) => watches));

/**
 * Takes all watches that are in no other lease, with all slots that are left; or one watch, with half of these, so that a
 * tick can poll the others meanwhile.
 *
 * @param all requests that may be under way at the same time for the whole shard
 * @returns undefined while another holder has them
 */
export function takeLease(row: ShardRow, name: string, all: number, term: Term, watch?: string): ShardRow | undefined {
  const leases = liveLeases(row, term.since);
  const left = leases.reduce((slots, [, lease]) => slots - lease.slots, all);
  // A single slot of several is left to ticks, however many watches are asked for.
  const slots = watch === undefined || all === 1 ? left : Math.floor(left / 2);
  const isTaken = leases.some(([, { watches }]) => !watches || (watch !== undefined && watches.includes(watch)));
  if (slots < 1 || isTaken) return undefined;
  const lease = { ...term, slots, ...(watch !== undefined && { watches: [watch] }) };
  return { ...row, leases: { ...Object.fromEntries(leases), [name]: lease } };
}

/**
 * Leaves the shard to others but for some watches, whose polls go on in at most half of the slots; undefined when there
 * are no slots to divide, too many watches to name, or the lease holds no longer.
 */
export function narrowLease(
  row: ShardRow,
  name: string,
  watches: readonly string[],
  progress: ShardProgress,
): ShardRow | undefined {
  const lease = row.leases?.[name];
  // Written already, by a request whose answer was lost.
  if (lease?.watches) return row;
  const slots = Math.min(watches.length, Math.floor((lease?.slots ?? 0) / 2));
  if (!lease || slots < 1 || watches.length > mostWatches) return undefined;
  return { ...row, ...progress, leases: { ...row.leases, [name]: { ...lease, slots, watches } } };
}

/** Gives a lease back, with what progress there is; undefined when it holds no longer. */
export function endLease(row: ShardRow, name: string, progress: ShardProgress | undefined): ShardRow | undefined {
  const { [name]: lease, ...leases } = row.leases ?? {};
  return lease && { ...row, ...progress, leases };
}

import { believable, hasBeen } from '../instants.ts';
import type { FailingShare } from './incident-share.ts';

/** What is written down of a shard. All instants are Unix times in milliseconds. */
export interface ShardRow {
  /** Counts its changes. */
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
  /** From then on its holder polls no more, come what may. */
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

/** Milliseconds that a poll takes at most, whatever becomes of its function: several times the function's time limit. */
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

/** Where a watch is, and between which times its last tick may be said to be: `newest` is what it is, or later if it was not due. */
export interface Mark {
  readonly place: number;
  /** Undefined: it has not been polled yet. */
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
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
    const joint = parts.length > 0 ? bothOf(parts.at(-1)!, mark) : undefined;
    if (joint) parts.splice(-1, 1, joint);
    else parts.push(mark);
  }
  const [first = { newest: to }, ...others] = parts;
  return bounded([{ from: 0, to: first.newest }, ...others.map(({ place, newest }) => ({ from: place, to: newest }))]);
}

/** One mark for each place. Of a mailbox's two directions, one is polled once more than it need if the other is left over. */
function byPlace(marks: readonly Mark[]): Mark[] {
  return [...Map.groupBy(marks, ({ place }) => place).values()].map((same) =>
    same.reduce((a, b) => {
      const newest = older(a.newest, b.newest);
      return bothOf(a, b) ?? { place: a.place, oldest: newest, newest };
    }),
  );
}

/** One mark for two, if there is a time that both may have. */
function bothOf(a: Mark, b: Mark): Mark | undefined {
  const oldest =
    a.oldest === undefined || b.oldest === undefined ? (a.oldest ?? b.oldest) : Math.max(a.oldest, b.oldest);
  const newest = older(a.newest, b.newest);
  const isPossible = oldest === undefined || (newest !== undefined && newest >= oldest);
  return isPossible ? { place: a.place, oldest, newest } : undefined;
}

/** Joins neighbours while there are too many: some watches are polled once more then, and none is left out. */
function bounded(stretches: readonly Stretch[]): Stretch[] {
  if (stretches.length <= mostStretches) return [...stretches];
  return bounded(
    stretches.flatMap(({ from, to }, at) => {
      if (at % 2 === 1) return [];
      const next = stretches[at + 1];
      return [{ from, to: next ? older(to, next.to) : to }];
    }),
  );
}

const older = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : Math.min(a, b);

/** The leases that hold. One that a clock that was ahead has given holds no longer. */
export const liveLeases = ({ leases = {} }: ShardRow, now: number): [name: string, lease: Lease][] =>
  Object.entries(leases).filter(
    ([, { since, until }]) => until > now && hasBeen(since, now) && believable(until, now, longestPoll) !== undefined,
  );

/** Keys of the watches that are being polled by holders who leave the others to the next tick. */
export const busyWatches = (row: ShardRow, now: number): ReadonlySet<string> =>
  new Set(liveLeases(row, now).flatMap(([, { watches = [] }]) => watches));

/** Requests that may be under way beside those of the leases that hold. */
const slotsLeft = (leases: readonly [string, Lease][], all: number): number =>
  leases.reduce((left, [, { slots }]) => left - slots, all);

/**
 * Takes all watches that are in no other lease, with all slots that are left.
 *
 * @param all requests that may be under way at the same time for the whole shard
 * @returns undefined while another holder has them
 */
export function takeShard(row: ShardRow, name: string, all: number, term: Term): ShardRow | undefined {
  const leases = liveLeases(row, term.since);
  const slots = slotsLeft(leases, all);
  if (slots < 1 || leases.some(([, { watches }]) => watches === undefined)) return undefined;
  return { ...row, leases: { ...Object.fromEntries(leases), [name]: { ...term, slots } } };
}

/**
 * Takes one watch, with half of the slots that are left, so that a tick can poll the others meanwhile.
 *
 * @returns undefined while another holder has it
 */
export function takeWatch(row: ShardRow, name: string, watch: string, all: number, term: Term): ShardRow | undefined {
  const leases = liveLeases(row, term.since);
  const left = slotsLeft(leases, all);
  const isTaken = leases.some(([, { watches }]) => watches === undefined || watches.includes(watch));
  // A single slot of several is left to ticks, however many watches are asked for.
  const slots = all === 1 ? left : Math.floor(left / 2);
  if (slots < 1 || isTaken) return undefined;
  return { ...row, leases: { ...Object.fromEntries(leases), [name]: { ...term, slots, watches: [watch] } } };
}

/**
 * Leaves the shard to others but for some watches, whose polls go on in at most half of the slots.
 *
 * @returns undefined when there are no slots to divide, too many watches to name, or the lease holds no longer
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

/**
 * Gives a lease back.
 *
 * @param progress undefined when there is none
 * @returns undefined when the lease holds no longer
 */
export function endLease(row: ShardRow, name: string, progress: ShardProgress | undefined): ShardRow | undefined {
  const { [name]: lease, ...leases } = row.leases ?? {};
  return lease && { ...row, ...progress, leases };
}

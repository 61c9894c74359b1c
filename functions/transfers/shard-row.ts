import { believable, hasBeen } from '../instants.ts';
import type { Scope } from './cryptshare.ts';

/** What is written down of a shard. All instants are Unix times in milliseconds. */
export interface ShardRow {
  /** Counts its changes. */
  readonly rev: number;
  /** The last tick whose polls are all done, under way, or left over. */
  readonly polledTo?: number;
  /** Polls that no time was left for: what is to be listed, by the keys of the watches. */
  readonly leftOver?: Readonly<Record<string, Scope>>;
  /** By the names of their holders. */
  readonly leases?: Readonly<Record<string, Lease>>;
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
export type ShardProgress = Required<Pick<ShardRow, 'polledTo' | 'leftOver'>>;

/** For how long a lease is asked. */
export type Term = Pick<Lease, 'since' | 'until'>;

/** Milliseconds that a poll takes at most, whatever becomes of its function: several times the function's time limit. */
export const longestPoll = 600_000;

/** The last tick, if it can be right: none is polled before its time. */
export const lastTick = ({ polledTo }: ShardRow, now: number): number | undefined =>
  polledTo !== undefined && hasBeen(polledTo, now) ? polledTo : undefined;

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
 * @returns undefined when there are no slots to divide, or the lease holds no longer
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
  if (!lease || slots < 1) return undefined;
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

import pLimit from 'p-limit';
import type { CryptshareClient } from './cryptshare.ts';
import {
  type DiffContext,
  isGone,
  missed,
  passesUntilUnlisted,
  type RowChange,
  seen,
  type TransferRow,
  unlisted,
} from './diff.ts';
import { CryptshareFailure } from './failure.ts';

/** More than one transfer and more than this share of a snapshot, or all of it, is not believed to be gone at once. */
const suddenShare = 0.2;

/** Milliseconds, and complete listings, that a sudden absence has to last before it is believed. */
const holdDuration = 86_400_000;
const holdListings = 10;

/** Transfers asked about one by one in one poll; the others wait for the next. */
const maxStatusRequests = 100;

/** What a poll makes of the transfers that a complete listing lacks. */
export interface Absences {
  readonly changes: readonly RowChange[];
  /** Why the server could not confirm an absence. */
  readonly failure: CryptshareFailure | undefined;
}

/** A sudden absence, from which nothing is concluded before it has lasted. */
export interface Hold {
  /** Unix time in milliseconds of the first complete listing that showed it. */
  readonly since: number;
  /** Complete listings in a row that have shown it. */
  readonly listings: number;
  /** The fewest transfers that one of them lacked. */
  readonly missing: number;
}

/**
 * What a complete listing makes of a hold. A mailbox is small or large, and its server's database, directory or gateway
 * empties either: a sudden absence is held whatever its size. More transfers that vanish suddenly begin the hold anew, and
 * so does a clock that says that it has not begun yet.
 *
 * @param missing transfers of the snapshot that the listing lacks
 * @param count transfers that the snapshot has
 * @param at Unix time in milliseconds
 * @returns undefined when the listing lacks too little to be sudden
 */
export function nextHold(hold: Hold | undefined, missing: number, count: number, at: number): Hold | undefined {
  if (!isSudden(missing, count)) return undefined;
  const isAnew = !hold || hold.since > at || isSudden(missing - hold.missing, count - hold.missing);
  if (isAnew) return { since: at, listings: 1, missing };
  return { since: hold.since, listings: hold.listings + 1, missing: Math.min(missing, hold.missing) };
}

/** Whether a sudden absence has lasted, so that its transfers are judged as single ones are. */
export const hasLasted = ({ since, listings }: Hold, at: number): boolean =>
  listings >= holdListings && at - since >= holdDuration;

const isSudden = (missing: number, count: number): boolean =>
  missing > 0 && (missing >= count || (missing > 1 && missing > suddenShare * count));

/**
 * Counts the passes that missed a transfer. One that three complete listings in a row lacked, and of which the server
 * knows nothing when asked by its tracking id, is unlisted. Only a sender may ask; a received transfer is unlisted by
 * the count alone.
 *
 * @param stopAt instant of the steady clock after which no request is sent
 */
export async function judgeAbsences(
  server: CryptshareClient,
  missing: readonly TransferRow[],
  context: DiffContext,
  stopAt: number,
): Promise<Absences> {
  const { mailbox, direction } = context.watch;
  let failure: CryptshareFailure | undefined;
  const judge = async (row: TransferRow): Promise<RowChange | undefined> => {
    if (direction === 'received') return unlisted(row, context);
    try {
      if (failure) return counted(row, context);
      const status = await server.status(mailbox, row.trackingId, stopAt);
      if (!status.listed) return unlisted(row, context);
      return seen(row, row.trackingId, status.state, { ...context, source: 'status' });
    } catch (error) {
      if (!(error instanceof CryptshareFailure)) throw error;
      failure = error;
      return counted(row, context);
    }
  };
  const gone = missing.filter(isGone);
  const waiting = missing.filter((row) => !isGone(row));
  const judged = await pLimit(4).map(gone.slice(0, maxStatusRequests), judge);
  const postponed = gone.slice(maxStatusRequests);
  const changes = [...judged, ...[...waiting, ...postponed].map((row) => counted(row, context))];
  return { changes: changes.filter((change) => change !== undefined), failure };
}

const counted = (row: TransferRow, context: DiffContext): RowChange | undefined =>
  row.missedPasses === passesUntilUnlisted ? undefined : missed(row, context);

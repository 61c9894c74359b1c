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

/** Absences above both of these at once are held: rather a fault of the server than so many transfers gone. */
const heldAbove = { transfers: 20, share: 0.2 };

/** Transfers asked about one by one in one poll; the others wait for the next. */
const maxStatusRequests = 100;

/** What a poll makes of the transfers that a complete listing lacks. */
export interface Absences {
  readonly changes: readonly RowChange[];
  /** Why the server could not confirm an absence. */
  readonly failure: CryptshareFailure | undefined;
}

/** Whether so many transfers of a snapshot vanished at once that no conclusion is drawn. */
export const isSuspicious = (missing: number, count: number): boolean =>
  missing > heldAbove.transfers && missing > heldAbove.share * count;

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
      return status.listed ? seen(row, row.trackingId, status.state, context) : unlisted(row, context);
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

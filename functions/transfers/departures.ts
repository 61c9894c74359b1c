import pLimit from 'p-limit';
import type { CryptshareClient } from './cryptshare.ts';
import { type DiffContext, isListed, type RowChange, seen, type TransferRow } from './diff.ts';
import { CryptshareFailure } from './failure.ts';
import { isActive, type State } from './transfer.ts';

/** Transfers asked about one by one in one poll; a full listing tells of the others. */
const maxStatusRequests = 100;

/** What a poll makes of the transfers that have left the active ones. */
export interface Departures {
  readonly changes: readonly RowChange[];
  /** Those of which nobody has said what has become of them: for a full listing to find out. */
  readonly unclear: readonly TransferRow[];
  /** Why the server could not be asked. */
  readonly failure: CryptshareFailure | undefined;
}

/** The transfers that the snapshot has as active and that an active pass lacks. */
export const departed = (
  rows: ReadonlyMap<string, TransferRow>,
  listed: ReadonlyMap<string, State>,
): readonly TransferRow[] =>
  [...rows.values()].filter((row) => isListed(row) && isActive(row.state) && !listed.has(row.trackingId));

/**
 * Asks the server what has become of transfers that an active pass lacks: it may have passed one over while pages shifted,
 * and what its filter lets through is not documented in full. Only a state that it names is a change; a transfer that it
 * still calls active, or does not know, is left to a full listing.
 *
 * @param stopAt instant of the steady clock after which no request is sent
 */
export async function confirmDepartures(
  server: CryptshareClient,
  missing: readonly TransferRow[],
  context: DiffContext,
  stopAt: number,
): Promise<Departures> {
  let failure: CryptshareFailure | undefined;
  const changeOf = async (row: TransferRow): Promise<RowChange | undefined> => {
    if (failure) return undefined;
    try {
      const status = await server.status(context.watch.mailbox, row.trackingId, stopAt);
      return status.listed ? seen(row, row.trackingId, status.state, context) : undefined;
    } catch (error) {
      if (!(error instanceof CryptshareFailure)) throw error;
      failure = error;
      return undefined;
    }
  };
  const changes = await pLimit(4).map(missing.slice(0, maxStatusRequests), changeOf);
  return {
    changes: changes.filter((change) => change !== undefined),
    unclear: missing.filter((_, at) => changes[at] === undefined),
    failure,
  };
}

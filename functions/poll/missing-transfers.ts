import pLimit from 'p-limit';
import type { Deadline } from '#functions/clock/instants.ts';
import type { CryptshareClient } from '#functions/cryptshare/client.ts';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import {
  type DiffContext,
  isGone,
  isListed,
  missed,
  passesUntilUnlisted,
  type RowChange,
  seen,
  type TransferRow,
  unlisted,
} from '#functions/snapshot/diff.ts';
import type { Clocks, SuddenAbsence } from '#functions/snapshot/snapshot-rows.ts';
import { isActive, type State } from '#functions/transfers/transfer.ts';

/** More than one transfer and more than this share of a snapshot, or all of it, is not believed to be gone at once. */
const suddenShare = 0.2;

/** Milliseconds, and complete listings, that a sudden absence has to last before it is believed. */
const holdDuration = 86_400_000;
const holdListings = 10;

/** Transfers asked about one by one in one poll; the others wait for the next, or for a full listing. */
const maxStatusRequests = 100;

/** What a poll makes of transfers that a listing lacks. */
export interface Conclusion {
  readonly changes: readonly RowChange[];
  /** Those that nothing is known of: for a full listing to find out. */
  readonly unclear: readonly TransferRow[];
  /** Why the server could not be asked. */
  readonly failure: CryptshareFailure | undefined;
}

/**
 * What a complete listing makes of a hold. A mailbox is small or large, and its server's database, directory or gateway
 * empties either: a sudden absence is held whatever its size. More transfers that vanish suddenly begin the hold anew, and
 * so does a clock that says that it has not begun yet.
 *
 * @param missing transfers of the snapshot that the listing lacks
 * @param count transfers that the snapshot has
 * @returns undefined when the listing lacks too little to be sudden
 */
export function nextHold(
  hold: SuddenAbsence | undefined,
  missing: number,
  count: number,
  at: Clocks,
): SuddenAbsence | undefined {
  if (!isSudden(missing, count)) return undefined;
  const isAnew = !hold || lasting(hold, at) < 0 || isSudden(missing - hold.missing, count - hold.missing);
  if (isAnew) return { since: at, listings: 1, missing };
  return { since: hold.since, listings: hold.listings + 1, missing: Math.min(missing, hold.missing) };
}

/** Whether a sudden absence has lasted, so that its transfers are judged as single ones are. */
export const hasLasted = (hold: SuddenAbsence, at: Clocks): boolean =>
  hold.listings >= holdListings && lasting(hold, at) >= holdDuration;

/** Milliseconds for which it has lasted, by the clock that says less. */
const lasting = ({ since }: SuddenAbsence, at: Clocks): number =>
  Math.min(at.here - since.here, at.server - since.server);

const isSudden = (missing: number, count: number): boolean =>
  missing > 0 && (missing >= count || (missing > 1 && missing > suddenShare * count));

/**
 * Counts the passes that missed a transfer. One that three complete listings in a row lacked, and of which the server
 * knows nothing when asked by its tracking id until `deadline` (steady clock), is unlisted. Only a sender may ask; a
 * received transfer is unlisted by the count alone.
 */
export async function confirmMissing(
  server: CryptshareClient,
  missing: readonly TransferRow[],
  context: DiffContext,
  deadline: Deadline,
): Promise<Conclusion> {
  const gone = missing.filter(isGone).slice(0, maxStatusRequests);
  const isSender = context.watch.direction === 'sent';
  const { states, failure } = isSender
    ? await askAfter(server, gone, context, deadline)
    : { states: new Map(gone.map((row) => [row, undefined])), failure: undefined };
  const changes = missing.map((row) => {
    if (!states.has(row)) return row.missedPasses === passesUntilUnlisted ? undefined : missed(row, context);
    const state = states.get(row);
    return state === undefined ? unlisted(row, context) : asked(row, state, context);
  });
  return { changes: changes.filter((change) => change !== undefined), unclear: [], failure };
}

/** The transfers that the snapshot has as active and that an active pass lacks. */
export const departed = (
  rows: ReadonlyMap<string, TransferRow>,
  listed: ReadonlyMap<string, State>,
): readonly TransferRow[] =>
  [...rows.values()].filter((row) => isListed(row) && isActive(row.state) && !listed.has(row.trackingId));

/**
 * Asks the server, until `deadline` (steady clock), for the states of transfers that an active pass lacks: it may have
 * passed one over while pages shifted, and what its filter lets through is not documented in full. Only a state that it
 * names is a change; a transfer that it still calls active, or does not know, is left to a full listing.
 */
export async function confirmDeparted(
  server: CryptshareClient,
  missing: readonly TransferRow[],
  context: DiffContext,
  deadline: Deadline,
): Promise<Conclusion> {
  const { states, failure } = await askAfter(server, missing.slice(0, maxStatusRequests), context, deadline);
  const changes = new Map(missing.map((row) => [row, asked(row, states.get(row), context)]));
  return {
    changes: [...changes.values()].filter((change) => change !== undefined),
    unclear: missing.filter((row) => !changes.get(row)),
    failure,
  };
}

/** The states of transfers, undefined where the server knows none. Once it fails, nothing is known of the others. */
async function askAfter(
  server: CryptshareClient,
  rows: readonly TransferRow[],
  { watch }: DiffContext,
  deadline: Deadline,
) {
  const states = new Map<TransferRow, State | undefined>();
  let failure: CryptshareFailure | undefined;
  await pLimit(4).map(rows, async (row) => {
    if (failure) return;
    try {
      states.set(row, await server.status(watch.mailbox, row.trackingId, deadline));
    } catch (error) {
      if (!(error instanceof CryptshareFailure)) throw error;
      failure = error;
    }
  });
  return { states, failure };
}

const asked = (row: TransferRow, state: State | undefined, context: DiffContext): RowChange | undefined =>
  state === undefined ? undefined : seen(row, row.trackingId, state, { ...context, source: 'status' });

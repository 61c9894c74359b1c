import { type Change, eventBody, transferEvent } from './event.ts';
import { type State, sameState, type Watch } from './transfer.ts';

/** What was last published about one transfer: its row in the snapshot. */
export interface TransferRow {
  readonly trackingId: string;
  readonly state: State;
  /** Of the last event; 0 when none was published because the transfer was there before the baseline. */
  readonly sequence: number;
  /** ISO 8601. */
  readonly firstSeenAt: string;
  /** ISO 8601 time of the last change of this row. */
  readonly observedAt: string;
  /** The claim under which this row was written; fences off an older poll. */
  readonly rev: number;
  /** Bodies of events that are not known to be published. */
  readonly pending?: readonly string[];
  /** How many complete listings in a row lacked the transfer. */
  readonly missedPasses?: number;
  /** The server lists the transfer no more. */
  readonly isUnlisted?: boolean;
  /** Unix time in seconds at which the row may be deleted; set once it is announced that it is unlisted. */
  readonly expiresAt?: number;
}

/** A row to write in place of another, with the event that the difference is worth, if any. */
export interface RowChange {
  readonly before: TransferRow | undefined;
  readonly after: TransferRow;
}

/** After so many complete listings without it a transfer counts as gone. */
export const passesUntilUnlisted = 3;

/** Days for which the row of an unlisted transfer is kept, so that its return is no news. */
const unlistedRetentionDays = 30;

/** Everything a difference depends on besides the row and the listed state. */
export interface DiffContext {
  /** Origin of the server, part of every event's id. */
  readonly server: string;
  readonly watch: Watch;
  readonly rev: number;
  /** ISO 8601. */
  readonly observedAt: string;
  /** A baseline is stored without a word. */
  readonly silent: boolean;
}

/** How a listing differs from the snapshot. */
export interface Difference {
  /** What to write for the transfers that the listing has. */
  readonly changes: readonly RowChange[];
  /** Listed transfers of the snapshot that the listing lacks; what that means is for the poll to say. */
  readonly missing: readonly TransferRow[];
}

/**
 * Compares rows of the snapshot with the listed transfers of the same buckets.
 *
 * @param rows by tracking id
 * @param listed states by tracking id
 */
export function diff(
  rows: ReadonlyMap<string, TransferRow>,
  listed: ReadonlyMap<string, State>,
  context: DiffContext,
): Difference {
  const changes: RowChange[] = [];
  for (const [trackingId, state] of listed) {
    const change = seen(rows.get(trackingId), trackingId, state, context);
    if (change) changes.push(change);
  }
  const missing = [...rows.values()].filter((row) => isListed(row) && !listed.has(row.trackingId));
  return { changes, missing };
}

/**
 * The new row of a transfer that the server has in `state`.
 *
 * @returns undefined when row and server agree
 */
export function seen(
  row: TransferRow | undefined,
  trackingId: string,
  state: State,
  context: DiffContext,
): RowChange | undefined {
  if (!row) {
    const { observedAt, rev } = context;
    const first = { trackingId, state, sequence: 0, firstSeenAt: observedAt, observedAt, rev };
    return { before: undefined, after: context.silent ? first : withEvent(first, null, false, context) };
  }
  const { missedPasses, isUnlisted, expiresAt, ...listed } = row;
  if (!sameState(row.state, state)) {
    const after = { ...listed, state, rev: context.rev, observedAt: context.observedAt };
    return { before: row, after: context.silent ? after : withEvent(after, row.state, false, context) };
  }
  // Back after a missed pass, or listed again after it was reported gone: the same fact is never told twice.
  if (missedPasses !== undefined || isUnlisted) {
    return { before: row, after: { ...listed, rev: context.rev } };
  }
  return undefined;
}

/** Whether a listed transfer of the snapshot, missing from this listing too, has been missing often enough. */
export const isGone = (row: TransferRow): boolean => (row.missedPasses ?? 0) + 1 >= passesUntilUnlisted;

/** The row of a transfer that one more complete listing lacked. */
export const missed = (row: TransferRow, { rev }: DiffContext): RowChange => ({
  before: row,
  after: { ...row, rev, missedPasses: Math.min((row.missedPasses ?? 0) + 1, passesUntilUnlisted) },
});

/** The row of a transfer that the server lists no more. */
export function unlisted(row: TransferRow, context: DiffContext): RowChange {
  const { missedPasses, ...rest } = row;
  const after = { ...rest, rev: context.rev, observedAt: context.observedAt, isUnlisted: true };
  if (context.silent) return { before: row, after: { ...after, expiresAt: expiryOf(after) } };
  return { before: row, after: withEvent(after, row.state, true, context) };
}

/** Whether the server listed the transfer when the row was last written. */
export const isListed = (row: TransferRow): boolean => !row.isUnlisted;

/** Unix time in seconds at which the row of an unlisted transfer may be deleted. */
export const expiryOf = ({ observedAt }: TransferRow): number =>
  Math.floor(Date.parse(observedAt) / 1000) + unlistedRetentionDays * 86_400;

function withEvent(
  row: TransferRow,
  previousState: State | null,
  isUnlisted: boolean,
  { server, watch, observedAt }: DiffContext,
): TransferRow {
  const { trackingId, state } = row;
  const sequence = row.sequence + 1;
  const change: Change = { trackingId, state, previousState, sequence, unlisted: isUnlisted };
  const body = eventBody(transferEvent(server, watch, change, observedAt));
  return { ...row, sequence, pending: [...(row.pending ?? []), body] };
}

import { type Change, eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { isFinal, type State, sameState, type Watch } from '#functions/transfers/transfer.ts';

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
  readonly isUnlisted?: boolean;
  /** Unix time in seconds at which the row may be deleted; set once it is announced that it is unlisted. */
  readonly expiresAt?: number;
  /** A return that is not believed yet: the state, and how many complete listings in a row have shown it. */
  readonly returning?: { readonly state: State; readonly listings: number };
  /** Returns that were believed, see {@link listingsToReturn}. */
  readonly returns?: number;
}

/** A row to write in place of another, with the event that the difference is worth, if any. */
export interface RowChange {
  readonly before: TransferRow | undefined;
  readonly after: TransferRow;
}

/** Complete listings without a transfer after which it counts as gone. */
export const passesUntilUnlisted = 3;

/** Days for which the row of an unlisted transfer is kept, so that its return is told as one. */
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
  readonly source: Source;
}

/** What a state was read from: a listing with pages missing, a complete one, or the Transfer Status endpoint. */
export type Source = 'partial' | 'listing' | 'status';

/**
 * Compares rows of the snapshot with the listed states of the same buckets, both by tracking id.
 *
 * @returns what to write for the transfers that the listing has, and the listed transfers of the snapshot that it lacks: what
 *   that means is for the poll to say
 */
export function diff(rows: ReadonlyMap<string, TransferRow>, listed: ReadonlyMap<string, State>, context: DiffContext) {
  const changes: RowChange[] = [];
  for (const [trackingId, state] of listed) {
    const change = seen(rows.get(trackingId), trackingId, state, context);
    if (change) changes.push(change);
  }
  const absent = [...rows.values()].filter(({ trackingId }) => !listed.has(trackingId));
  for (const row of context.source === 'listing' ? absent : []) {
    if (!isListed(row) && row.returning) changes.push(unreturned(row, context));
  }
  return { changes, missing: absent.filter(isListed) };
}

/** The new row of a transfer that the server has in `state`; undefined when row and server agree. */
export function seen(
  row: TransferRow | undefined,
  trackingId: string,
  state: State,
  context: DiffContext,
): RowChange | undefined {
  if (!row) {
    const { observedAt, rev } = context;
    const first = { trackingId, state, sequence: 0, firstSeenAt: observedAt, observedAt, rev };
    return { before: undefined, after: context.silent ? first : withEvent(first, null, context) };
  }
  if (!isListed(row) || (isFinal(row.state) && !sameState(row.state, state))) return returned(row, state, context);
  const { missedPasses, returning, ...listed } = row;
  if (!sameState(row.state, state)) return { before: row, after: inState(listed, state, context) };
  // Back after a missed pass, or still ended after a listing that had it otherwise: nothing of it was told.
  if (missedPasses !== undefined || returning) return { before: row, after: { ...listed, rev: context.rev } };
  return undefined;
}

/**
 * Complete listings in a row that have to show a return, out of a final state or into the list, before it is believed: 2,
 * and twice as many after each one, so that a server which cannot make up its mind is not echoed for ever.
 */
const listingsToReturn = ({ returns = 0 }: TransferRow): number => 2 ** (1 + Math.min(returns, 9));

/** The row of a transfer that has returned, or may have: the Transfer Status endpoint is believed at once. */
function returned(row: TransferRow, state: State, context: DiffContext): RowChange | undefined {
  const { source, rev, observedAt, silent } = context;
  if (source === 'partial') return undefined;
  const { missedPasses, returning, isUnlisted, expiresAt, ...listed } = row;
  const listings = returning && sameState(returning.state, state) ? returning.listings + 1 : 1;
  if (source === 'listing' && listings < listingsToReturn(row)) {
    const { missedPasses: _, ...waiting } = row;
    return { before: row, after: { ...waiting, rev, returning: { state, listings } } };
  }
  const back = { ...listed, rev, observedAt, returns: (row.returns ?? 0) + 1 };
  // What the baseline found gone without a word comes back without one.
  const isNews = isUnlisted && !silent && row.sequence > 0;
  const after = isNews ? withEvent(back, row.state, context, 'transfer.listed_again') : back;
  return { before: row, after: sameState(row.state, state) ? after : inState(after, state, context) };
}

/** The row of a transfer whose return was shown once, and not again. */
function unreturned(row: TransferRow, { rev }: DiffContext): RowChange {
  const { returning, ...rest } = row;
  return { before: row, after: { ...rest, rev } };
}

function inState(row: TransferRow, state: State, context: DiffContext): TransferRow {
  const after = { ...row, state, rev: context.rev, observedAt: context.observedAt };
  return context.silent ? after : withEvent(after, row.state, context);
}

/** Whether a listed transfer of the snapshot, missing from this listing too, has been missing often enough. */
export const isGone = (row: TransferRow): boolean => (row.missedPasses ?? 0) + 1 >= passesUntilUnlisted;

/** The row of a transfer that one more complete listing lacked. */
export function missed(row: TransferRow, context: DiffContext): RowChange {
  const missedPasses = Math.min((row.missedPasses ?? 0) + 1, passesUntilUnlisted);
  return { before: row, after: { ...unreturned(row, context).after, missedPasses } };
}

/** The change of a transfer that the server lists no more. */
export function unlisted(row: TransferRow, context: DiffContext): RowChange {
  const { missedPasses, returning, ...rest } = row;
  const after = { ...rest, rev: context.rev, observedAt: context.observedAt, isUnlisted: true };
  if (context.silent) return { before: row, after: { ...after, expiresAt: expiryOf(after) } };
  return { before: row, after: withEvent(after, row.state, context, 'transfer.unlisted') };
}

/** Whether the server listed the transfer when the row was last written. */
export const isListed = (row: TransferRow): boolean => !row.isUnlisted;

/** Unix time in seconds at which the row of an unlisted transfer may be deleted. */
export const expiryOf = ({ observedAt }: TransferRow): number =>
  Math.floor(Date.parse(observedAt) / 1000) + unlistedRetentionDays * 86_400;

function withEvent(
  row: TransferRow,
  previousState: State | null,
  { server, watch, observedAt }: DiffContext,
  news?: Change['news'],
): TransferRow {
  const { trackingId, state } = row;
  const sequence = row.sequence + 1;
  const change: Change = { trackingId, state, previousState, sequence, news };
  const body = eventBody(transferEvent(server, watch, change, observedAt));
  return { ...row, sequence, pending: [...(row.pending ?? []), body] };
}

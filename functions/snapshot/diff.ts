import { isDeepStrictEqual } from 'node:util';
import * as r from '#functions/dynamodb/row-reader.ts';
import { type Change, eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import type { Facts, FollowingWatch } from '#functions/transfers/follow.ts';
import { isActive, isFinal, type State, sameState } from '#functions/transfers/transfer.ts';
import { compareFacts, followedSchema, mostNews, noFacts } from './followed.ts';

/** Row of the snapshot: the last published state of one transfer. */
export const readTransfer = r.rowOf({
  state: r.text,
  /** Sequence of the last event; 0 when the baseline stored the transfer without an event. */
  sequence: r.number,
  /** ISO 8601. */
  firstSeenAt: r.text,
  /** ISO 8601 time of the last change of its state, or of its listing. */
  observedAt: r.text,
  /** Fencing token: the claim under which this row was written. */
  rev: r.number,
  /** Bodies of events that are not known to be published. */
  pending: r.optional(r.list(r.text)),
  /** Complete listings in a row that lacked the transfer. */
  missedPasses: r.optional(r.number),
  isUnlisted: r.optional(r.flag),
  /** Unix time in seconds, DynamoDB's TTL: the row may be deleted; set once the unlisting is announced. */
  expiresAt: r.optional(r.number),
  /** A return that is not believed yet: the state, and the complete listings in a row that have shown it. */
  returning: r.optional(r.object({ state: r.text, listings: r.number })),
  /** Returns that were believed, see {@link listingsToReturn}. */
  returns: r.optional(r.number),
  /** Facts of an active transfer, or of one to come, in a watch that follows some. */
  followed: r.optional(followedSchema),
});

export interface TransferRow extends ReturnType<typeof readTransfer> {
  readonly trackingId: string;
}

/** A row to write in place of another; an event about the difference is added to its `pending`. */
export interface RowChange {
  readonly before: TransferRow | undefined;
  readonly after: TransferRow;
}

/** Complete listings in a row without a transfer after which it is gone: rows shift between pages during a listing. */
export const passesUntilUnlisted = 3;

export interface DiffContext {
  /** Origin of the server, part of every event's id. */
  readonly server: string;
  readonly watch: FollowingWatch;
  readonly rev: number;
  /** ISO 8601. */
  readonly observedAt: string;
  /** True for a baseline that is stored without events. */
  readonly silent: boolean;
  /** Source of a state: a listing with missing pages, a complete one, or the Transfer Status endpoint. */
  readonly source: 'partial' | 'listing' | 'status';
  /** Facts of some of the transfers, by tracking id. */
  readonly facts?: ReadonlyMap<string, Facts>;
  /** Keyed hash of a recipient's id, which must not be stored. */
  readonly recipientKey?: (trackingId: string, id: string) => string;
}

/**
 * Compares rows and listed states of the same buckets, by tracking id. The poll judges what `missing` rows mean.
 *
 * @example a row that a complete listing lacks gives `{ changes: [], missing: [row] }`
 */
export function diff(rows: ReadonlyMap<string, TransferRow>, listed: ReadonlyMap<string, State>, context: DiffContext) {
  const changes: RowChange[] = [];
  for (const [trackingId, state] of listed) {
    const change = markSeen(rows.get(trackingId), trackingId, state, context);
    if (change) changes.push(change);
  }
  const absent = [...rows.values()].filter(({ trackingId }) => !listed.has(trackingId));
  for (const row of context.source === 'listing' ? absent : []) {
    if (!isListed(row) && row.returning) changes.push(forgetReturn(row, context));
    else if (!isListed(row) && row.followed && !context.watch.follow?.length)
      changes.push({ before: row, after: withFacts(row, context) });
  }
  return { changes, missing: absent.filter(isListed) };
}

/** Change of a transfer that the server has in `state`; undefined when row and server agree. */
export function markSeen(row: TransferRow | undefined, trackingId: string, state: State, context: DiffContext) {
  // The last fetches of a transfer that has ended come before its end.
  const counted = row && isFinal(state) && isActive(row.state) ? withFacts(row, context, true) : row;
  // One row holds some fetches alone. The next poll tells the others, and only then the end.
  if (counted && counted !== row && isWithheld(counted, context)) return { before: row, after: counted };
  if (row && isFinal(state) && (row.pending?.length ?? 0) > mostNews && isWithheld(row, context)) return undefined;
  const after = markState(counted, trackingId, state, context) ?? counted;
  const told = after && withFacts(after, context);
  return told && told !== row ? { before: row, after: told } : undefined;
}

const isWithheld = ({ trackingId, followed }: TransferRow, { facts }: DiffContext): boolean =>
  (facts?.get(trackingId)?.downloads?.downloadedBy ?? 0) > (followed?.downloads?.downloadedBy ?? 0);

function markState(row: TransferRow | undefined, trackingId: string, state: State, context: DiffContext) {
  if (!row) {
    const { observedAt, rev, silent, watch } = context;
    const first = { trackingId, state, sequence: 0, firstSeenAt: observedAt, observedAt, rev };
    // Facts of a transfer that was not active yet are news, even after a baseline.
    const isKnown = !watch.follow?.length || (silent && isActive(state));
    const begun = isKnown ? first : { ...first, followed: noFacts(watch) };
    return withEvent(begun, null, context);
  }
  if (!isListed(row) || (isFinal(row.state) && !sameState(row.state, state))) return judgeReturn(row, state, context);
  const { missedPasses, returning, ...listed } = row;
  if (!sameState(row.state, state)) {
    // Before it became active, nothing could be fetched: so all facts are news.
    const begins = isActive(state) && !isFinal(row.state) && context.watch.follow?.length;
    const begun = begins ? { ...listed, followed: { ...noFacts(context.watch), ...row.followed } } : listed;
    return inState(begun, state, context);
  }
  // Back after a missed pass, or still ended after one listing that denied it: subscribers heard of neither.
  if (missedPasses !== undefined || returning) return { ...listed, rev: context.rev };
  return undefined;
}

/** Row with the facts that the server tells of a transfer, and an event for each that is news. */
function withFacts(row: TransferRow, context: DiffContext, hasEnded = false): TransferRow {
  const { watch, facts, recipientKey, rev } = context;
  const { followed, ...rest } = row;
  if (!watch.follow?.length) return followed ? { ...rest, rev } : row;
  // Once a transfer has ended, nothing can be fetched any more. Should it return, no end is told twice.
  if (isFinal(row.state)) {
    const { told } = followed?.overdue ?? {};
    const left = told === undefined ? undefined : { overdue: { isOverdue: false, told } };
    return isDeepStrictEqual(left, followed) ? row : { ...rest, rev, ...(left && { followed: left }) };
  }
  const now = isListed(row) && isActive(row.state) ? facts?.get(row.trackingId) : undefined;
  if (!now || !recipientKey || (row.pending?.length ?? 0) > mostNews) return row;
  const counted = hasEnded ? { fetches: now.fetches, downloads: now.downloads } : now;
  const keyOf = (id: string) => recipientKey(row.trackingId, id);
  const { after: compared, news } = compareFacts(followed ?? {}, counted, watch, keyOf);
  const after = hasEnded ? { ...followed, ...compared } : compared;
  if (isDeepStrictEqual(after, followed)) return row;
  const tell = (told: TransferRow, details: Partial<Change>) => withEvent(told, row.state, context, details);
  return news.reduce(tell, { ...row, rev, followed: after });
}

/**
 * Complete listings in a row that must show a return, out of a final state or into the list. They are 2, doubled after
 * each return up to 1,024. Otherwise a server that keeps alternating would cause events for ever.
 */
const listingsToReturn = ({ returns = 0 }: TransferRow): number => 2 ** (1 + Math.min(returns, 9));

/** Row of a transfer that returns. The Transfer Status endpoint is believed at once. */
function judgeReturn(row: TransferRow, state: State, context: DiffContext): TransferRow | undefined {
  const { source, rev, observedAt } = context;
  if (source === 'partial') return undefined;
  const { missedPasses, returning, isUnlisted, expiresAt, ...listed } = row;
  const listings = returning && sameState(returning.state, state) ? returning.listings + 1 : 1;
  if (source === 'listing' && listings < listingsToReturn(row)) {
    const { missedPasses: _, ...waiting } = row;
    return { ...waiting, rev, returning: { state, listings } };
  }
  const back = { ...listed, rev, observedAt, returns: (row.returns ?? 0) + 1 };
  // A transfer that was unlisted without an event returns without one.
  const isNews = isUnlisted && row.sequence > 0;
  const after = isNews ? withEvent(back, row.state, context, { news: 'transfer.listed_again' }) : back;
  return sameState(row.state, state) ? after : inState(after, state, context);
}

/** Change of a transfer whose return did not show again. */
function forgetReturn(row: TransferRow, { rev }: DiffContext): RowChange {
  const { returning, ...rest } = row;
  return { before: row, after: { ...rest, rev } };
}

function inState(row: TransferRow, state: State, context: DiffContext): TransferRow {
  const after = { ...row, state, rev: context.rev, observedAt: context.observedAt };
  return withEvent(after, row.state, context);
}

/** True when a listed transfer of the snapshot, missing from this listing too, has been missing often enough. */
export const hasMissedEnough = (row: TransferRow): boolean => (row.missedPasses ?? 0) + 1 >= passesUntilUnlisted;

/**
 * Change of a transfer that one more complete listing lacked.
 *
 * @example countMiss(row, { ...context, rev: 2 }) // { before: row, after: { ...row, rev: 2, missedPasses: 1 } }
 */
export function countMiss(row: TransferRow, context: DiffContext): RowChange {
  const missedPasses = Math.min((row.missedPasses ?? 0) + 1, passesUntilUnlisted);
  return { before: row, after: { ...forgetReturn(row, context).after, missedPasses } };
}

/** Change of a transfer that the server no longer lists. */
export function markUnlisted(row: TransferRow, context: DiffContext): RowChange {
  const { missedPasses, returning, ...rest } = row;
  const after = { ...rest, rev: context.rev, observedAt: context.observedAt, isUnlisted: true };
  return { before: row, after: withEvent(after, row.state, context, { news: 'transfer.unlisted' }) };
}

export const isListed = (row: TransferRow): boolean => !row.isUnlisted;

/** Row with an event about its change, unless a baseline is stored in silence. */
function withEvent(
  row: TransferRow,
  previousState: State | null,
  { server, watch, observedAt, silent }: DiffContext,
  details: Partial<Change> = {},
): TransferRow {
  if (silent) return row;
  const { trackingId, state } = row;
  const sequence = row.sequence + 1;
  const change = { trackingId, state, previousState, sequence, ...details };
  const body = eventBody(transferEvent(server, watch, change, observedAt));
  return { ...row, sequence, pending: [...(row.pending ?? []), body] };
}

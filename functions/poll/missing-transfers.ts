import type { Pass } from '#functions/cryptshare/client.ts';
import type { DiffContext, RowChange, TransferRow } from '#functions/snapshot/diff.ts';
import * as diff from '#functions/snapshot/diff.ts';
import type { Clocks, Root, SuddenAbsence } from '#functions/snapshot/snapshot-rows.ts';
import { isActive, isFinal } from '#functions/transfers/transfer.ts';
import { problemOf, problemOfFailure } from '#functions/watches/watch-problem.ts';
import { askForEach, type Inquiry, type Status } from './facts.ts';

/** Share of a snapshot above which the absence of two or more transfers is sudden. The absence of all always is. */
const suddenShare = 0.2;

/** Milliseconds, and complete listings, for which a sudden absence must last before it is believed. */
const suspensionMs = 86_400_000;
const suspensionListings = 10;

/** Missing transfers judged by one poll: those of senders take a request each, as a listing of 10,000 does. */
const mostJudged = 100;

type Judgement = Omit<Inquiry, 'watch'> & { readonly context: DiffContext };

/**
 * Judges the transfers of the read buckets that the listing lacks, if it allows a conclusion. `unclear`: transfers
 * whose state the server did not confirm; the next full listing decides. `problem`: the failure that ended the status
 * requests, or the sudden absence.
 */
export async function concludeMissing(
  inquiry: Judgement,
  missing: readonly TransferRow[],
  { pass, root }: { readonly pass: Pass; readonly root: Root },
) {
  const nothing = { changes: [], unclear: [], problem: undefined, absence: root.absence };
  if (pass.failure) return nothing;
  if (pass.scope === 'active') {
    const left = missing.filter(({ state }) => isActive(state));
    return { ...nothing, ...(await confirmDeparted(inquiry, left)) };
  }
  if (pass.listing.malformed > 0) return nothing;
  const { server, context } = inquiry;
  const at = { here: Date.parse(context.observedAt), server: server.calls.serverTime().getTime() };
  const absence = nextAbsence(root.absence, missing.length, root.count, at);
  if (!absence || hasLasted(absence, at)) {
    return { ...nothing, ...(await confirmMissing(inquiry, missing)), absence };
  }
  // The server deletes ended transfers from its log in bulk, which is no problem.
  const isUsual = missing.length < root.count && missing.every(({ state }) => isFinal(state));
  const lack = { missing: missing.length, count: root.count };
  return { ...nothing, absence, problem: isUsual ? undefined : problemOf('absences_held', lack) };
}

/**
 * Suspends conclusions from a sudden absence, or counts it again after another complete listing. Returns undefined when
 * the listing lacks too little to be sudden. Small mailboxes are suspended, too: a fault of the server's database,
 * directory or gateway empties them. The suspension starts anew when more transfers vanish suddenly, and when the clock
 * says that it has not begun yet.
 *
 * @param missing transfers that the listing lacks, of `count` in the snapshot
 * @example nextAbsence(undefined, 30, 100, at) // { since: at, listings: 1, missing: 30 }
 */
export function nextAbsence(absence: SuddenAbsence | undefined, missing: number, count: number, at: Clocks) {
  if (!isSudden(missing, count)) return undefined;
  const isAnew = !absence || lasting(absence, at) < 0 || isSudden(missing - absence.missing, count - absence.missing);
  if (isAnew) return { since: at, listings: 1, missing };
  return { since: absence.since, listings: absence.listings + 1, missing: Math.min(missing, absence.missing) };
}

/** True when a sudden absence has lasted, so that its transfers are judged like single ones. */
export const hasLasted = (absence: SuddenAbsence, at: Clocks): boolean =>
  absence.listings >= suspensionListings && lasting(absence, at) >= suspensionMs;

/** Milliseconds for which it has lasted, by the clock that says less: a wrong clock neither ends nor prolongs it. */
const lasting = ({ since }: SuddenAbsence, at: Clocks) => Math.min(at.here - since.here, at.server - since.server);

const isSudden = (missing: number, count: number): boolean =>
  missing > 0 && (missing >= count || (missing > 1 && missing > suddenShare * count));

/**
 * Counts the passes that missed each transfer. A transfer is unlisted once three complete listings in a row lacked it.
 * The server must not know its tracking id either. Only senders may ask: received transfers go by the count alone.
 */
async function confirmMissing(inquiry: Judgement, missing: readonly TransferRow[]) {
  const { context } = inquiry;
  const gone = missing.filter(diff.hasMissedEnough).slice(0, mostJudged);
  const { answers, problem } =
    context.watch.direction === 'sent'
      ? await askAfter(inquiry, gone)
      : { answers: new Map(gone.map(({ trackingId }) => [trackingId, undefined])), problem: undefined };
  const changes = missing.map((row) => {
    const { trackingId, missedPasses } = row;
    if (!answers.has(trackingId))
      return missedPasses === diff.passesUntilUnlisted ? undefined : diff.countMiss(row, context);
    const answer = answers.get(trackingId);
    return answer === undefined ? diff.markUnlisted(row, context) : changeByAnswer(row, answer, context);
  });
  return { changes: changes.filter((change) => change !== undefined), problem };
}

/**
 * Asks the server for the states of transfers that an active pass lacks. Pages may have shifted, and the server's
 * filter is not documented in full. Only a state that the server names is a change. A transfer that the server still
 * calls active, or does not know, is left to a full listing.
 */
export async function confirmDeparted(inquiry: Judgement, missing: readonly TransferRow[]) {
  const { answers, problem } = await askAfter(inquiry, missing.slice(0, mostJudged));
  const changeOf = (row: TransferRow) => changeByAnswer(row, answers.get(row.trackingId), inquiry.context);
  const changes = missing.map(changeOf).filter((change) => change !== undefined);
  const clear = new Set(changes.map(({ before }) => before));
  return { changes, unclear: missing.filter((row) => !clear.has(row)), problem };
}

async function askAfter({ server, context, deadline }: Judgement, rows: readonly TransferRow[]) {
  const ids = rows.map(({ trackingId }) => trackingId);
  const { answers, failure } = await askForEach({ server, watch: context.watch, deadline }, ids);
  return { answers, problem: failure && problemOfFailure(failure) };
}

function changeByAnswer(row: TransferRow, answer: Status, context: DiffContext): RowChange | undefined {
  if (answer === undefined) return undefined;
  const { trackingId } = row;
  const facts = new Map(answer.facts && [[trackingId, answer.facts]]);
  return diff.markSeen(row, trackingId, answer.state, { ...context, source: 'status', facts });
}

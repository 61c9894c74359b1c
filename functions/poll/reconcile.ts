import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import type { CryptshareClient, Pass } from '#functions/cryptshare/client.ts';
import type { WatchProblem } from '#functions/events/transfer-event.ts';
import { announceTransfers } from '#functions/notices/announce.ts';
import type { Topics } from '#functions/notices/publish.ts';
import { type DiffContext, diff, isListed, type RowChange, type TransferRow } from '#functions/snapshot/diff.ts';
import type { ReadPlan } from '#functions/snapshot/read-plan.ts';
import { bucketOfTransfer, digestsAfter } from '#functions/snapshot/read-plan.ts';
import type { Claim, Snapshot } from '#functions/snapshot/snapshot.ts';
import type { Root, SuddenAbsence } from '#functions/snapshot/snapshot-rows.ts';
import { isFinal } from '#functions/transfers/transfer.ts';
import { problemOfAbsences, problemOfAws, problemOfFailure, problemOfTime } from '#functions/watches/watch-problem.ts';
import type { PollDependencies } from './dependencies.ts';
import { writeGraceMs } from './last-write.ts';
import {
  type Conclusion,
  confirmDeparted,
  confirmMissing,
  departed,
  hasLasted,
  nextHold,
} from './missing-transfers.ts';
import type { PollResult } from './poll-result.ts';

/** A watch's snapshot, and what has been listed since it was read. */
export interface ListedWatch {
  readonly snapshot: Snapshot;
  readonly root: Root;
  /** Unix time in milliseconds at which nothing of the snapshot had been read yet. */
  readonly readAt: number;
  /** The pass that counts, and what to plan because of it. */
  readonly pass: Pass;
  readonly plan: ReadPlan;
  /** Pages and requests of all passes. */
  readonly pages: number;
  readonly requests: number;
}

/** A poll that has claimed its snapshot. */
interface ClaimedPoll extends ListedWatch {
  readonly claim: Claim;
  readonly context: DiffContext;
  /** Unix time in milliseconds until which an earlier poll may still write, or undefined if it was over in time. */
  readonly suspectUntil: number | undefined;
  readonly deadline: Deadline;
  /** Unix time in milliseconds after which it writes nothing, as it has claimed. */
  readonly lastWrite: number;
}

/** What comparing a listing with the snapshot led to. */
export interface Reconciliation extends Pick<PollResult, 'changed' | 'published' | 'problem'> {
  /** False when another poll has claimed the snapshot meanwhile. */
  readonly isSettled: boolean;
  /** Every change of the visited buckets is committed, and no earlier poll can still undo one. */
  readonly isCommitted: boolean;
}

/**
 * Brings the visited buckets of a claimed snapshot up to the listing: commits each change together with its event,
 * announces what is pending, and only then settles.
 *
 * @throws the SDK's error when DynamoDB cannot be reached
 */
export async function reconcile(deps: PollDependencies, poll: ClaimedPoll): Promise<Reconciliation> {
  const { server, topics, now, steady } = deps;
  const { snapshot, root, pass, plan, claim, context, suspectUntil, deadline, lastWrite } = poll;
  const rows = await snapshot.readBuckets(plan.buckets, plan.bits);
  const listed = pass.listing.in(plan.buckets, plan.bits);
  const { changes, missing } = diff(rows, listed, context);
  const lack = await concludeMissing(server, pass.scope === 'all' ? missing : departed(rows, listed), poll);

  // Others believe the claim by their clocks: one that was set forward ends it, too.
  const isInTime = () => steady() < deadline && now().getTime() < lastWrite - writeGraceMs;
  const news = [...changes, ...lack.changes];
  const way = root.baselineAt === undefined ? storing(deps, poll, rows.size) : committing(snapshot);
  const commits = await commitAll(snapshot, news, way, isInTime);
  for (const { after } of commits.committed) rows.set(after.trackingId, after);

  const announcement = await announceAll(topics, poll, rows, isInTime);

  const isCommitted = commits.uncommitted.length === 0 && suspectUntil === undefined;
  const stillListed = missing.filter(({ trackingId }) => isListed(rows.get(trackingId)!)).length;
  const newlyListed = commits.committed.filter(({ before, after }) => isListed(after) && !(before && isListed(before)));
  const isWhole = pass.failure === undefined && pass.scope === 'all';
  const isSettled = await snapshot.settle(root, claim, {
    count: isWhole ? pass.listing.size + stillListed : root.count + newlyListed.length,
    active: pass.failure ? root.active : pass.listing.active,
    baselineAt: root.baselineAt ?? (isCommitted ? context.observedAt : undefined),
    baselineProgress: root.baselineAt || isCommitted ? undefined : { stored: rows.size, transfers: pass.listing.size },
    absence: lack.absence,
    ...bucketsLeft(poll, [...rows.values()], lack.unclear, { ...commits, endedAt: now().getTime() }),
    digests: digestsAfter(root, plan, rows.values()),
  });

  const error = commits.error ?? announcement.error;
  return {
    changed: commits.committed.filter(({ before, after }) => after.sequence > (before?.sequence ?? 0)).length,
    published: announcement.published,
    isSettled,
    isCommitted,
    problem: (error && problemOfAws(error)) ?? (isInTime() ? undefined : problemOfTime) ?? lack.problem,
  };
}

/** What follows from what a listing lacks. */
interface Lack extends Omit<Conclusion, 'failure'> {
  readonly problem: WatchProblem | undefined;
  /** The sudden absence that is not believed yet. */
  readonly absence: SuddenAbsence | undefined;
}

/** Judges the transfers that are missing, if the listing allows any conclusion. */
async function concludeMissing(
  server: CryptshareClient,
  missing: readonly TransferRow[],
  { pass, root, context, deadline }: ClaimedPoll,
): Promise<Lack> {
  const nothing = { changes: [], unclear: [], problem: undefined, absence: root.absence };
  if (pass.failure) return nothing;
  if (pass.scope === 'active') {
    const { failure, ...judged } = await confirmDeparted(server, missing, context, deadline);
    return { ...nothing, ...judged, problem: failure && problemOfFailure(failure) };
  }
  if (pass.listing.malformed > 0) return nothing;
  const at = { here: Date.parse(context.observedAt), server: server.calls.serverTime().getTime() };
  const absence = nextHold(root.absence, missing.length, root.count, at);
  if (absence && !hasLasted(absence, at)) {
    // A server deletes ended transfers from its log many at a time, which is no problem.
    const isUsual = missing.length < root.count && missing.every(({ state }) => isFinal(state));
    return { ...nothing, absence, problem: isUsual ? undefined : problemOfAbsences(missing.length, root.count) };
  }
  const { failure, ...judged } = await confirmMissing(server, missing, context, deadline);
  return { ...judged, problem: failure && problemOfFailure(failure), absence };
}

/**
 * The buckets that the next poll has to look at, too: where something is not committed or not announced or not clear,
 * where a transfer was missed and may come back or came back and may be missed, and where an earlier poll may still be
 * writing.
 */
function bucketsLeft(
  { root, plan, suspectUntil }: ClaimedPoll,
  rows: readonly TransferRow[],
  unclear: readonly TransferRow[],
  { uncommitted, error, endedAt }: { uncommitted: readonly TransferRow[]; error: Error | undefined; endedAt: number },
): Pick<Root, 'unsettled' | 'unsettledUntil'> {
  const suspects = root.bits === plan.bits ? root.unsettled : plan.buckets;
  const isOpen = ({ pending, missedPasses, returning }: TransferRow) => pending || missedPasses || returning;
  const open = [...uncommitted, ...unclear, ...rows.filter(isOpen)];
  return {
    unsettled: new Set([
      ...(suspectUntil === undefined ? [] : suspects),
      ...open.map(({ trackingId }) => bucketOfTransfer(trackingId, plan.bits)),
    ]),
    // A write that failed here may still be on its way there.
    unsettledUntil: Math.max(suspectUntil ?? 0, error ? endedAt + writeGraceMs : 0),
  };
}

interface Way {
  /** Changes that one call takes. */
  readonly atOnce: number;
  /** Returns whether they are written, all or none. */
  readonly write: (changes: readonly RowChange[]) => Promise<boolean>;
}

/** One by one, each under the condition that no other poll has written its row. */
const committing = (snapshot: Snapshot): Way => ({
  atOnce: 1,
  write: ([change]) => snapshot.commit(change!.before, change!.after),
});

/** Milliseconds between two words on how far a baseline is. */
const progressEvery = 5000;

/** Twenty-five at a time, over whatever stands there. */
function storing({ steady, supervision }: PollDependencies, poll: ClaimedPoll, before: number): Way {
  const { snapshot, claim, context, pass, deadline } = poll;
  let stored = before;
  let toldAt = steady();
  return {
    atOnce: 25,
    async write(changes) {
      await snapshot.store(
        changes.map(({ after }) => after),
        retryBudget(deadline, steady),
      );
      stored += changes.filter(({ before: row }) => !row).length;
      if (steady() - toldAt < progressEvery) return true;
      toldAt = steady();
      const progress = { stored, transfers: pass.listing.size };
      supervision?.storing?.(context.watch, progress);
      // A word that is not written down changes nothing of what is stored.
      await snapshot.noteProgress(claim, progress).catch(() => undefined);
      return true;
    },
  };
}

/** Commits the changes for as long as there is time; one call that fails stops no other. */
async function commitAll(snapshot: Snapshot, changes: readonly RowChange[], way: Way, isInTime: () => boolean) {
  const committed: RowChange[] = [];
  const uncommitted: TransferRow[] = [];
  let error: Error | undefined;
  const parts = Array.from({ length: Math.ceil(changes.length / way.atOnce) }, (_, at) =>
    changes.slice(at * way.atOnce, (at + 1) * way.atOnce),
  );
  await snapshot.each(parts, async (part) => {
    const isWritten = await Promise.resolve(isInTime() && way.write(part)).catch((cause: Error) => {
      error ??= cause;
      return false;
    });
    if (isWritten) committed.push(...part);
    else uncommitted.push(...part.map(({ after }) => after));
  });
  return { committed, uncommitted, error };
}

/** Rows announced and cleared at a time: as many as are cleared in the time that is kept back at the end of a poll. */
export const rowsPerAnnouncement = 1000;

/**
 * Announces what is pending and takes it off its rows, part by part for as long as there is time: what has been announced
 * is not announced again by the next poll. Each part has a notice of its own.
 *
 * @param rows by tracking id; those that are done are replaced
 */
async function announceAll(
  topics: Topics,
  { snapshot, context }: ClaimedPoll,
  rows: Map<string, TransferRow>,
  isInTime: () => boolean,
) {
  const waiting = [...rows.values()].filter(({ pending }) => pending);
  let published = 0;
  let error: Error | undefined;
  for (let at = 0; at < waiting.length && !error && isInTime(); at += rowsPerAnnouncement) {
    const part = await announceTransfers(topics, context.watch, waiting.slice(at, at + rowsPerAnnouncement));
    await snapshot.each(part.rows, async (row) => {
      const { pending, ...rest } = row;
      // What cannot be cleared stays pending and is announced once more by the next poll.
      if (await snapshot.clearPending(row).catch(() => false)) rows.set(row.trackingId, rest);
    });
    published += part.published;
    error = part.error;
  }
  return { published, error };
}

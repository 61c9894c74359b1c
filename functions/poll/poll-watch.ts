import pLimit from 'p-limit';
import { retryBudget } from '#functions/clock/backoff.ts';
import { type Deadline, plausibleUntil } from '#functions/clock/instants.ts';
import { batchesOf } from '#functions/dynamodb/batch.ts';
import { type EventsTopic, publishEvents } from '#functions/events/publish.ts';
import { type DiffContext, diff, isListed, type RowChange, type TransferRow } from '#functions/snapshot/diff.ts';
import { bucketOfTransfer, digestsAfter, transfersIn } from '#functions/snapshot/read-plan.ts';
import type { Snapshot } from '#functions/snapshot/snapshot.ts';
import type { Root } from '#functions/snapshot/snapshot-rows.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { longestPollMs } from '#functions/watches/shard-row.ts';
import { problemOf, problemOfAws, problemOfFailure, problemOfListing } from '#functions/watches/watch-problem.ts';
import type { PollDependencies } from './dependencies.ts';
import { factsOfEnded } from './facts.ts';
import { listWatch, type PollTerms } from './list-watch.ts';
import { concludeMissing } from './missing-transfers.ts';
import { failedPoll, type PollResult } from './poll-result.ts';
import { ReadRoom } from './read-room.ts';
import { lastWriteAt, writeGraceMs } from './shard-lease.ts';

/** Shared by all polls of this process. */
const rooms = new ReadRoom();

/** Baselines stored at the same time. With all of a new configuration at once, each would take as long as all. */
const baselines = pLimit(2);

/**
 * Polls one watch: lists its transfers, compares them with the snapshot, updates the snapshot, and announces every
 * change. After an interruption anywhere, the next poll publishes what was committed under the same ids, no more.
 * @throws the SDK's error when DynamoDB cannot be reached
 */
export async function pollWatch(deps: PollDependencies, watch: RegisteredWatch, terms: PollTerms): Promise<PollResult> {
  const snapshot = deps.snapshotOf(watch);
  // Take the time before reading the root. A poll that may write after it may have changed rows that were read.
  const readAt = deps.now().getTime();
  const root = await snapshot.readRoot();
  if (root.origin !== undefined && root.origin !== deps.origin) {
    const problem = problemOf('server_changed', { before: root.origin, now: deps.origin });
    return failedPoll(problem, snapshot.units);
  }
  const isFirst = root.baselineAt === undefined;
  // A poll that may still store a baseline has the snapshot to itself, because its writes carry no condition. So has a
  // tick that deletes the snapshot of a removed watch, even if the watch was added again.
  const busy = [root.deletedUntil, isFirst ? root.unsettledUntil : 0];
  if (busy.some((until) => until > readAt && plausibleUntil(until, readAt, longestPollMs) !== undefined)) {
    return { ...failedPoll(undefined, snapshot.units), outcome: 'superseded' };
  }
  const { pages, requests, lacksFacts, failure, ...listed } = await listWatch(deps, root, watch, terms);
  const { pass, plan } = listed;
  const transfers = pass.listing.size;
  const poll = { watch, snapshot, root, readAt, deadline: terms.deadline, ...listed };
  const compare = () => rooms.run(transfersIn(plan, Math.max(root.count, transfers)), () => reconcile(deps, poll));
  const listingProblem = problemOfListing(pass) ?? (failure && problemOfFailure(failure));
  const reached = await (isFirst ? baselines(compare) : compare()).finally(() => pass.listing.release());
  return {
    ...reached,
    scope: pass.scope,
    isComplete: pass.failure === undefined,
    ...{ pages, requests, transfers, lacksFacts, units: snapshot.units },
    problem: reached.problem ?? listingProblem,
  };
}

/** A watch's snapshot, and the listing made since it was read. */
interface ListedWatch extends Pick<Awaited<ReturnType<typeof listWatch>>, 'pass' | 'plan'> {
  readonly watch: RegisteredWatch;
  readonly snapshot: Snapshot;
  readonly root: Root;
  /** Unix time in milliseconds before the snapshot was read. */
  readonly readAt: number;
  readonly deadline: Deadline;
}

type ClaimedPoll = NonNullable<Awaited<ReturnType<typeof claimed>>>;

type Reconciliation = Pick<PollResult, 'outcome' | 'changed' | 'published' | 'problem'>;

const nothingReached = { changed: 0, published: 0, problem: undefined };

/** Claims a snapshot, commits each change with its event, announces pending events, and only then settles. */
async function reconcile(deps: PollDependencies, listed: ListedWatch): Promise<Reconciliation> {
  const { server, topic, now, steady } = deps;
  const { watch, snapshot, root, pass, plan, deadline } = listed;
  const isComplete = pass.failure === undefined;
  // The listing that ends a sudden absence has everything again, so its plan is empty.
  const mayEndAbsence = root.absence !== undefined && isComplete;
  if (plan.buckets.size === 0 && !mayEndAbsence) {
    return { ...nothingReached, outcome: isComplete ? 'unchanged' : 'failed' };
  }
  const lastWrite = lastWriteAt(deps, deadline);
  const poll = await claimed(deps, listed, lastWrite);
  if (!poll) return { ...nothingReached, outcome: 'superseded' };

  const { context, suspectUntil } = poll;
  const rows = await snapshot.readBuckets(plan.buckets, plan.bits);
  /** Each on condition that no other poll has written its row. */
  const commit: Write = ([change]) => snapshot.commit(change!.before, change!.after);
  const states = pass.listing.in(plan.buckets, plan.bits);
  const ended = await factsOfEnded({ server, watch, deadline }, rows, states);
  const facts = new Map([...pass.listing.knownFacts(), ...ended]);
  const { changes, missing } = diff(rows, states, { ...context, facts });
  const lack = await concludeMissing({ server, context, deadline }, missing, poll);

  // Other polls judge the claim by their clocks, so a clock that is set forward ends it, too.
  const isInTime = () => steady() < deadline && now().getTime() < lastWrite - writeGraceMs;
  const isFirst = root.baselineAt === undefined;
  const batches = batchesOf([...changes, ...lack.changes], isFirst ? rowsPerCall : 1);
  const commits = await commitAll(snapshot, batches, isFirst ? storing(deps, poll, rows.size) : commit, isInTime);
  for (const { after } of commits.committed) rows.set(after.trackingId, after);

  const announcement = await announceAll(topic, poll, rows, isInTime);

  const isCommitted = commits.uncommitted.length === 0 && suspectUntil === undefined;
  const stillListed = missing.filter(({ trackingId }) => isListed(rows.get(trackingId)!)).length;
  const newlyListed = commits.committed.filter(({ before, after }) => isListed(after) && !(before && isListed(before)));
  const isWhole = isComplete && pass.scope === 'all';
  const isOpen = ({ pending, missedPasses, returning }: TransferRow) => pending || missedPasses || returning;
  const open = [...commits.uncommitted, ...lack.unclear, ...[...rows.values()].filter(isOpen)];
  const isSettled = await snapshot.settle(root, poll.claim, {
    count: isWhole ? pass.listing.size + stillListed : root.count + newlyListed.length,
    active: pass.failure ? root.active : pass.listing.active,
    preparing: isWhole ? pass.listing.preparing : root.preparing,
    baselineAt: root.baselineAt ?? (isCommitted ? context.observedAt : undefined),
    baselineProgress: root.baselineAt || isCommitted ? undefined : { stored: rows.size, transfers: pass.listing.size },
    absence: lack.absence,
    ...bucketsLeft(poll, open, commits.error ? now().getTime() + writeGraceMs : 0),
    digests: digestsAfter(root, plan, rows.values()),
  });

  const error = commits.error ?? announcement.error;
  const outcome = isFirst && isCommitted ? 'baseline' : 'changed';
  return {
    outcome: isSettled ? outcome : 'superseded',
    changed: commits.committed.filter(({ before, after }) => after.sequence > (before?.sequence ?? 0)).length,
    published: announcement.published,
    problem: (error && problemOfAws(error)) ?? (isInTime() ? undefined : problemOf('out_of_time')) ?? lack.problem,
  };
}

/** Claims the snapshot for writes up to `until`; undefined when another poll has claimed it since it was read. */
async function claimed(deps: PollDependencies, listed: ListedWatch, until: number) {
  const { watch, snapshot, root, readAt, pass, plan } = listed;
  // A time beyond the longest poll comes from a clock that was ahead; its poll may still be running.
  const longest = plausibleUntil(root.unsettledUntil, readAt, longestPollMs) ?? readAt + longestPollMs;
  // Until then (Unix milliseconds), an earlier poll may still write.
  const suspectUntil = root.unsettledUntil > readAt ? longest : undefined;
  const claim = await snapshot.claim({ ...root, origin: deps.origin }, plan, Math.max(suspectUntil ?? 0, until));
  if (!claim) return undefined;
  const context: DiffContext = {
    server: deps.origin,
    watch,
    rev: claim.rev,
    observedAt: deps.now().toISOString(),
    silent: root.baselineAt === undefined && !watch.notifyExisting,
    recipientKey: deps.recipientKey,
    source: pass.failure ? 'partial' : 'listing',
  };
  return { ...listed, claim, context, suspectUntil };
}

/** Buckets of open rows and still suspect ones, for the next poll. A failed write may take effect up to `until`. */
function bucketsLeft({ root, plan, suspectUntil }: ClaimedPoll, open: readonly TransferRow[], until: number) {
  const suspects = root.bits === plan.bits ? root.unsettled : plan.buckets;
  return {
    unsettled: new Set([
      ...(suspectUntil === undefined ? [] : suspects),
      ...open.map(({ trackingId }) => bucketOfTransfer(trackingId, plan.bits)),
    ]),
    unsettledUntil: Math.max(suspectUntil ?? 0, until),
  };
}

/** Milliseconds between two progress reports of a baseline. */
const progressIntervalMs = 5000;

/** Rows of a baseline in a call: DynamoDB's limit for a batch. */
const rowsPerCall = 25;

/** Stores batches of a baseline over existing rows and without a condition; `before` rows are stored already. */
function storing({ steady, supervision }: PollDependencies, poll: ClaimedPoll, before: number): Write {
  const { snapshot, claim, context, pass, deadline } = poll;
  let stored = before;
  let toldAt = steady();
  return async (changes) => {
    const rows = changes.map(({ after }) => after);
    await snapshot.store(rows, retryBudget(deadline, steady));
    stored += changes.filter(({ before: row }) => !row).length;
    if (steady() - toldAt < progressIntervalMs) return true;
    toldAt = steady();
    const progress = { stored, transfers: pass.listing.size };
    supervision?.storing?.(context.watch, progress);
    // A lost report changes no stored row.
    await snapshot.noteProgress(claim, progress).catch(() => undefined);
    return true;
  };
}

/** Writes all changes of a batch or none; true for all. */
type Write = (batch: readonly RowChange[]) => Promise<boolean>;

/** Commits each batch of changes in one call while time is left; a call that fails stops no other. */
async function commitAll(snapshot: Snapshot, batches: readonly RowChange[][], write: Write, isInTime: () => boolean) {
  const committed: RowChange[] = [];
  const uncommitted: TransferRow[] = [];
  let error: Error | undefined;
  await snapshot.each(batches, async (part) => {
    const isWritten = await Promise.resolve(isInTime() && write(part)).catch((cause: Error) => {
      error ??= cause;
      return false;
    });
    if (isWritten) committed.push(...part);
    else uncommitted.push(...part.map(({ after }) => after));
  });
  return { committed, uncommitted, error };
}

/** Rows announced and cleared at a time. The time kept back at the end of a poll is enough to clear them. */
export const rowsPerAnnouncement = 1000;

/** Publishes pending events and clears them in `rows`, part by part, so that the next poll repeats no cleared part. */
async function announceAll(
  topic: EventsTopic,
  { snapshot }: ClaimedPoll,
  rows: Map<string, TransferRow>,
  isInTime: () => boolean,
) {
  const waiting = [...rows.values()].filter(({ pending }) => pending);
  let published = 0;
  let error: Error | undefined;
  for (let index = 0; index < waiting.length && !error && isInTime(); index += rowsPerAnnouncement) {
    const part = waiting.slice(index, index + rowsPerAnnouncement);
    const bodies = part.flatMap(({ pending = [] }) => pending);
    const accepted = await publishEvents(topic, bodies);
    const announced = part.filter(({ pending }) => pending?.every((body) => accepted.published.has(body)));
    await snapshot.each(announced, async (row) => {
      const { pending, ...rest } = row;
      // A row that cannot be cleared stays pending, and the next poll announces it again.
      if (await snapshot.clearPending(row).catch(() => false)) rows.set(row.trackingId, rest);
    });
    published += accepted.published.size;
    error = accepted.error;
  }
  return { published, error };
}

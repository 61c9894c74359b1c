import pLimit from 'p-limit';
import { type Deadline, plausibleUntil } from '#functions/clock/instants.ts';
import type { CryptshareClient, Scope } from '#functions/cryptshare/client.ts';
import { needsFullListing, planReads, scopeFor, transfersIn } from '#functions/snapshot/read-plan.ts';
import type { Root } from '#functions/snapshot/snapshot-rows.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { longestPollMs } from '#functions/watches/shard-row.ts';
import { problemOfListing, problemOfOrigin } from '#functions/watches/watch-problem.ts';
import type { PollDependencies } from './dependencies.ts';
import { failedPoll, type PollResult } from './poll-result.ts';
import { ReadRoom } from './read-room.ts';
import { reconcile } from './reconcile.ts';

/** Shared by all polls of this process. */
const rooms = new ReadRoom();

/** Baselines stored at the same time. With all of a new configuration at once, each would take as long as all. */
const baselines = pLimit(2);

export interface PollTerms {
  /** `active`: list the active transfers alone if that saves requests. */
  readonly scope: Scope;
  readonly deadline: Deadline;
}

/**
 * Polls one watch: lists its transfers, compares them with the snapshot, updates the snapshot, and announces every
 * change. After an interruption anywhere, the next poll publishes what was committed under the same ids, no more.
 *
 * @throws the SDK's error when DynamoDB cannot be reached
 */
export async function pollWatch(deps: PollDependencies, watch: RegisteredWatch, terms: PollTerms): Promise<PollResult> {
  const snapshot = deps.snapshotOf(watch);
  // Take the time before reading the root. A poll that may write after it may have changed rows that were read.
  const readAt = deps.now().getTime();
  const root = await snapshot.readRoot();
  if (root.origin !== undefined && root.origin !== deps.origin) {
    return failedPoll(problemOfOrigin(root.origin, deps.origin), snapshot.units);
  }
  const isFirst = root.baselineAt === undefined;
  // A poll that may still store a baseline has the snapshot to itself, because its writes carry no condition. So has a
  // tick that deletes the snapshot of a removed watch, even if the watch was added again.
  const busy = [root.deletedUntil, isFirst ? root.unsettledUntil : 0];
  if (busy.some((until) => until > readAt && plausibleUntil(until, readAt, longestPollMs) !== undefined)) {
    return { ...failedPoll(undefined, snapshot.units), outcome: 'superseded' };
  }
  const { pages, requests, ...listed } = await listWatch(deps.server, root, watch, terms);
  const { pass, plan } = listed;
  const transfers = pass.listing.size;
  const poll = { watch, snapshot, root, readAt, deadline: terms.deadline, ...listed };
  const compare = () => rooms.run(transfersIn(plan, Math.max(root.count, transfers)), () => reconcile(deps, poll));
  const listingProblem = problemOfListing(pass);
  const reached = await (isFirst ? baselines(compare) : compare()).finally(() => pass.listing.release());
  return {
    ...reached,
    scope: pass.scope,
    isComplete: pass.failure === undefined,
    pages,
    requests,
    transfers,
    units: snapshot.units,
    problem: reached.problem ?? listingProblem,
  };
}

/** Lists a watch, in full if an active pass is not enough, and plans the reads. */
async function listWatch(server: CryptshareClient, root: Root, watch: Watch, { scope, deadline }: PollTerms) {
  const first = scopeFor(root, scope);
  const pass = await server.list(watch, first, first === 'active' ? root.active : root.count, deadline);
  const plan = planReads(root, pass);
  const { requests, listing } = pass;
  const pages = listing.pageCount;
  const isEnough = pass.scope === 'all' || pass.failure || !needsFullListing(root, watch, plan);
  if (isEnough) return { pass, plan, pages, requests };
  listing.release();
  const full = await server.list(watch, 'all', root.count, deadline);
  const both = { pages: pages + full.listing.pageCount, requests: requests + full.requests };
  return { pass: full, plan: planReads(root, full), ...both };
}

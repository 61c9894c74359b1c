import pLimit from 'p-limit';
import { plausibleUntil } from '#functions/clock/instants.ts';
import { transfersIn } from '#functions/snapshot/read-plan.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { longestPollMs } from '#functions/watches/shard-row.ts';
import { problemOf, problemOfFailure, problemOfListing } from '#functions/watches/watch-problem.ts';
import type { PollDependencies } from './dependencies.ts';
import { listWatch, type PollTerms } from './list-watch.ts';
import { failedPoll, type PollResult } from './poll-result.ts';
import { ReadRoom } from './read-room.ts';
import { reconcile } from './reconcile.ts';

/** Shared by all polls of this process. */
const rooms = new ReadRoom();

/** Baselines stored at the same time. With all of a new configuration at once, each would take as long as all. */
const baselines = pLimit(2);

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
    pages,
    requests,
    transfers,
    lacksFacts,
    units: snapshot.units,
    problem: reached.problem ?? listingProblem,
  };
}

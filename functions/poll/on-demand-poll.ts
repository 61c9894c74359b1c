import type { Deadline } from '#functions/clock/instants.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { shardOf } from '#functions/watches/places.ts';
import { problemOf } from '#functions/watches/watch-problem.ts';
import type { PollDependencies } from './dependencies.ts';
import { incidentsOf } from './incidents.ts';
import { failedPoll } from './poll-result.ts';
import { pollAndUpdateHealth, type WatchPoll } from './poll-shard.ts';
import { lastWriteAt, withShardLease } from './shard-lease.ts';

/** Milliseconds between attempts to take a lease that another process prevents, and their number. */
const leaseRetry = { pause: 500, attempts: 80 };

/**
 * Polls one watch in full for an operator, even if it is disabled, once no tick holds the whole shard. The lease covers
 * that watch alone and half of the slots, so that ticks can poll the others. Makes no poll if it is unregistered.
 * @throws the SDK's error when the registry cannot be read or the lease not be written
 */
export async function pollOnDemand(deps: PollDependencies, wanted: Watch, deadline: Deadline): Promise<WatchPoll[]> {
  const shard = shardOf(wanted, deps.schedule);
  for (let attempt = 1; ; attempt += 1) {
    const view = await deps.shardRows.read(shard, deps.schedule.shards, deps.origin);
    const watch = view.watches.find((one) => watchKey(one) === watchKey(wanted));
    if (!watch) return [];
    const term = { since: deps.now().getTime(), until: lastWriteAt(deps, deadline) };
    const held = await deps.shardRows.acquire(shard, view.row, term, watchKey(wanted));
    if (held) {
      const incidents = incidentsOf(deps, view);
      // The operator may just have mended the cause of the last failed attempts.
      return withShardLease(deps, { held, view, forgiveSince: term.since }, async (polling) => {
        const poll = await pollAndUpdateHealth(polling, watch, { scope: 'all', deadline, wantsFacts: true }, incidents);
        await incidents.tell();
        return [poll];
      });
    }
    if (attempt === leaseRetry.attempts || deps.steady() + leaseRetry.pause >= deadline) {
      return [{ ...failedPoll(problemOf('busy')), watch, durationMs: 0, sinceCompleteMs: 0 }];
    }
    await deps.topic.sleep(leaseRetry.pause);
  }
}

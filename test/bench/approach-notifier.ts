import type { PollDependencies } from '#functions/poll/dependencies.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import type { Approach } from './approach.ts';

/** As it stands in the printed table. */
export const notifierName = 'Transfer Notifier';

/** Milliseconds that a poll may take here; on AWS it is Lambda's limit that counts. */
const budget = 30 * 60_000;

/** This project's own poll, exactly as the deployed function runs it for each watch. */
export const notifier = (deps: PollDependencies): Approach => ({
  name: notifierName,
  limit: 'memory: some 250,000',
  loses: 'nothing: an event and its change are one write',
  writesFollow: 'changes',
  largestMeasured: Number.POSITIVE_INFINITY,
  largestPossible: Number.POSITIVE_INFINITY,
  async poll(watch) {
    const { changed, units, problem } = await pollWatch(deps, watch, {
      notifyExisting: false,
      scope: 'all',
      deadline: deps.now().getTime() + budget,
    });
    if (problem) throw new Error(problem.message);
    return { changed, units };
  },
});

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import type { Supervision } from '#functions/poll/dependencies.ts';
import { pollsOfTicks } from '#functions/poll/handle-invocation.ts';
import type { ShardPoll, Tick, WatchPoll } from '#functions/poll/poll-shard.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { Reporter } from '#infra/local/console/console.ts';
import { watchWords } from '#infra/local/console/poll-news.ts';
import { counted, firstOf } from '#infra/local/process/stopping.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';
import { baselineProgressWords } from '#infra/terminal/baseline-words.ts';
import { type Foresight, outlookOf } from './foresight.ts';

/** Milliseconds between checks for a tick: the shortest interval of a watch. */
const lookIntervalMs = 1000;

/** Timeout of a poll in milliseconds, as on AWS. */
const pollTimeoutMs = 120_000;

/**
 * Invokes the poll function when a watch is due, to the second; on AWS, the scheduler does so each minute. `asked` runs
 * an on-demand poll.
 *
 * @param onTick called with each tick that has ended
 */
export function startPolls(
  handler: (event: unknown, context: Context) => Promise<ShardPoll>,
  reporter: Pick<Reporter, 'poll' | 'warning'>,
  foresight: Foresight,
  onTick: (tick: ShardPoll) => Promise<void>,
) {
  const stopping = new AbortController();
  const polls = new Set<Watch>();
  const inFlight = new Set<Promise<unknown>>();
  const invoke = (event: unknown, foresee?: Supervision['foresee']) => {
    const supervision: Supervision = {
      stopping: stopping.signal,
      polls,
      ...(foresee && { foresee }),
      storing: (watch, progress) =>
        reporter.warning(`${watchWords(watch)}: ${baselineProgressWords(progress)} transfers stored`),
    };
    const invoked = handler(event, lambdaContext('poll', pollTimeoutMs, { supervision }));
    const over = () => inFlight.delete(invoked);
    inFlight.add(invoked);
    invoked.then(over, over);
    return invoked;
  };
  const tick = async () => {
    const event: Tick = { shard: 0, at: new Date().toISOString() };
    const foresee = foresight.begin();
    const ended = await invoke(event, (...read) => foresee(outlookOf(...read)));
    if (ended.warning) reporter.warning(ended.warning);
    if (ended.skipped) foresight.forget();
    await onTick(ended);
  };
  const report = (message: unknown) => {
    const poll = message as WatchPoll;
    // The start or end of a problem changes when this watch and others are due.
    if (poll.problem || poll.watch.health || poll.outcome === 'changed') foresight.forget();
    reporter.poll(poll);
  };
  const loop = async () => {
    subscribe(pollsOfTicks.name, report);
    const { promise: broken, reject } = Promise.withResolvers<never>();
    while (!stopping.signal.aborted) {
      // As on AWS, no tick waits for the previous one.
      if (foresight.wantsTick(Date.now())) tick().catch(reject);
      const rest = sleep(lookIntervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      await Promise.race([rest, broken]);
    }
    await Promise.race([Promise.allSettled(inFlight), broken]);
    unsubscribe(pollsOfTicks.name, report);
  };
  return {
    async asked(event: unknown) {
      if (stopping.signal.aborted) throw new Error('the notifier is stopping and polls nothing more');
      return invoke(event);
    },
    stop: () => stopping.abort(),
    ended: loop(),
    unfinished: () =>
      counted(polls.size, 'listing', 'listings').map((count) => `${count} (${firstOf([...polls].map(watchWords))})`),
    // Releases nothing: the next start releases the shard's lease, and its first tick completes the snapshots.
  };
}

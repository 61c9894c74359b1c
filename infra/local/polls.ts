import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import type { Invoked } from '../../functions/transfers/invoked-poll.ts';
import type { Supervision } from '../../functions/transfers/poll.ts';
import type { Tick } from '../../functions/transfers/shard.ts';
import type { Watch } from '../../functions/transfers/transfer.ts';
import { type Reporter, watchWords } from './console.ts';
import { lambdaContext } from './lambda.ts';
import { counted, type Part } from './stopping.ts';

/** Milliseconds between two ticks, the shortest interval that a watch can have. */
const tickInterval = 1000;

/** Milliseconds that a poll may take here. */
const pollTimeout = 120_000;

/** Watches that are named when they are waited for. */
const mostNamed = 3;

/** What polls by the clock, and what operators have polled. */
export interface Polls extends Part {
  /** Polls what an operator asks for. */
  readonly asked: (event: unknown) => Promise<Invoked>;
}

/** Invokes the poll function each second, as the scheduler does on AWS each minute. */
export function startPolls(
  handler: (event: unknown, context: Context) => Promise<Invoked>,
  reporter: Pick<Reporter, 'poll' | 'remark'>,
): Polls {
  const stopping = new AbortController();
  const polls = new Set<Watch>();
  const supervision: Supervision = { stopping: stopping.signal, polls };
  const invoke = (event: unknown) => handler(event, { ...lambdaContext('poll', pollTimeout), ...{ supervision } });
  const tickAndReport = async () => {
    const tick: Tick = { shard: 0, at: new Date().toISOString() };
    const { polls: ended, remark } = await invoke(tick);
    if (remark) reporter.remark(remark);
    for (const poll of ended) reporter.poll(poll);
  };
  const loop = async () => {
    while (!stopping.signal.aborted) {
      const started = performance.now();
      await tickAndReport();
      const rest = Math.max(0, tickInterval - (performance.now() - started));
      await sleep(rest, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  return {
    async asked(event) {
      if (stopping.signal.aborted) throw new Error('the notifier is stopping and polls nothing more');
      return invoke(event);
    },
    stop: () => stopping.abort(),
    ended: loop(),
    underWay: () => {
      const names = [...polls].map(watchWords);
      const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
      const named = `(${names.slice(0, mostNamed).join(', ')}${more})`;
      return counted(names.length, 'listing', 'listings').map((count) => `${count} ${named}`);
    },
    // The next start frees the shard, and its first tick makes up for what the snapshots lack.
    giveBack: async () => undefined,
  };
}

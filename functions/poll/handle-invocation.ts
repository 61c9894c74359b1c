import { channel } from 'node:diagnostics_channel';
import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import * as z from 'zod/mini';
import type { Deadline } from '#functions/clock/instants.ts';
import { addCounts } from '#functions/lambda/metric-names.ts';
import type { PollDependencies } from './dependencies.ts';
import { pollOnDemand } from './on-demand-poll.ts';
import { parseTick, pollShard, type WatchPoll } from './poll-shard.ts';
import { logPoll, logPollOfTick, reportShard } from './report.ts';

const watchSchema = z.strictObject({ mailbox: z.string(), direction: z.enum(['sent', 'received']) });

/** Carries the WatchPoll of each poll of a tick, as it ends, to other parts of a local run. */
export const pollsOfTicks = channel('transfer-notifier.poll');

type InvocationDependencies = PollDependencies & { readonly logger: Logger; readonly metrics: Metrics };

/**
 * Handles and logs one invocation of the poll function. A Tick polls the due watches of a shard. A Watch polls that one
 * for an operator, even if it is disabled; no poll if it is unregistered. @throws ZodError that explains a wrong event;
 * the SDK's error when the registry cannot be read
 */
export async function handleInvocation(deps: InvocationDependencies, event: unknown, deadline: Deadline) {
  const { logger, metrics } = deps;
  if (typeof event === 'object' && event !== null && 'mailbox' in event) {
    const polls = await pollOnDemand(deps, watchSchema.parse(event), deadline);
    for (const poll of polls) {
      logPoll(logger, poll);
      // Count nothing else: an on-demand poll says nothing about the schedule, whose alarm it would silence.
      addCounts(metrics, { eventsPublished: poll.published });
    }
    return { polls, skipped: 0 };
  }
  const onPollOfTick = (poll: WatchPoll) => {
    logPollOfTick(logger, poll);
    pollsOfTicks.publish(poll);
  };
  const shardPoll = await pollShard(deps, parseTick(event), deadline, onPollOfTick);
  reportShard(logger, metrics, shardPoll);
  return shardPoll;
}

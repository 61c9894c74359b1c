import type { Logger } from '@aws-lambda-powertools/logger';
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { addCounts, metricNames } from '#functions/lambda/metric-names.ts';
import { logName } from '#functions/parsing/log-name.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { ShardPoll, WatchPoll } from './poll-shard.ts';

export const lackOfFacts =
  'the server does not give all that this watch follows: where it is missing, states alone are announced; update the server, or follow less';

/** Pseudonym of a watch in logs: its direction and a {@link logName}. */
export const watchName = (watch: Watch): string => `${watch.direction}-${logName(watchKey(watch))}`;

/** Logs a poll in one line, as a warning if it had a problem. */
export function logPoll(logger: Logger, poll: WatchPoll): void {
  const { watch, problem, units, lacksFacts: _, ...facts } = poll;
  const line = { watch: watchName(watch), ...facts, readUnits: units.read, writeUnits: units.write };
  if (problem) logger.warn('poll', { ...line, cause: problem.cause, problem: problem.message });
  else if (isNewLack(poll)) logger.warn('poll', { ...line, problem: lackOfFacts });
  else logger.info('poll', line);
}

export const isNewLack = ({ lacksFacts, watch }: WatchPoll): boolean => lacksFacts === true && !watch.lacksFacts;

/** Logs a poll of a tick unless nothing happened; the line of the tick counts those. */
export function logPollOfTick(logger: Logger, poll: WatchPoll): void {
  if (poll.outcome !== 'unchanged' || poll.problem || isNewLack(poll)) logPoll(logger, poll);
}

/** Logs the warning of a shard's poll, and one line for a tick that had something to poll. Adds the metrics. */
export function reportShard(logger: Logger, metrics: Metrics, { polls, skipped, warning }: ShardPoll): void {
  const sum = (count: (poll: WatchPoll) => number) => polls.reduce((total, poll) => total + count(poll), 0);
  const most = (figure: (poll: WatchPoll) => number) => Math.max(0, ...polls.map(figure));
  const published = sum((poll) => poll.published);
  if (warning) logger.warn(warning);
  if (polls.length + skipped > 0) {
    logger.info('tick', {
      polls: polls.length,
      unchanged: sum(({ outcome }) => (outcome === 'unchanged' ? 1 : 0)),
      withProblem: sum(({ problem }) => (problem ? 1 : 0)),
      skipped,
      requests: sum(({ requests }) => requests),
      transfers: sum(({ transfers }) => transfers),
      published,
      longestMs: most(({ durationMs }) => durationMs),
      readUnits: sum(({ units }) => units.read),
      writeUnits: sum(({ units }) => units.write),
    });
  }
  const longestGap = most(({ sinceCompleteMs }) => sinceCompleteMs);
  if (longestGap > 0)
    metrics.addMetric(metricNames.secondsSinceCompleteListing.name, MetricUnit.Seconds, longestGap / 1000);
  addCounts(metrics, {
    completeListings: sum(({ isComplete }) => (isComplete ? 1 : 0)),
    watchesFailing: sum(({ problem, watch }) => (problem && watch.health?.isAnnounced ? 1 : 0)),
    watchesSkipped: skipped,
    eventsPublished: published,
  });
}

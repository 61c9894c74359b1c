import { type Config, intervalsOf, millisecondsOf, mostPages, requestsAtOnce } from './config.ts';

/**
 * Milliseconds that an answer of the server is taken to need. A server that is twice as fast needs half as many requests under
 * way, so that allowing more of them costs it nothing.
 */
const answerTime = 100;

/** Milliseconds that DynamoDB needs for the snapshot of a watch. */
const rowTime = 10;

/** Watches that one invocation polls at the same time. */
const watchesAtOnce = 8;

/** Transfers on a page; behind the full ones, one more request shows that there is no further page. */
const pageSize = 100;

/** What keeps a schedule from being deployed; each with its path and what to do. */
export function scheduleProblems(config: Config): string[] {
  const { schedule, watches, server } = config;
  const { every, quietEvery, shards } = schedule;
  const problems = [
    ...(requestsAtOnce(server, shards) < 1
      ? [
          `server.maxConcurrentPages: expected at least one for each of the ${shards} shards (schedule.shards), which share them, got ${server.maxConcurrentPages}`,
        ]
      : []),
    ...minutesProblems('schedule.every', every),
    ...(quietEvery ? minutesProblems('schedule.quietEvery', quietEvery) : []),
    ...(quietEvery && millisecondsOf(quietEvery) <= millisecondsOf(every)
      ? [
          `schedule.quietEvery: expected more than schedule.every (${every}), got ${quietEvery}: nothing would be polled less`,
        ]
      : []),
    ...(shards > watches.length
      ? [
          `schedule.shards: expected at most one for each watch, got ${shards} for ${watches.length}: lower it, the others would have nothing to poll`,
        ]
      : []),
    ...watches.flatMap((watch, at) => (watch.every ? minutesProblems(`watches[${at}].every`, watch.every) : [])),
  ];
  return problems.length > 0 ? problems : paceProblems(config);
}

/** Shards tick each minute. Whole minutes up to a day are also what CloudWatch can evaluate three times over. */
const minutesProblems = (path: string, every: string): string[] =>
  millisecondsOf(every) % 60_000 === 0
    ? []
    : [`${path}: expected whole minutes on AWS, for example 1m, 5m or 2h, got ${every}`];

/** Polls a second that a shard does at most. */
const mostPolls = (1000 * watchesAtOnce) / (answerTime + rowTime);

/** Intervals that cannot be kept even if every mailbox were empty, which takes one request for each poll, and quiet. */
function paceProblems(config: Config): string[] {
  const { schedule, watches, server } = config;
  const polls = pollsPerSecond(intervalsOf(config));
  const said = `${count(watches.length)} watches are ${figure(polls)} polls a second`;
  const neededShards = Math.ceil(polls / mostPolls);
  const needed = Math.ceil((polls * answerTime) / 1000);
  const allowed = slotsOf(config);
  const problems: string[] = [];
  const shortest = watches.reduce(
    (least, { every = schedule.every }) => Math.min(least, millisecondsOf(every)),
    Number.POSITIVE_INFINITY,
  );
  const slower = (times: number) => `poll every ${Math.ceil((shortest * times) / 60_000)}m`;
  if (needed > allowed && server.maxConcurrentPages !== undefined) {
    const each = schedule.shards === 1 ? '' : ` (${allowed / schedule.shards} in each of ${schedule.shards} shards)`;
    const shards = Math.max(schedule.shards, neededShards);
    const raised = Math.ceil(needed / shards) * shards;
    const raise = raised <= mostPages ? `set it to ${raised}, if the server bears that, or ` : '';
    problems.push(
      `server.maxConcurrentPages: ${server.maxConcurrentPages} lets ${allowed} requests be under way${each}, and ${count(needed)} are needed: ${said}, each with a request of ${answerTime} ms at the least; ${raise}${slower(needed / allowed)}`,
    );
  }
  if (neededShards > schedule.shards) {
    problems.push(
      `schedule.shards: ${schedule.shards} can do ${Math.floor(mostPolls * schedule.shards)} polls a second, and ${said}: a shard polls ${watchesAtOnce} watches at a time, for ${answerTime + rowTime} ms each at the least; set it to ${neededShards}, or ${slower(neededShards / schedule.shards)}`,
    );
  }
  return problems;
}

/** Mailboxes that are larger than this on average are few. */
const roomy = 10_000;

/**
 * What the file cannot say and no check can judge before the first poll: how large mailboxes may be for the interval to be
 * kept when every poll lists all transfers. Nothing where there is room enough.
 */
export function paceNote(config: Config): string[] {
  const { schedule, watches } = config;
  const often = watches.map(({ every = schedule.every }) => millisecondsOf(every));
  const requests = (1000 * slotsOf(config)) / answerTime / pollsPerSecond(often);
  const room = (requests - 1) * pageSize;
  if (room >= roomy) return [];
  return [
    `${count(watches.length)} watches with ${slotsOf(config)} requests under way at the same time: the interval is kept while mailboxes have some ${figure(room)} transfers on average, at ${answerTime} ms for a page and with all of them listed. Where they have more, raise server.maxConcurrentPages, raise schedule.fullListingEvery, or poll less often (docs/costs.md#the-largest-size)`,
  ];
}

/** @param intervals of each watch, in milliseconds; counted first, since thousands of fractions do not add up to a whole number */
function pollsPerSecond(intervals: readonly number[]): number {
  const counts = Map.groupBy(intervals, (interval) => interval);
  return [...counts].reduce((sum, [interval, watches]) => sum + (1000 * watches.length) / interval, 0);
}

/** Requests that may be under way; each shard has the same number of them. */
const slotsOf = ({ schedule: { shards }, server }: Config): number => requestsAtOnce(server, shards) * shards;

const count = (value: number): string => value.toLocaleString('en-US');

const figure = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 3 });

import { millisecondsOf } from '#infra/terminal/durations.ts';
import { type Config, intervalsOf, mostPages, requestsAtOnce } from './config.ts';

/** Assumed milliseconds for an answer. A faster server needs fewer requests at once, so a higher limit is no burden. */
const answerTimeMs = 100;

/** Milliseconds that DynamoDB needs for the snapshot of a watch. */
const rowTimeMs = 10;

/** Watches that one invocation polls concurrently. */
const watchesAtOnce = 8;

/** Transfers on a page. After the full pages, one more request shows that none follows. */
const pageSize = 100;

/** Problems that prevent the deployment of a schedule, each with its path and remedy. */
export function scheduleProblems(config: Config): string[] {
  const { schedule, watches, server } = config;
  const { every, quietEvery, shards } = schedule;
  const problems = [
    requestsAtOnce(server, shards) < 1 &&
      `server.maxConcurrentPages: expected at least one for each of the ${shards} shards (schedule.shards), which share them, got ${server.maxConcurrentPages}`,
    minutesProblem('schedule.every', every),
    minutesProblem('schedule.quietEvery', quietEvery),
    quietEvery !== undefined &&
      millisecondsOf(quietEvery) <= millisecondsOf(every) &&
      `schedule.quietEvery: expected more than schedule.every (${every}), got ${quietEvery}: nothing would be polled less`,
    shards > Math.max(1, watches.length) &&
      `schedule.shards: expected at most one for each watch, got ${shards} for ${watches.length}: lower it, the others would have nothing to poll`,
    ...watches.map((watch, index) => minutesProblem(`watches[${index}].every`, watch.every)),
  ].filter((problem) => typeof problem === 'string');
  return problems.length > 0 ? problems : paceProblems(config);
}

/** Shards tick each minute. CloudWatch alarms can evaluate three periods of whole minutes, up to a day each. */
const minutesProblem = (path: string, every: string | undefined): string | false =>
  every !== undefined &&
  millisecondsOf(every) % 60_000 !== 0 &&
  `${path}: expected whole minutes on AWS, for example 1m, 5m or 2h, got ${every}`;

/** Most polls a second of one shard. */
const mostPolls = (1000 * watchesAtOnce) / (answerTimeMs + rowTimeMs);

/** Finds intervals that are too short even if all mailboxes are empty and quiet, with one request for each poll. */
function paceProblems(config: Config): string[] {
  const { schedule, watches, server } = config;
  const polls = pollsPerSecond(intervalsOf(config));
  const said = `${count(watches.length)} watches are ${figure(polls)} polls a second`;
  const neededShards = Math.ceil(polls / mostPolls);
  const needed = Math.ceil((polls * answerTimeMs) / 1000);
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
      `server.maxConcurrentPages: ${server.maxConcurrentPages} allows ${allowed} requests in flight${each}, and ${count(needed)} are needed: ${said}, each with a request of ${answerTimeMs} ms at the least; ${raise}${slower(needed / allowed)}`,
    );
  }
  if (neededShards > schedule.shards) {
    problems.push(
      `schedule.shards: ${schedule.shards} can do ${Math.floor(mostPolls * schedule.shards)} polls a second, and ${said}: a shard polls ${watchesAtOnce} watches at a time, for ${answerTimeMs + rowTimeMs} ms each at the least; set it to ${neededShards}, or ${slower(neededShards / schedule.shards)}`,
    );
  }
  return problems;
}

/** Transfers in an average mailbox; larger averages are rare. */
const roomy = 10_000;

/**
 * Says what no check can decide: that a file without watches is meant so, and the average mailbox size up to which intervals
 * hold if every poll lists all transfers, since the file does not tell it. Empty when there is ample room.
 */
export function scheduleNotes(config: Config): string[] {
  const { schedule, watches } = config;
  if (watches.length === 0)
    return [
      'the configuration has no watches: the deployment disables those that an earlier file had, and keeps those that commands added. Add one: npm run notifier -- watch add MAILBOX',
    ];
  const often = watches.map(({ every = schedule.every }) => millisecondsOf(every));
  const requests = (1000 * slotsOf(config)) / answerTimeMs / pollsPerSecond(often);
  const room = (requests - 1) * pageSize;
  if (room >= roomy) return [];
  return [
    `${count(watches.length)} watches with ${slotsOf(config)} requests in flight: the interval is kept while mailboxes have some ${figure(room)} transfers on average, at ${answerTimeMs} ms for a page and with all of them listed. Where they have more, raise server.maxConcurrentPages, raise schedule.fullListingEvery, or poll less often (docs/costs.md#the-largest-size)`,
  ];
}

/** Groups equal `intervals` (ms) first, since thousands of added fractions miss the whole number. */
function pollsPerSecond(intervals: readonly number[]): number {
  const counts = Map.groupBy(intervals, (interval) => interval);
  return [...counts].reduce((sum, [interval, watches]) => sum + (1000 * watches.length) / interval, 0);
}

/** Concurrent requests over all shards, which have equal shares. */
const slotsOf = ({ schedule: { shards }, server }: Config): number => requestsAtOnce(server, shards) * shards;

const count = (value: number): string => value.toLocaleString('en-US');

const figure = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 3 });

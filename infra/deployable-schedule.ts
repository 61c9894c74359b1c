import { type Config, millisecondsOf, mostPages } from './config.ts';

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
  const { every, shards } = schedule;
  const problems = [
    ...(shards > server.maxConcurrentPages
      ? [
          `server.maxConcurrentPages: expected at least one for each of the ${shards} shards (schedule.shards), which share them, got ${server.maxConcurrentPages}`,
        ]
      : []),
    ...minutesProblems('schedule.every', every),
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

/** Intervals that cannot be kept even if every mailbox were empty, which takes one request for each poll. */
function paceProblems(config: Config): string[] {
  const { schedule, watches, server } = config;
  const polls = pollsPerSecond(config);
  const said = `${count(watches.length)} watches are ${figure(polls)} polls a second`;
  const needed = Math.ceil((polls * answerTime) / 1000);
  const allowed = slotsOf(config);
  if (needed > allowed) {
    const apart = Math.floor(server.maxConcurrentPages / schedule.shards);
    const got =
      schedule.shards === 1 ? `${allowed}` : `${allowed} (${apart} for each of the ${schedule.shards} shards)`;
    const raised = Math.ceil(needed / schedule.shards) * schedule.shards;
    const raise = raised <= mostPages ? `set server.maxConcurrentPages to ${raised}, if the server bears it, or ` : '';
    return [
      `schedule.every: expected an interval that can be kept: ${said}, each with a request of some ${answerTime} ms at least, so ${needed} requests under way at the same time, got ${got}: ${raise}poll ${figure(needed / allowed)} times less often`,
    ];
  }
  const mostPolls = (1000 * watchesAtOnce) / (answerTime + rowTime);
  if (polls > mostPolls * schedule.shards) {
    return [
      `schedule.shards: expected at least ${Math.ceil(polls / mostPolls)}: ${said}, of which a shard does ${Math.floor(mostPolls)} at most, ${watchesAtOnce} at the same time, got ${schedule.shards}`,
    ];
  }
  return [];
}

/** Mailboxes that are larger than this on average are few. */
const roomy = 10_000;

/**
 * What the file cannot say and no check can judge before the first poll: how large mailboxes may be for the interval to be
 * kept when every poll lists all transfers. Nothing where there is room enough.
 */
export function paceNote(config: Config): string[] {
  const requests = (1000 * slotsOf(config)) / answerTime / pollsPerSecond(config);
  const room = (requests - 1) * pageSize;
  if (room >= roomy) return [];
  return [
    `${count(config.watches.length)} watches with ${slotsOf(config)} requests under way at the same time: the interval is kept while mailboxes have some ${figure(room)} transfers on average, at ${answerTime} ms for a page and with all of them listed. Where they have more, raise server.maxConcurrentPages, raise schedule.fullListingEvery, or poll less often (docs/costs.md#the-largest-size)`,
  ];
}

/** By interval: thousands of fractions would not add up to a whole number. */
function pollsPerSecond({ schedule, watches }: Config): number {
  const counts = new Map<number, number>();
  for (const { every = schedule.every } of watches) {
    const interval = millisecondsOf(every);
    counts.set(interval, (counts.get(interval) ?? 0) + 1);
  }
  return [...counts].reduce((sum, [interval, watches]) => sum + (1000 * watches) / interval, 0);
}

/** Requests that may be under way; each shard has the same number of them. */
const slotsOf = ({ schedule: { shards }, server: { maxConcurrentPages } }: Config): number =>
  Math.floor(maxConcurrentPages / shards) * shards;

const count = (value: number): string => value.toLocaleString('en-US');

const figure = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 3 });

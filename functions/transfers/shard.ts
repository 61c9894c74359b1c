import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { announceHealth } from './announce.ts';
import { hash } from './digest.ts';
import { expiryWarning, nextHealth } from './health.ts';
import { failedPoll, type PollDependencies, type PollResult, pollWatch } from './poll.ts';
import { watchKey } from './transfer.ts';
import { type Trouble, troubleOfAws } from './trouble.ts';
import { type RegisteredWatch, Watches } from './watches.ts';

const shardSchema = z
  .strictObject({ shard: z.int().check(z.minimum(0)), shards: z.int().check(z.minimum(1)) })
  .check(z.refine(({ shard, shards }) => shard < shards, 'shard must be less than shards'));

/** What EventBridge Scheduler sends: poll the watches that fall into shard `shard` of `shards`. */
export type Shard = Readonly<z.infer<typeof shardSchema>>;

/**
 * Reads the scheduler's event.
 *
 * @throws ZodError that says what is wrong with it
 */
export const parseShard = (event: unknown): Shard => shardSchema.parse(event);

/** A poll of one watch with what a log or a person wants to know of it. */
export interface WatchPoll extends PollResult {
  readonly watch: RegisteredWatch;
  /** Milliseconds. */
  readonly duration: number;
  /** Milliseconds since a listing of this watch was complete, counted from the first poll that was not; else 0. */
  readonly sinceComplete: number;
}

/** One poll of all watches of a shard. */
export interface ShardPoll {
  readonly polls: readonly WatchPoll[];
  /** Watches for which no time was left. */
  readonly skipped: number;
  /** What there is to say of the server, once. */
  readonly remark?: string;
}

/** Watches polled at the same time. */
const concurrency = 8;

/**
 * Polls every watch of a shard. Whatever happens to one watch harms no other.
 *
 * @param stopAt Unix time in milliseconds from which on nothing new is begun
 * @param onPoll told of each poll as it ends
 * @throws the SDK's error when the registry cannot be read
 */
export async function pollShard(
  deps: PollDependencies,
  { shard, shards }: Shard,
  stopAt: number,
  onPoll: (poll: WatchPoll) => void,
): Promise<ShardPoll> {
  const watches = new Watches(deps.dynamo, deps.table);
  const started = deps.now().getTime();
  const mine = (await watches.list()).filter((watch) => !watch.isDisabled && shardOf(watch, shards) === shard);
  const polls: WatchPoll[] = [];
  await pLimit(concurrency).map(rotated(mine, started), async (watch) => {
    if (deps.now().getTime() >= stopAt) return;
    const poll = await pollAndJudge(deps, watches, watch, stopAt);
    polls.push(poll);
    onPoll(poll);
  });
  const remark = deps.server.takeRemark();
  return { polls, skipped: mine.length - polls.length, ...(remark && { remark }) };
}

/** The shard of a watch, the same for as long as the number of shards is. */
const shardOf = (watch: RegisteredWatch, shards: number): number => (hash(watchKey(watch)).high >>> 0) % shards;

/** Begins at another watch each time, so that when time is short it is not always short for the same ones. */
function rotated<T>(items: readonly T[], seed: number): T[] {
  const start = items.length === 0 ? 0 : (hash(String(seed)).high >>> 0) % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/**
 * Polls one watch and tells operators of what has changed about its health.
 *
 * @param stopAt Unix time in milliseconds from which on nothing new is begun
 */
export async function pollAndJudge(
  deps: PollDependencies,
  watches: Watches,
  watch: RegisteredWatch,
  stopAt: number,
): Promise<WatchPoll> {
  const started = deps.now().getTime();
  const result = await pollWatch(deps, watch, watch.notifyExisting === true, stopAt).catch((error: Error) =>
    failedPoll(troubleOfAws(error), { read: 0, write: 0 }),
  );
  const ended = deps.now();
  const troubleTelling = await judgeHealth(deps, watches, watch, result, ended);
  const incompleteSince = Date.parse(watch.health?.incompleteSince ?? ended.toISOString());
  return {
    ...result,
    watch,
    trouble: result.trouble ?? troubleTelling,
    duration: ended.getTime() - started,
    sinceComplete: result.isComplete ? 0 : ended.getTime() - incompleteSince,
  };
}

/** Writes down the watch's health and tells operators of its turns; never throws, the next poll tries again. */
async function judgeHealth(
  { origin, topics, tokens }: PollDependencies,
  watches: Watches,
  watch: RegisteredWatch,
  { trouble, isComplete }: PollResult,
  at: Date,
): Promise<Trouble | undefined> {
  try {
    const change = nextHealth(origin, watch, watch.health, trouble, isComplete, at.toISOString());
    const warning = expiryWarning(origin, watch, tokens.knownOf(watch.mailbox), at.toISOString());
    const unchanged = { health: watch.health, event: undefined };
    const current = change || warning ? await watches.commitHealth(watch, change ?? unchanged, warning) : watch;
    if (!current?.pending) return undefined;
    const error = await announceHealth(topics, current.pending);
    if (error) return troubleOfAws(error);
    await watches.clearPending(current);
    return undefined;
  } catch (error) {
    return troubleOfAws(error as Error);
  }
}

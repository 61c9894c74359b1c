import pLimit from 'p-limit';
import * as z from 'zod/mini';
import type { Scope } from './cryptshare.ts';
import { hash } from './digest.ts';
import { expiryWarning, nextHealth } from './health.ts';
import { hastened, verifiableSince } from './incident.ts';
import { announcePending, Incidents } from './incidents.ts';
import { failedPoll, type PollDependencies, type PollResult, pollWatch } from './poll.ts';
import { afterglow } from './reconcile.ts';
import { type Hold, type ShardProgress, ShardRows } from './shard-rows.ts';
import type { Strain } from './strain.ts';
import { dueListing, shardOf } from './timetable.ts';
import { watchKey } from './transfer.ts';
import { type Trouble, troubleOfAws } from './trouble.ts';
import { type RegisteredWatch, Watches } from './watches.ts';

const tickSchema = z.strictObject({ shard: z.int().check(z.minimum(0)), at: z.iso.datetime() });

/** What EventBridge Scheduler sends: poll what has become due of a shard, by the ISO 8601 time of the tick. */
export type Tick = Readonly<z.infer<typeof tickSchema>>;

/**
 * Reads the scheduler's event.
 *
 * @throws ZodError that says what is wrong with it
 */
export const parseTick = (event: unknown): Tick => tickSchema.parse(event);

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
  /** Watches that were due, and for which no time was left, or which the tick before is still busy with. */
  readonly skipped: number;
  /** What there is to say of the server, once, or why an incident could not be told. */
  readonly remark?: string;
}

/** Watches polled at the same time. */
const concurrency = 8;

/**
 * Polls the watches of a shard that have become due since its last tick. Whatever happens to one watch harms no other.
 * While another invocation polls the shard, this one does not.
 *
 * @param stopAt Unix time in milliseconds from which on nothing new is begun
 * @param onPoll told of each poll as it ends
 * @throws the SDK's error when the registry cannot be read or the shard not be taken
 */
export async function pollShard(
  deps: PollDependencies,
  { shard, at }: Tick,
  stopAt: number,
  onPoll: (poll: WatchPoll) => void,
): Promise<ShardPoll> {
  const rows = new ShardRows(deps.dynamo, deps.table);
  const started = deps.now().getTime();
  const view = await rows.read(shard, deps.origin);
  const { watches, row, strain, mended } = view;
  const incidents = new Incidents(deps, shard, view);
  const window = { after: row.polledTo, to: Date.parse(at) };
  const due = watches.flatMap((watch) => {
    if (watch.isDisabled || shardOf(watch, deps.timetable) !== shard) return [];
    const left = row.leftOver?.[watchKey(watch)];
    const scope = dueListing(hastened(watch, mended), deps.timetable, window);
    const isLate = left !== undefined;
    return scope || left ? [{ watch, scope: left === 'all' ? left : (scope ?? left!), isLate }] : [];
  });
  if (due.length === 0) return { polls: [], skipped: 0, ...(await incidents.tell()) };
  const hold = await rows.take(shard, row, started, stopAt + afterglow);
  if (!hold) return { polls: [], skipped: due.length };
  deps.server.adopt(strain);
  deps.tokens.forgive(verifiableSince(mended));

  const polls: WatchPoll[] = [];
  const leftOver: Record<string, Scope> = {};
  const { late = [], timely = [] } = Object.groupBy(due, ({ isLate }) => (isLate ? 'late' : 'timely'));
  const inOrder = [...rotated(late, started), ...rotated(timely, started)];
  await pLimit(concurrency).map(inOrder, async ({ watch, scope }) => {
    if (deps.now().getTime() >= stopAt) {
      leftOver[watchKey(watch)] = scope;
      return;
    }
    const poll = await pollAndJudge(deps, watch, scope, stopAt, incidents);
    polls.push(poll);
    onPoll(poll);
  });
  const told = await incidents.tell();
  await leaveShard(deps, hold, strain, { polledTo: window.to, leftOver });
  const remark = deps.server.takeRemark();
  return { polls, skipped: due.length - polls.length, ...told, ...(remark && { remark }) };
}

/**
 * Gives a shard back and writes down how strained the server is, if that has changed. Never throws: a hold ends by itself,
 * and the next poll finds out how the server is doing.
 *
 * @param before the strain as it was read
 * @param progress undefined when there is none
 */
export async function leaveShard(
  { server, origin, dynamo, table }: PollDependencies,
  hold: Hold,
  before: Strain,
  progress: ShardProgress | undefined,
): Promise<void> {
  const rows = new ShardRows(dynamo, table);
  const { strain } = server;
  const isNews = strain.faults !== before.faults || strain.restsUntil !== before.restsUntil;
  await Promise.all([rows.giveBack(hold, progress), isNews ? rows.keepStrain(origin, strain) : undefined]).catch(
    () => undefined,
  );
}

/** Begins at another watch each time, so that when time is short it is not always short for the same ones. */
function rotated<T>(items: readonly T[], seed: number): T[] {
  const start = items.length === 0 ? 0 : (hash(String(seed)).high >>> 0) % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/**
 * Polls one watch, tells operators that it has recovered or that its verification ends soon, and `incidents` of the rest.
 *
 * @param scope what is to be listed, if it will do
 * @param stopAt Unix time in milliseconds from which on nothing new is begun
 */
export async function pollAndJudge(
  deps: PollDependencies,
  watch: RegisteredWatch,
  scope: Scope,
  stopAt: number,
  incidents: Incidents,
): Promise<WatchPoll> {
  const started = deps.now().getTime();
  const terms = { notifyExisting: watch.notifyExisting === true, scope, stopAt };
  const result = await pollWatch(deps, watch, terms).catch((error: Error) =>
    failedPoll(troubleOfAws(error), { read: 0, write: 0 }),
  );
  const ended = deps.now();
  const troubleTelling = await judgeHealth(deps, watch, result, ended, incidents);
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
  { origin, topics, tokens, dynamo, table }: PollDependencies,
  watch: RegisteredWatch,
  { trouble, isComplete }: PollResult,
  at: Date,
  incidents: Incidents,
): Promise<Trouble | undefined> {
  try {
    const change = nextHealth(origin, watch, watch.health, trouble, isComplete, at.toISOString());
    const warning = expiryWarning(origin, watch, tokens.knownOf(watch.mailbox), at.toISOString());
    const unchanged = { health: watch.health, event: undefined };
    const watches = new Watches(dynamo, table);
    const current = change || warning ? await watches.commitHealth(watch, change ?? unchanged, warning) : watch;
    if (current) incidents.sees(current);
    const error = current && (await announcePending(topics, watches, current));
    return error && troubleOfAws(error);
  } catch (error) {
    return troubleOfAws(error as Error);
  }
}

import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { type Deadline, hasBeen } from '#functions/clock/instants.ts';
import type { Scope } from '#functions/cryptshare/client.ts';
import { hash } from '#functions/transfers/digest.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { plausibleMended, scheduleEarlier, verifiableSince } from '#functions/watches/incident.ts';
import { placeOf } from '#functions/watches/places.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { hasNewSettings, type Schedule, scopeDue } from '#functions/watches/schedule.ts';
import { abandonedWatches, busyWatches, lastTick, never, stretchesOf } from '#functions/watches/shard-row.ts';
import type { HeldShard, ShardView } from '#functions/watches/shard-rows.ts';
import { expiryWarning, nextHealth } from '#functions/watches/watch-health.ts';
import { problemOfAws, withClock } from '#functions/watches/watch-problem.ts';
import type { PollDependencies } from './dependencies.ts';
import { announcePending, type Incidents, incidentsOf } from './incidents.ts';
import type { PollTerms } from './list-watch.ts';
import { failedPoll, type PollResult } from './poll-result.ts';
import { pollWatch } from './poll-watch.ts';
import { deleteExpired, expiredWatch } from './removed-watches.ts';
import { lastWriteAt, withShardLease } from './shard-lease.ts';

/** ISO 8601 in UTC, as EventBridge Scheduler writes it. */
const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

const tickSchema = z.strictObject({
  shard: z.int().check(z.minimum(0)),
  at: z.string().check(z.regex(instantForm, 'expected an ISO 8601 time')),
});

/** Event of EventBridge Scheduler: poll the watches of a shard that are due by `at`, an ISO 8601 time. */
export type Tick = Readonly<z.infer<typeof tickSchema>>;

/** @throws ZodError that explains a wrong event */
export const parseTick = (event: unknown): Tick => tickSchema.parse(event);

export interface WatchPoll extends PollResult {
  readonly watch: RegisteredWatch;
  /** Milliseconds. */
  readonly durationMs: number;
  /** Milliseconds since the first poll in a row without a complete listing; 0 after a complete one. */
  readonly sinceCompleteMs: number;
}

export interface ShardPoll {
  readonly polls: readonly WatchPoll[];
  /** Due watches for which no time was left, or whose shard an earlier tick still held. Hanging ones do not count. */
  readonly skipped: number;
  /** Warnings about the server (each once), clock, a removed watch's snapshot, incidents that wait, damaged rows. */
  readonly warning?: string | undefined;
}

/** Watches polled at the same time: eight listings take 110 of the function's 256 MB. Those held up do not count. */
const concurrency = 8;

/**
 * Polls the watches of a shard that have become due since its last tick. A watch that fails harms no other. Once only
 * hanging polls are left, the lease is narrowed to their watches, and the next tick polls the rest.
 *
 * @param onPoll called with each poll as it ends
 * @throws the SDK's error when the registry cannot be read or the lease not be written
 */
export async function pollShard(
  deps: PollDependencies,
  { shard, at }: Tick,
  deadline: Deadline,
  onPoll: (poll: WatchPoll) => void,
): Promise<ShardPoll> {
  // During a deployment, the schedule of a removed shard still sends ticks.
  if (shard >= deps.schedule.shards) return { polls: [], skipped: 0 };
  const started = deps.now().getTime();
  const { schedule, shardRows, server } = deps;
  const view = await shardRows.read(shard, schedule.shards, deps.origin);
  const { watches, row } = view;
  const mended = plausibleMended(view.mended, started);
  const incidents = incidentsOf(deps, view);
  const to = Date.parse(at);
  const enabled = watches.filter(({ isDisabled }) => !isDisabled);
  const scheduled = (watch: RegisteredWatch) => scheduleEarlier(watch, mended);
  deps.supervision?.foresee?.(enabled.map(scheduled), schedule, to);
  const isWhole = (row.polled?.length ?? 0) < 2;
  const abandoned = abandonedWatches(row, started);
  const due = enabled.flatMap((watch) => {
    const after = abandoned.has(watchKey(watch)) ? undefined : lastTick(row, isWhole ? 0 : placeOf(watch), started);
    const scope = scopeDue(scheduled(watch), schedule, { after, to });
    const wantsFacts = hasNewSettings(watch, { after, to });
    return scope ? [{ watch, scope, wantsFacts, after, isLate: wasDue(watch, schedule, after, row.postponedAt) }] : [];
  });
  const busy = busyWatches(row, started);
  const isFree = (watch: Watch) => !busy.has(watchKey(watch));
  const free = due.filter(({ watch }) => isFree(watch));
  const expired = expiredWatch(view.removed.filter(isFree), started, deps.keptForMs);
  if (free.length === 0 && !expired) {
    const warning = warningOf(await incidents.tell(), view.fault?.message);
    // Shares can change without a poll.
    const failing = incidents.shares();
    const isNews = row.rev > 0 && !isDeepStrictEqual(failing, row.failing ?? {});
    if (isNews) await shardRows.note(shard, row, failing).catch(() => undefined);
    return { polls: [], skipped: 0, warning };
  }
  const term = { since: started, until: lastWriteAt(deps, deadline) };
  const held = await shardRows.acquire(shard, row, term);
  if (!held) return { polls: [], skipped: free.length };

  const polls: WatchPoll[] = [];
  const hangs = ({ watch }: Due) =>
    watch.health?.problem.cause === 'timeout' || server.calls.slots.isHeldUp(watch.mailbox);
  // A lease with a single slot cannot be narrowed, so hanging watches would keep the shard from the next tick.
  const isLastSlot = held.slots === 1 && server.calls.options.maxConcurrentPages > 1;
  /** Due watches for the next tick to poll. */
  const postponed = new Set(isLastSlot ? free.filter(hangs) : []);
  const begun = free.filter((each) => !postponed.has(each));
  const inFlight = new Set<string>();
  const ends: Promise<void>[] = [];
  let narrowed: HeldShard | undefined;
  const progress = () => ({
    shards: schedule.shards,
    polled: polledAfter(view, due, postponed, started, to),
    failing: incidents.shares(),
    postponedAt: postponed.size > 0 ? to : undefined,
  });
  const atRelease = { forgiveSince: verifiableSince(mended), progress: () => (narrowed ? undefined : progress()) };
  const [hung, told, kept] = await withShardLease(deps, { held, view, ...atRelease }, async (polling) => {
    const beingDeleted = new Set(expired && [watchKey(expired)]);
    const deleting = expired && deleteExpired(deps, expired, term, deadline).finally(() => beingDeleted.clear());
    // Delete first after a tick that ran out of time, otherwise polls might never leave time for it. But do not make
    // them wait until the server tells its time.
    if (row.postponedAt !== undefined && expired && expiredWatch([expired], server.calls.datedAt, deps.keptForMs))
      await deleting;
    await pLimit(concurrency).map(inOrder(begun, hangs, started), async (each) => {
      const { watch, scope, wantsFacts } = each;
      const key = watchKey(watch);
      if (deps.steady() >= deadline || deps.supervision?.stopping.aborted) {
        postponed.add(each);
        return;
      }
      inFlight.add(key);
      const end = pollAndUpdateHealth(polling, watch, { scope, deadline, wantsFacts }, incidents).then((ended) => {
        inFlight.delete(key);
        polls.push(ended);
        // Another process has the snapshot to itself, for instance to delete it: try at the next tick.
        if (ended.outcome === 'superseded' && ended.requests === 0) postponed.add(each);
        onPoll(ended);
      });
      ends.push(end);
      // A poll that hangs leaves its place to another.
      await server.calls.slots.untilHeldUp(watch.mailbox, end);
    });
    const hung = inFlight.size;
    // If narrowing fails, the next tick waits until the lease ends.
    if (hung > 0)
      narrowed = await shardRows.narrow(held, [...inFlight, ...beingDeleted], progress()).catch(() => undefined);
    if (narrowed) server.calls.slots.share(held.name, narrowed.slots);
    const told = await incidents.tell();
    await Promise.all(ends);
    return [hung, told, await deleting] as const;
  });
  // A hanging poll may have found its watch well since.
  const untold = hung > 0 ? await incidents.tell() : told;
  const clock = row.polled?.some(({ to: last = 0 }) => !hasBeen(last, started)) ? clockSetBack : undefined;
  const warning = warningOf(untold, kept, clock, server.takeWarning(), view.fault?.message);
  return { polls, skipped: begun.length - polls.length, warning };
}

const warningOf = (...texts: readonly (string | undefined)[]) => texts.filter(Boolean).join('; ') || undefined;

const clockSetBack =
  'the last tick lies in the future, so the clock here was ahead and has been set back: every watch is listed in full once';

/** Progress of a shard after a tick that has postponed due watches. */
function polledAfter(view: ShardView, due: readonly Due[], postponed: ReadonlySet<Due>, now: number, to: number) {
  if (postponed.size === 0) return stretchesOf([], to);
  const dueOf = new Map(due.map((each) => [each.watch, each]));
  const marks = view.watches.map((watch) => {
    const place = placeOf(watch);
    const each = dueOf.get(watch);
    const last = each ? each.after : lastTick(view.row, place, now);
    const oldest = each && !postponed.has(each) ? to : (last ?? never);
    return { place, oldest, newest: each ? oldest : to };
  });
  return stretchesOf(marks, to);
}

/** Puts late watches first, the oldest ahead; of the others, those that hung last time come last. */
function inOrder(due: readonly Due[], hangs: (each: Due) => boolean, seed: number): Due[] {
  const newest = Math.max(...due.map(({ after = 0 }) => after));
  const { late = [], timely = [] } = Object.groupBy(due, ({ after = 0, isLate }) =>
    isLate || after < newest ? 'late' : 'timely',
  );
  // Start at another watch each time, otherwise a lack of time would always hit the same ones.
  const start = (hash(String(seed)).high >>> 0) % Math.max(1, timely.length);
  const oldestFirst = late.toSorted((a, b) => (a.after ?? 0) - (b.after ?? 0));
  const ordered = [...timely.slice(start), ...timely.slice(0, start)];
  return [...oldestFirst, ...ordered.toSorted((a, b) => Number(hangs(a)) - Number(hangs(b)))];
}

/** True when the watch was already due at an earlier tick, which postponed some. */
const wasDue = (watch: RegisteredWatch, schedule: Schedule, after: number | undefined, postponedAt = 0): boolean =>
  (after ?? 0) < postponedAt &&
  (watch.scheduledFrom === undefined || Date.parse(watch.scheduledFrom) < postponedAt) &&
  scopeDue(watch, schedule, { after, to: postponedAt }) !== undefined;

interface Due {
  readonly watch: RegisteredWatch;
  readonly scope: Scope;
  readonly wantsFacts: boolean;
  /** Last tick that polled what was due at this place (Unix milliseconds). */
  readonly after: number | undefined;
  /** An earlier tick had no time for it. */
  readonly isLate: boolean;
}

/** Polls one watch. Tells operators of its recovery and a verification that ends soon; `incidents` tells the rest. */
export async function pollAndUpdateHealth(
  deps: PollDependencies,
  watch: RegisteredWatch,
  terms: PollTerms,
  incidents: Incidents,
): Promise<WatchPoll> {
  const started = deps.steady();
  deps.supervision?.polls.add(watch);
  const polled = await pollWatch(deps, watch, terms).catch((error: Error) => failedPoll(problemOfAws(error)));
  const result = { ...polled, problem: polled.problem && withClock(polled.problem, deps.server.calls.clockWords) };
  const ended = deps.now();
  const at = ended.toISOString();

  /** Stores the watch's health and publishes its events. Returns the error for which the next poll must repeat them. */
  async function updateHealth(): Promise<Error | undefined> {
    const { origin, tokens, watches, schedule } = deps;
    const { outcome, problem, isComplete, lacksFacts = watch.lacksFacts ?? false } = result;
    const change = nextHealth(origin, watch, watch.health, problem, isComplete, at);
    const warning = expiryWarning(origin, watch, tokens.cachedVerification(watch.mailbox), at);
    const isChanged = outcome === 'changed' || outcome === 'baseline';
    if (isChanged && schedule.quietIntervalMs) await watches.noteChange(watch, at);
    if (lacksFacts !== (watch.lacksFacts ?? false)) await watches.noteLack(watch, lacksFacts);
    const unchanged = { health: watch.health, event: undefined };
    const current = change || warning ? await watches.commitHealth(watch, change ?? unchanged, warning) : watch;
    if (current) incidents.sees(current);
    return current && announcePending(deps, current);
  }

  const untold = await updateHealth().catch((error: Error) => error);
  deps.supervision?.polls.delete(watch);
  const incompleteSince = Date.parse(watch.health?.incompleteSince ?? at);
  return {
    ...result,
    watch,
    problem: result.problem ?? (untold && problemOfAws(untold)),
    durationMs: deps.steady() - started,
    sinceCompleteMs: result.isComplete ? 0 : Math.max(0, ended.getTime() - incompleteSince),
  };
}

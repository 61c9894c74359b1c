import pLimit from 'p-limit';
import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import { publishEvents } from '#functions/events/publish.ts';
import { nextDigestAt } from '#functions/notices/timetable.ts';
import { isDue, retriesBetween } from '#functions/webhooks/deliveries/delivery.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { limitsOf } from '#functions/webhooks/endpoints/format.ts';
import { admission, type LeaseRow, plausibleLease } from '#functions/webhooks/endpoints/lease.ts';
import { readerOf } from '#functions/webhooks/endpoints/reader.ts';
import { mostPostponedMs } from '#functions/webhooks/endpoints/retry-schedule.ts';
import { sendWakeUps, type WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import type { SweepDependencies } from './dependencies.ts';

export type Sweep = Readonly<Awaited<ReturnType<typeof sweep>>>;

/** Endpoints examined at once, each by one or two queries. */
const concurrency = 16;

/** Retries postponed by a wrong clock that one sweep corrects for each endpoint; the next sweep corrects more. */
const mostMisplaced = 500;

/** Milliseconds for which the sweep checks a lone attempt after its time is over. */
const loneMemoryMs = 180_000;

/** Milliseconds reserved for publishing events about endpoints, however many endpoints there are. */
const warningTimeMs = 5000;

/**
 * Wakes each endpoint that has work and no process for it: due retries, attempts of dead processes, and their tasks.
 * Then publishes pending events about endpoints. @throws the first fault at an endpoint, after the others are done
 */
export async function sweep(deps: SweepDependencies, deadline: Deadline) {
  const { leases, deliveries } = deps;
  const started = deps.now().getTime();
  const { setBack, sweptAt, cameTo, note } = await deps.witness.read(started);
  const budget = retryBudget(deadline, deps.steady);
  /** The first due time that a wrong clock must have set. */
  const misplacedFrom = setBack > 0 ? started + 1 : started + mostPostponedMs;

  const wakeUps: WakeUp[] = [];
  let longestWaitMs = 0;
  /** True when more postponed retries may be left. */
  let isCut = false;

  async function examine(endpoint: Endpoint): Promise<void> {
    const { name, status } = endpoint;
    const { lease: read, tasks } = await leases.look(name, 1);
    const lease = plausibleLease(read, started);
    const admitted = admission(lease, limitsOf(endpoint), started);
    if (await replaceRetries(name)) isCut = true;
    const reader = readerOf(endpoint);
    // A reader of empty digests has one since the earlier sweep, or a clock was set back.
    const isTime = reader?.evenIfEmpty === true && (sweptAt > started || nextDigestAt(reader, sweptAt) <= started);
    const all = { endpoint: name, events: [] };
    // A holder finds work itself, and an open breaker lets no process send; a paused endpoint gets no task anyway.
    if (status === 'active' && admitted.kind !== 'free') {
      if (isTime) wakeUps.push(all);
      return;
    }
    const interrupted = admitted.kind === 'free' ? Object.entries(admitted.interrupted) : [];
    const unfinished = [...interrupted, ...(await unfinishedLone(name, lease))];
    const [task] = tasks;
    const [retry] = await deliveries.due(name, started, 1);
    const since = [task?.at, retry?.dueAt, ...unfinished.map(([, { until }]) => until || started)];
    longestWaitMs = Math.max(longestWaitMs, ...since.map((at = started) => started - at));
    if (unfinished.length > 0) wakeUps.push({ endpoint: name, events: unfinished.map(([event]) => event) });
    if (task || retry || isTime) wakeUps.push(all);
  }

  /** Lone attempts whose time ended a short while ago, and whose deliveries are not done. */
  async function unfinishedLone(endpoint: string, lease: LeaseRow) {
    const over = Object.entries(lease.inFlight).filter(
      ([, { isLone, until }]) => isLone && until <= started && (until === 0 || started - until < loneMemoryMs),
    );
    const names = over.map(([event]) => ({ event, endpoint }));
    const due = (await deliveries.read(names, budget)).filter((delivery) => isDue(delivery, started));
    const waiting = new Set(due.map(({ event }) => event));
    return over.filter(([event]) => waiting.has(event));
  }

  /** Makes retries due that a fast clock postponed, however late the index has them; true when more may be left. */
  async function replaceRetries(endpoint: string) {
    const misplaced = [retriesBetween(endpoint, misplacedFrom, Number.MAX_SAFE_INTEGER)];
    let replaced = 0;
    for await (const page of deliveries.pages(misplaced, budget)) {
      const now = deps.now().getTime();
      const due = page.deliveries.filter((delivery) => isDue(delivery, now));
      await pLimit(concurrency).map(due, (delivery) => {
        const step = { status: 'PENDING', attempt: delivery.attempt, nextAttemptAt: started } as const;
        return deliveries.step(delivery, step, now, { rev: delivery.rev });
      });
      replaced += due.length;
      if (replaced >= mostMisplaced || deps.steady() >= deadline) return true;
    }
    return false;
  }

  const limit = pLimit(concurrency);
  let [reached, left] = ['', 0];
  const telling: Endpoint[] = [];
  let fault: Error | undefined;
  const fail = (error: Error) => {
    fault ??= error;
  };
  for await (const { endpoints, fault: unreadable } of deps.endpoints.pages(cameTo)) {
    if (unreadable) fail(unreadable);
    await limit.map(endpoints, async (endpoint) => {
      if (endpoint.pending?.length) telling.push(endpoint);
      if (deps.steady() >= deadline - warningTimeMs) {
        left += 1;
        return;
      }
      reached = endpoint.name;
      // A fault at one endpoint does not keep the sweep from the others.
      await examine(endpoint).catch(fail);
    });
  }
  const refused = await sendWakeUps(deps, wakeUps);
  let [announced, failed] = [0, refused.length];
  // Publish last: deliveries must not wait for SNS.
  await limit.map(telling, async (endpoint) => {
    const { length } = endpoint.pending!;
    if (deps.steady() >= deadline) return;
    if ((await publishEvents(deps.topic, endpoint.pending!)).error) failed += length;
    else await deps.endpoints.clearPending(endpoint).then(() => (announced += length), fail);
  });
  // While postponed retries are left, keep the old time, so that the next sweep looks for them too.
  await note(left > 0 ? reached : '', setBack === 0 || (left === 0 && !isCut && !fault));
  if (fault) throw fault;
  return {
    woken: new Set(wakeUps.map(({ endpoint }) => endpoint)).size,
    /** Endpoints left to the next sweep, because time was short. */
    left,
    /** Milliseconds for which the longest overdue work has been due. */
    longestWaitMs,
    announced,
    /** Wake-ups that SQS did not take, and events that SNS did not take. */
    failed,
    /** Milliseconds by which the clock was set back since an earlier sweep; told until all retries are checked. */
    ...(setBack > 0 && { clockSetBackMs: setBack }),
  };
}

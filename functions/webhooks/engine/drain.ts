import { isDigestId } from '#functions/notices/digest.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import type { EndpointDeliveries } from '#functions/webhooks/deliveries/deliveries.ts';
import { type Delivery, isDue } from '#functions/webhooks/deliveries/delivery.ts';
import { healthAfter, stepWithoutAttempt } from '#functions/webhooks/deliveries/next-step.ts';
import { deliveryFacts, type Settled, settledChannel } from '#functions/webhooks/deliveries/settled.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { isForPeople, limitsOf } from '#functions/webhooks/endpoints/format.ts';
import type { Admission, LeaseRow } from '#functions/webhooks/endpoints/lease.ts';
import { longestDelayMs, sendWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import { heldLease } from './held-lease.ts';
import { newAttempts, releasedIfResumed } from './in-flight-attempts.ts';
import type { Work } from './work.ts';

/** Milliseconds after which a drain hands its endpoint over, so that endpoints take turns: half the function's time. */
const drainTimeMs = 20_000;

/** Deliveries put aside at once, each by one write. */
const concurrency = 25;

/** Lost races for the lease after which a drain leaves the endpoint to the other processes. */
const maxLosses = 3;

interface DrainStart {
  readonly lease: LeaseRow;
  /** First deliveries, read together with the endpoint. */
  readonly found: EndpointDeliveries;
  /** Instant of the steady clock after which no attempt begins. */
  readonly beginUntil: number;
  /** Aborts when the process is to end. */
  readonly stopping: AbortSignal | undefined;
  /** Takes the deliveries that this drain settles. */
  readonly settled: Settled[];
}

/**
 * Makes due deliveries to one endpoint under its lease, or leaves a task to the process that holds the lease.
 * @throws the first fault that kept deliveries from being made, after all attempts have ended
 */
export async function drain(deps: DeliverDependencies, work: Work, start: DrainStart): Promise<void> {
  const { name } = work;
  const beginUntil = Math.min(start.beginUntil, deps.steady() + drainTimeMs);
  const holding = heldLease(deps, name, start.lease);
  const attempts = newAttempts(deps, holding, work, settle);
  let found: EndpointDeliveries | undefined = start.found;
  let endpoint: Endpoint | undefined;
  /** Latest end of another process's attempt at a delivery that our wake-ups name as well. */
  let othersEndAt = 0;
  /** Time to look at the tasks that are left. */
  let tasksAt = Number.POSITIVE_INFINITY;
  let isTurnedAway = false;

  const now = (): number => deps.now().getTime();
  const mayBeginAt = (): number => Math.max(othersEndAt, holding.mayBeginAt());
  const isTimeOver = (): boolean => deps.steady() >= beginUntil || start.stopping?.aborted === true;

  function settle(one: Settled): void {
    start.settled.push(one);
    if (settledChannel.hasSubscribers) settledChannel.publish(deliveryFacts(one));
  }

  function know(read: Endpoint | undefined): void {
    endpoint = read;
    if (read) holding.limits = limitsOf(read);
  }

  function mayBegin(): boolean {
    const { made, fault } = attempts;
    const isGone = made.some(({ outcome }) => outcome.kind === 'gone');
    const isAlone = holding.isLone && made.length > 0;
    const isOver = isTimeOver() || holding.isLost || fault !== undefined || isGone || isAlone;
    return !isOver && endpoint?.status === 'active' && holding.room() > 0;
  }

  /** Leaves the work to the holder of the lease; true when the lease is free after all. */
  async function giveWay(admitted: Exclude<Admission, { kind: 'free' }>): Promise<boolean> {
    const isLeft = await work.leave(admitted.kind === 'held');
    // The holder may have made the deliveries that were read.
    found = undefined;
    // Read the lease after leaving the task: the holder looks for tasks once more after its release.
    holding.lease = await deps.leases.read(name);
    const again = holding.admission();
    isTurnedAway = again.kind === 'held';
    if (again.kind === 'free') return isLeft || work.wantsRetries;
    // Only for an endpoint with a pace. The sweep wakes an endpoint whose circuit breaker half-opens.
    if (again.kind === 'shut' && again.until === holding.lease.freeAt && isLeft) tasksAt = again.until;
    return false;
  }

  /** Makes deliveries under the lease; true when there is more to do. */
  async function deliver(): Promise<boolean> {
    work.add(holding.take(work.isSingle));
    for (;;) {
      const chosen = await choose();
      if (chosen.length > 0) for (const each of await enter(chosen)) attempts.begin(each, endpoint!);
      if (attempts.ends.size > 0) await attempts.waitForMore(mayBegin());
      else if (chosen.length === 0 || !mayBegin()) break;
    }
    const isLeft = await leave().catch(attempts.fail);
    // Even after a fault, otherwise this process would take itself for the holder forever.
    holding.die();
    if (attempts.fault) throw attempts.fault;
    return isLeft === true;
  }

  /** Chooses the next deliveries to attempt, and settles those that must not be attempted. */
  async function choose(): Promise<Delivery[]> {
    const chosen: Delivery[] = [];
    try {
      while (mayBegin() && chosen.length < holding.room()) {
        const isIdle = attempts.ends.size === 0 && chosen.length === 0;
        const look = await work.look(holding.room() - chosen.length, isIdle, found);
        found = undefined;
        if (!look) break;
        know(look.endpoint);
        // `putAside` takes them all together, and reads the endpoint again.
        if (look.endpoint?.status !== 'active') {
          for (const { event } of look.deliveries) work.putBack(event);
          break;
        }
        for (const delivery of look.deliveries)
          if (await isToAttempt(delivery, look.endpoint)) chosen.push(holding.counted(delivery));
        // Decrypt before any write: an attempt that cannot be signed must not count.
        attempts.open(look.endpoint);
      }
    } catch (error) {
      attempts.fail(error as Error);
    }
    const isInVain = attempts.fault !== undefined || endpoint?.status !== 'active';
    if (isInVain) for (const { event } of chosen.splice(0)) work.putBack(event);
    return chosen;
  }

  async function isToAttempt(delivery: Delivery, { format }: Endpoint): Promise<boolean> {
    if (!isDue(delivery, now())) {
      // The process that held it died before it could see that the endpoint was resumed.
      const [looked] = delivery.status === 'HELD' ? await releasedIfResumed(deps, [delivery]) : [];
      if (looked?.status === 'PENDING') work.putBack(delivery.event);
      else work.done(delivery.event);
      return false;
    }
    const endAt = holding.othersEndAt(delivery);
    if (endAt !== undefined) {
      // Another process makes a lone attempt. If that process dies, this wake-up may be the only one left.
      work.defer(delivery.event);
      othersEndAt = Math.max(othersEndAt, endAt);
      return false;
    }
    const step = stepWithoutAttempt(holding.counted(delivery), endpoint);
    // People get events by digests alone; the next one gathers those that have come since.
    if (!step && (!isForPeople(format) || isDigestId(delivery.event))) return true;
    const taken = step && (await deps.deliveries.step(delivery, step, now()));
    if (taken) settle({ delivery: taken });
    work.done(delivery.event);
    return false;
  }

  /** Writes attempts into the lease, and returns the deliveries whose attempts may begin. */
  async function enter(chosen: readonly Delivery[]): Promise<readonly Delivery[]> {
    const entry = await holding.enter(chosen).catch(attempts.fail);
    work.add(entry?.leftBehind ?? []);
    // Another process may have made them between our read and our lease.
    let fresh = entry?.isNews ? await work.unchanged(chosen).catch(attempts.fail) : entry && chosen;
    if (entry && deps.steady() > entry.beginUntil) fresh = undefined;
    for (const { event } of chosen.filter((delivery) => !fresh?.includes(delivery))) {
      holding.end(event);
      work.putBack(event);
    }
    return fresh ?? [];
  }

  /** Releases the lease, and leaves the rest to the next drain; true when this drain has more to do. */
  async function leave(): Promise<boolean> {
    const isLeft = await work.leave(false);
    await holding.release(attempts.fault !== undefined);
    await tellHealth();
    // Look for tasks after the release: another process leaves its task before it reads the lease again.
    const isMore = isLeft || (!holding.isLone && (await deps.leases.tasks(name, '', 1)).length > 0);
    if (!isMore || attempts.fault) return false;
    if (endpoint?.status !== 'active') return true;
    if (mayBeginAt() <= now() && !isTimeOver() && holding.losses < maxLosses) return true;
    tasksAt = now();
    return false;
  }

  /**
   * Holds the deliveries of a paused or disabled endpoint, and cancels those of a removed one. It needs no lease: it
   * makes no request, and changes a delivery only if its `rev` has not changed.
   */
  async function putAside(): Promise<void> {
    holding.lease = await deps.leases.read(name);
    const interrupted = holding.take(false);
    work.add(interrupted);
    const held: Delivery[] = [];
    let read = endpoint;
    // No sweep looks at a removed endpoint later, so take all of its retries now.
    if (!read) work.takeAllRetries();
    while (deps.steady() < beginUntil) {
      const look = await work.look(concurrency, true);
      if (!look) break;
      read = look.endpoint;
      await Promise.all(
        look.deliveries.map(async (delivery) => {
          const isWaiting = delivery.status === 'PENDING' && (!read || isDue(delivery, now()));
          const step = isWaiting ? stepWithoutAttempt(delivery, read) : undefined;
          const taken = step && (await deps.deliveries.step(delivery, step, now()));
          if (step || !isWaiting) work.done(delivery.event);
          // The endpoint was resumed at this very moment.
          else work.putBack(delivery.event);
          if (taken?.status === 'HELD') held.push(taken);
          else if (taken) settle({ delivery: taken });
        }),
      );
      if (read?.status === 'active') break;
    }
    // Before what is done is given up: should it fail, the queue brings the wake-up again.
    const checked = await releasedIfResumed(deps, held);
    for (const delivery of checked) settle({ delivery });
    const isShort = deps.steady() >= beginUntil;
    const isLeft = await work.leave(false);
    if (!read) await Promise.all([deps.leases.forget(name), deps.plans.forget(name)]);
    if (checked.some(({ status }) => status === 'PENDING') || isLeft || isShort) await wake(now());
    // Otherwise the sweep would keep waking the endpoint for these attempts.
    else if (interrupted.length > 0) await holding.release(false);
  }

  /** Records what the attempts show of the endpoint's health, so that operators hear of it. */
  async function tellHealth(): Promise<void> {
    const made = attempts.made.splice(0);
    if (!endpoint || made.length === 0) return;
    const isGone = made.some(({ outcome }) => outcome.kind === 'gone');
    const change = isGone ? undefined : healthAfter(endpoint, holding.lease, made, now());
    if (!change && !isGone) return;
    if (change) await deps.endpoints.commitHealth(endpoint, change);
    know(await deps.endpoints.find(name));
  }

  /** Sends one wake-up for all that is left to do, unless that is due later than SQS can delay messages. */
  async function wakeAgain(): Promise<void> {
    let at = Math.min(attempts.nextRetryAt, tasksAt);
    // The holder that turned this drain away has a task to look at the retries.
    if (work.wantsRetries && !isTurnedAway) {
      const [next] = await deps.deliveries.due(name, now() + longestDelayMs, 1);
      at = Math.min(at, next?.dueAt ?? at);
    }
    if (at !== Number.POSITIVE_INFINITY) await wake(Math.max(at, mayBeginAt()));
  }

  /** @throws Error when SQS does not take the wake-up of a removed endpoint, which no sweep would repeat */
  async function wake(at: number): Promise<void> {
    const refused = await sendWakeUps(deps, [{ endpoint: name, events: [], at }]);
    if (refused.length === 0 || endpoint) return;
    work.isKept = false;
    throw new Error(`SQS did not take the wake-up of ${name}, which was removed; the queue brings the last one again`);
  }

  know(start.found.endpoint);
  let goesOn = true;
  while (goesOn) {
    if (endpoint?.status !== 'active') return putAside();
    const admitted = holding.admission();
    goesOn = await (admitted.kind === 'free' ? deliver() : giveWay(admitted));
  }
  await wakeAgain();
}

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
import { HeldLease } from './held-lease.ts';
import { InFlightAttempts } from './in-flight-attempts.ts';
import { putAside, releasedIfResumed } from './put-aside.ts';
import { Work } from './work.ts';

/** Milliseconds after which a drain hands its endpoint over, so that endpoints take turns: half the function's time. */
const drainTimeMs = 20_000;

/** Lost races for the lease after which a drain leaves the endpoint to the other processes. */
const maxLosses = 3;

interface DrainStart {
  /** Ids of events that wake-ups name. */
  readonly events: readonly string[];
  readonly wantsRetries: boolean;
  readonly lease: LeaseRow;
  /** First deliveries, read together with the endpoint. */
  readonly found: EndpointDeliveries;
  /** Instant of the steady clock after which no attempt begins. */
  readonly beginUntil: number;
  /** Aborts when the process is to end. */
  readonly stopping: AbortSignal | undefined;
}

/** Makes due deliveries to one endpoint under its lease, or leaves a task to the process that holds the lease. */
export class Drain {
  readonly settled: Settled[] = [];
  private readonly deps: DeliverDependencies;
  private readonly name: string;
  private readonly stopping: AbortSignal | undefined;
  readonly work: Work;
  private readonly holding: HeldLease;
  private readonly beginUntil: number;
  private endpoint: Endpoint | undefined;
  private found: EndpointDeliveries | undefined;
  private readonly attempts: InFlightAttempts;
  /** Latest end of another process's attempt at a delivery that our wake-ups name as well. */
  private othersEndAt = 0;
  /** Time to look at the tasks that are left. */
  private tasksAt = Number.POSITIVE_INFINITY;
  private isTurnedAway = false;

  private readonly settle = (settled: Settled): void => {
    this.settled.push(settled);
    if (settledChannel.hasSubscribers) settledChannel.publish(deliveryFacts(settled));
  };

  constructor(deps: DeliverDependencies, name: string, start: DrainStart) {
    this.deps = deps;
    this.name = name;
    this.stopping = start.stopping;
    this.work = new Work(deps, name, start.events, start.wantsRetries);
    this.beginUntil = Math.min(start.beginUntil, deps.steady() + drainTimeMs);
    this.holding = new HeldLease(deps, name, start.lease);
    this.attempts = new InFlightAttempts(deps, this.holding, this.work, this.settle);
    this.know(start.found.endpoint);
    this.found = start.found;
  }

  /** @throws the first fault that kept deliveries from being made, after all attempts have ended */
  async run(): Promise<void> {
    for (;;) {
      if (this.endpoint?.status !== 'active') return this.putAside();
      const { admission: admitted } = this.holding;
      const goesOn = admitted.kind === 'free' ? await this.drain() : await this.giveWay(admitted);
      if (!goesOn) break;
    }
    await this.wakeAgain();
  }

  /** Leaves the work to the holder of the lease; true when the lease is free after all. */
  private async giveWay(admitted: Exclude<Admission, { kind: 'free' }>): Promise<boolean> {
    const isLeft = await this.work.leave(admitted.kind === 'held');
    // The holder may have made the deliveries that were read.
    this.found = undefined;
    // Read the lease after leaving the task: the holder looks for tasks once more after its release.
    this.holding.lease = await this.deps.leases.read(this.name);
    const { admission: again } = this.holding;
    this.isTurnedAway = again.kind === 'held';
    if (again.kind === 'free') return isLeft || this.work.wantsRetries;
    // Only for an endpoint with a pace. The sweep wakes an endpoint whose circuit breaker half-opens.
    if (again.kind === 'shut' && again.until === this.holding.lease.freeAt && isLeft) this.tasksAt = again.until;
    return false;
  }

  /** Makes deliveries under the lease; true when there is more to do. */
  private async drain(): Promise<boolean> {
    this.work.add(this.holding.take(this.work.isSingle));
    for (;;) {
      const chosen = await this.choose();
      if (chosen.length > 0) for (const each of await this.enter(chosen)) this.attempts.begin(each, this.endpoint!);
      if (this.attempts.ends.size > 0) await this.attempts.waitForMore(this.mayBegin);
      else if (chosen.length === 0 || !this.mayBegin) break;
    }
    const isLeft = await this.leave().catch(this.attempts.fail);
    // Even after a fault, otherwise this process would take itself for the holder forever.
    this.holding.die();
    if (this.attempts.fault) throw this.attempts.fault;
    return isLeft === true;
  }

  /** Chooses the next deliveries to attempt, and settles those that must not be attempted. */
  private async choose(): Promise<Delivery[]> {
    const chosen: Delivery[] = [];
    try {
      while (this.mayBegin && chosen.length < this.holding.room) {
        const isIdle = this.attempts.ends.size === 0 && chosen.length === 0;
        const look = await this.work.look(this.holding.room - chosen.length, isIdle, this.found);
        this.found = undefined;
        if (!look) break;
        this.know(look.endpoint);
        // `putAside` takes them all together, and reads the endpoint again.
        if (this.endpoint?.status !== 'active') {
          for (const { event } of look.deliveries) this.work.putBack(event);
          break;
        }
        for (const delivery of look.deliveries)
          if (await this.isToAttempt(delivery)) chosen.push(this.holding.counted(delivery));
        // Decrypt before any write: an attempt that cannot be signed must not count.
        this.attempts.open(this.endpoint);
      }
    } catch (error) {
      this.attempts.fail(error as Error);
    }
    const isInVain = this.attempts.fault !== undefined || this.endpoint?.status !== 'active';
    if (isInVain) for (const { event } of chosen.splice(0)) this.work.putBack(event);
    return chosen;
  }

  private async isToAttempt(delivery: Delivery): Promise<boolean> {
    const now = this.now();
    if (!isDue(delivery, now)) {
      // The process that held it died before it could see that the endpoint was resumed.
      const [looked] = delivery.status === 'HELD' ? await releasedIfResumed(this.deps, [delivery]) : [];
      if (looked?.status === 'PENDING') this.work.putBack(delivery.event);
      else this.work.done(delivery.event);
      return false;
    }
    const othersEndAt = this.holding.othersEndAt(delivery);
    if (othersEndAt !== undefined) {
      // Another process makes a lone attempt. If that process dies, this wake-up may be the only one left.
      this.work.defer(delivery.event);
      this.othersEndAt = Math.max(this.othersEndAt, othersEndAt);
      return false;
    }
    const step = stepWithoutAttempt(this.holding.counted(delivery), this.endpoint);
    // People get events by digests alone; the next one gathers those that have come since.
    const isAttempted = !isForPeople(this.endpoint!.format) || isDigestId(delivery.event);
    if (!step && isAttempted) return true;
    const taken = step && (await this.deps.deliveries.step(delivery, step, now));
    if (taken) this.settle({ delivery: taken });
    this.work.done(delivery.event);
    return false;
  }

  /** Writes attempts into the lease, and returns the deliveries whose attempts may begin. */
  private async enter(chosen: readonly Delivery[]): Promise<readonly Delivery[]> {
    const entry = await this.holding.enter(chosen).catch(this.attempts.fail);
    this.work.add(entry?.leftBehind ?? []);
    // Another process may have made them between our read and our lease.
    let fresh = entry?.isNews ? await this.work.unchanged(chosen).catch(this.attempts.fail) : entry && chosen;
    if (entry && this.deps.steady() > entry.beginUntil) fresh = undefined;
    for (const { event } of chosen.filter((delivery) => !fresh?.includes(delivery))) {
      this.holding.end(event);
      this.work.putBack(event);
    }
    return fresh ?? [];
  }

  /** Releases the lease, and leaves the rest to the next drain; true when this drain has more to do. */
  private async leave(): Promise<boolean> {
    const isLeft = await this.work.leave(false);
    await this.holding.release(this.attempts.fault !== undefined);
    await this.tellHealth();
    // Look for tasks after the release: another process leaves its task before it reads the lease again.
    const isMore = isLeft || (!this.holding.isLone && (await this.deps.leases.tasks(this.name, '', 1)).length > 0);
    if (!isMore || this.attempts.fault) return false;
    if (this.endpoint?.status !== 'active') return true;
    const now = this.now();
    if (this.mayBeginAt <= now && !this.isTimeOver && this.holding.losses < maxLosses) return true;
    this.tasksAt = now;
    return false;
  }

  /** Holds or cancels the deliveries of an endpoint that is paused, disabled or removed. */
  private async putAside(): Promise<void> {
    const { deps, work, endpoint, beginUntil, holding } = this;
    holding.lease = await deps.leases.read(this.name);
    const interrupted = holding.take(false);
    work.add(interrupted);
    const isCutShort = await putAside(deps, work, endpoint, beginUntil, this.settle);
    if (isCutShort) await this.wake(this.now());
    // Otherwise the sweep would keep waking the endpoint for these attempts.
    else if (interrupted.length > 0) await holding.release(false);
  }

  /** Records what the attempts show of the endpoint's health, so that operators hear of it. */
  private async tellHealth(): Promise<void> {
    const { endpoint, deps } = this;
    const attempts = this.attempts.made.splice(0);
    if (!endpoint || attempts.length === 0) return;
    const isGone = attempts.some(({ outcome }) => outcome.kind === 'gone');
    const change = isGone ? undefined : healthAfter(endpoint, this.holding.lease, attempts, this.now());
    if (!change && !isGone) return;
    if (change) await deps.endpoints.commitHealth(endpoint, change);
    this.know(await deps.endpoints.find(this.name));
  }

  /** Sends one wake-up for all that is left to do, unless that is due later than SQS can delay messages. */
  private async wakeAgain(): Promise<void> {
    let at = Math.min(this.attempts.nextRetryAt, this.tasksAt);
    // The holder that turned this drain away has a task to look at the retries.
    if (this.work.wantsRetries && !this.isTurnedAway) {
      const [next] = await this.deps.deliveries.due(this.name, this.now() + longestDelayMs, 1);
      at = Math.min(at, next?.dueAt ?? at);
    }
    if (at !== Number.POSITIVE_INFINITY) await this.wake(Math.max(at, this.mayBeginAt));
  }

  private get mayBeginAt(): number {
    return Math.max(this.othersEndAt, this.holding.mayBeginAt);
  }

  /** @throws Error when SQS does not take the wake-up of a removed endpoint, which no sweep would repeat */
  private async wake(at: number): Promise<void> {
    const refused = await sendWakeUps(this.deps, [{ endpoint: this.name, events: [], at }]);
    if (refused.length === 0 || this.endpoint) return;
    this.work.isKept = false;
    throw new Error(
      `SQS did not take the wake-up of ${this.name}, which was removed; the queue brings the last one again`,
    );
  }

  private know(endpoint: Endpoint | undefined): void {
    this.endpoint = endpoint;
    if (endpoint) this.holding.limits = limitsOf(endpoint);
  }

  private get isTimeOver(): boolean {
    return this.deps.steady() >= this.beginUntil || this.stopping?.aborted === true;
  }

  private get mayBegin(): boolean {
    const { made, fault } = this.attempts;
    const isGone = made.some(({ outcome }) => outcome.kind === 'gone');
    const isAlone = this.holding.isLone && made.length > 0;
    const isOver = this.isTimeOver || this.holding.isLost || fault !== undefined || isGone || isAlone;
    return !isOver && this.endpoint?.status === 'active' && this.holding.room > 0;
  }

  private now(): number {
    return this.deps.now().getTime();
  }
}

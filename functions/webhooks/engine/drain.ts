import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { stepDelivery } from '#functions/webhooks/deliveries/deliveries.ts';
import { type Delivery, isDue } from '#functions/webhooks/deliveries/delivery.ts';
import { dueEvents } from '#functions/webhooks/deliveries/delivery-index.ts';
import { healthAfter, stepWithoutAttempt } from '#functions/webhooks/deliveries/next-step.ts';
import { type Settled, tellSettled } from '#functions/webhooks/deliveries/settled.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { commitHealth, findEndpoint } from '#functions/webhooks/endpoints/endpoints.ts';
import { limitsOf } from '#functions/webhooks/endpoints/format.ts';
import type { Admission, Lease } from '#functions/webhooks/endpoints/lease.ts';
import { longestDelay, sendWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import { HeldLease } from './held-lease.ts';
import { putAside, releasedIfResumed } from './put-aside.ts';
import { UnderWay } from './under-way.ts';
import { type Rows, Work } from './work.ts';

/** Milliseconds for which a process drains an endpoint before it hands over, so that endpoints take turns. */
const drainFor = 20_000;

/** Times that another process may be quicker before a drain leaves the endpoint to the others. */
const maxLosses = 3;

/** What a drain is begun with. */
export interface DrainStart {
  /** Ids of events that wake-ups name. */
  readonly events: readonly string[];
  /** Whether retries are looked at that are due. */
  readonly wantsRetries: boolean;
  readonly endpoint: Endpoint | undefined;
  readonly lease: Lease;
  /** Deliveries that were read with the endpoint: the first ones. */
  readonly rows: Rows;
  /** Instant of the steady clock after which no attempt is begun. */
  readonly beginUntil: number;
  /** Aborts when the process is to end. */
  readonly stopping: AbortSignal | undefined;
}

/**
 * Makes the deliveries to one endpoint, and goes on until none is due or its time is over. It holds the endpoint's lease
 * meanwhile; if another process does, it leaves that one a request.
 */
export class Drain {
  /** What was looked after, so far. */
  readonly settled: Settled[] = [];
  private readonly deps: DeliverDependencies;
  private readonly name: string;
  private readonly start: DrainStart;
  readonly work: Work;
  private readonly holding: HeldLease;
  private readonly beginUntil: number;
  private endpoint: Endpoint | undefined;
  private rows: Rows | undefined;
  private readonly underWay: UnderWay;
  /** End of the last attempt of another process that a wake-up came for, too. */
  private othersEndAt = 0;
  /** When requests are to be looked at that are left. */
  private requestsAt = Number.POSITIVE_INFINITY;
  private isTurnedAway = false;
  /** Times that another process was quicker to take the lease. */
  private losses = 0;

  private readonly settle = (settled: Settled): void => {
    this.settled.push(settled);
    tellSettled(settled);
  };

  constructor(deps: DeliverDependencies, name: string, start: DrainStart) {
    this.deps = deps;
    this.name = name;
    this.start = start;
    this.work = new Work(deps, name, start.events, start.wantsRetries);
    this.beginUntil = Math.min(start.beginUntil, deps.steady() + drainFor);
    this.holding = new HeldLease(deps, name, start.lease);
    this.underWay = new UnderWay(deps, this.holding, this.work, this.settle);
    this.know(start.endpoint);
    this.rows = start.rows;
  }

  /** @throws what keeps the deliveries from being looked after, once nothing of it is under way any more */
  async run(): Promise<void> {
    for (;;) {
      if (this.endpoint?.status !== 'active') return this.putAside();
      const { admission: admitted } = this.holding;
      const goesOn = admitted.kind === 'free' ? await this.drain() : await this.giveWay(admitted);
      if (!goesOn) break;
    }
    await this.wakeAgain();
  }

  /** @returns whether the lease is free after all */
  private async giveWay(admitted: Exclude<Admission, { kind: 'free' }>): Promise<boolean> {
    const { leases } = this.deps;
    const isLeft = await this.work.leave(this.now(), admitted.kind === 'held');
    // What was read may have been made meanwhile.
    this.rows = undefined;
    // In this order: the holder looks for requests once more after it has given up the lease.
    this.holding.lease = await leases.read(this.name);
    const { admission: again } = this.holding;
    this.isTurnedAway = again.kind === 'held';
    if (again.kind === 'free') return isLeft || this.work.wantsRetries;
    // Of an endpoint with a pace; when a circuit breaker half-opens, the sweep looks after it.
    if (again.kind === 'shut' && again.until === this.holding.lease.freeAt && isLeft) this.requestsAt = again.until;
    return false;
  }

  /** @returns whether there is more to do */
  private async drain(): Promise<boolean> {
    this.work.add(this.holding.take(this.work.isSingle));
    for (;;) {
      const chosen = await this.choose();
      if (chosen.length > 0) for (const each of await this.enter(chosen)) this.underWay.begin(each, this.endpoint!);
      if (this.underWay.ends.size > 0) await this.underWay.waitForMore(this.mayBegin);
      else if (chosen.length === 0 || !this.mayBegin) break;
    }
    const isLeft = await this.leave().catch(this.underWay.fail);
    // However that went: this process must not take itself for the holder for ever.
    this.holding.die();
    if (this.underWay.fault) throw this.underWay.fault;
    return isLeft === true;
  }

  /** The next deliveries to attempt; what is not to be attempted is put where it belongs. */
  private async choose(): Promise<Delivery[]> {
    const chosen: Delivery[] = [];
    try {
      while (this.mayBegin && chosen.length < this.holding.room) {
        const isIdle = this.underWay.ends.size === 0 && chosen.length === 0;
        const look = await this.work.look(this.holding.room - chosen.length, isIdle, this.rows);
        this.rows = undefined;
        if (!look) break;
        this.know(look.endpoint);
        // They are put aside all together, with another look at the endpoint.
        if (this.endpoint?.status !== 'active') {
          for (const { event } of look.deliveries) this.work.putBack(event);
          break;
        }
        for (const delivery of look.deliveries)
          if (await this.isToAttempt(delivery)) chosen.push(this.holding.counted(delivery));
        // Before anything is written down: an attempt that cannot be signed is none.
        this.underWay.open(this.endpoint);
      }
    } catch (error) {
      this.underWay.fail(error as Error);
    }
    const isInVain = this.underWay.fault !== undefined || this.endpoint?.status !== 'active';
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
      // A lone attempt of another process: if that one dies, this wake-up may be the only one that is left.
      this.work.defer(delivery.event);
      this.othersEndAt = Math.max(this.othersEndAt, othersEndAt);
      return false;
    }
    const step = stepWithoutAttempt(this.holding.counted(delivery), this.endpoint);
    if (!step) return true;
    const taken = await stepDelivery(this.deps, delivery, step, now);
    if (taken) this.settle({ delivery: taken });
    this.work.done(delivery.event);
    return false;
  }

  /** Writes down what is about to begin, and returns those deliveries that may. */
  private async enter(chosen: readonly Delivery[]): Promise<readonly Delivery[]> {
    const entry = await this.holding.enter(chosen).catch(this.underWay.fail);
    if (this.holding.isLost) this.losses += 1;
    this.work.add(entry?.leftBehind ?? []);
    // Another process may have made them, after they were read and before the lease was this one's.
    let fresh = entry?.isNews ? await this.work.unchanged(chosen).catch(this.underWay.fail) : entry && chosen;
    if (entry && this.deps.steady() > entry.beginUntil) fresh = undefined;
    for (const { event } of chosen.filter((delivery) => !fresh?.includes(delivery))) {
      this.holding.end(event);
      this.work.putBack(event);
    }
    return fresh ?? [];
  }

  /**
   * Gives the lease back, and leaves what is not done to the next drain.
   *
   * @returns whether there is more to do for this one
   */
  private async leave(): Promise<boolean> {
    const { leases } = this.deps;
    const isLeft = await this.work.leave(this.now(), false);
    await this.holding.release(this.underWay.fault !== undefined);
    await this.tellHealth();
    // Only now: a process that came too early for the lease left a request before it looked at the lease again.
    const hasRequests = isLeft || (!this.holding.isLone && (await leases.requests(this.name, '', 1)).length > 0);
    if (!hasRequests || this.underWay.fault) return false;
    if (this.endpoint?.status !== 'active') return true;
    const now = this.now();
    if (this.mayBeginAt <= now && !this.isTimeOver && this.losses < maxLosses) return true;
    this.requestsAt = now;
    return false;
  }

  /** Puts deliveries where they belong whose endpoint is paused, disabled or gone. */
  private async putAside(): Promise<void> {
    const { deps, work, endpoint, beginUntil, holding } = this;
    holding.lease = await deps.leases.read(this.name);
    const interrupted = holding.take(false);
    work.add(interrupted);
    const isCutShort = await putAside(deps, work, endpoint, beginUntil, this.settle);
    if (isCutShort) await this.wake(this.now());
    // Else the sweep would go on having them looked at.
    else if (interrupted.length > 0) await holding.release(false);
  }

  /** Tells operators what the attempts show of the endpoint's health. */
  private async tellHealth(): Promise<void> {
    const { deps, endpoint } = this;
    const attempts = this.underWay.made.splice(0);
    if (!endpoint || attempts.length === 0) return;
    const isGone = attempts.some(({ outcome }) => outcome.kind === 'gone');
    const change = isGone ? undefined : healthAfter(endpoint, this.holding.lease, attempts, this.now());
    if (!change && !isGone) return;
    if (change) await commitHealth(deps, endpoint, change);
    this.know(await findEndpoint(deps, this.name));
  }

  /** Has the endpoint looked at when there is more to do for it, as far as that is near: by one wake-up for all of it. */
  private async wakeAgain(): Promise<void> {
    let at = Math.min(this.underWay.nextRetryAt, this.requestsAt);
    // The process that holds the endpoint looks at them itself: it was asked to.
    if (this.work.wantsRetries && !this.isTurnedAway) {
      const [next] = await dueEvents(this.deps, this.name, this.now() + longestDelay, 1);
      at = Math.min(at, next?.dueAt ?? at);
    }
    if (at !== Number.POSITIVE_INFINITY) await this.wake(Math.max(at, this.mayBeginAt));
  }

  private get mayBeginAt(): number {
    return Math.max(this.othersEndAt, this.holding.mayBeginAt);
  }

  /** @throws Error when SQS does not take it, where no sweep would make up for it */
  private async wake(at: number): Promise<void> {
    const refused = await sendWakeUps(this.deps, [{ endpoint: this.name, events: [], at }]);
    if (refused.length === 0 || this.endpoint) return;
    this.work.isKept = false;
    throw new Error(
      `SQS did not take the wake-up of ${this.name}, which was removed; the queue brings the last one again`,
    );
  }

  /** Knows the endpoint as it is now. */
  private know(endpoint: Endpoint | undefined): void {
    this.endpoint = endpoint;
    if (endpoint) this.holding.limits = limitsOf(endpoint);
  }

  private get isTimeOver(): boolean {
    return this.deps.steady() >= this.beginUntil || (this.start.stopping?.aborted ?? false);
  }

  private get mayBegin(): boolean {
    const { made, fault } = this.underWay;
    const isGone = made.some(({ outcome }) => outcome.kind === 'gone');
    const isAlone = this.holding.isLone && made.length > 0;
    const isShort = this.isTimeOver || this.holding.isLost || fault !== undefined || isGone || isAlone;
    return !isShort && this.endpoint?.status === 'active' && this.holding.room > 0;
  }

  private now(): number {
    return this.deps.now().getTime();
  }
}

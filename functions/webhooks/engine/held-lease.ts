import { randomUUID } from 'node:crypto';
import type { Attempt, DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import type { Delivery } from '#functions/webhooks/deliveries/delivery.ts';
import { observationOf } from '#functions/webhooks/deliveries/next-step.ts';
import { type Observation, observe, stateOf } from '#functions/webhooks/endpoints/circuit-breaker.ts';
import type { Admission, InFlight, LeaseRow, Limits } from '#functions/webhooks/endpoints/lease.ts';
import * as rules from '#functions/webhooks/endpoints/lease.ts';

/** Longest time in milliseconds from the write of a lease to the start of the attempts that it names. */
const beginWithinMs = 3000;

/** One process's hold on the lease of an endpoint, with the attempts that this process makes under it. */
export class HeldLease {
  /** Last known state. */
  lease: LeaseRow;
  limits: Limits = { maxInFlight: 1, intervalMs: 0 };
  /** True when a single attempt is made without holding the endpoint. */
  isLone = false;
  isLost = false;
  losses = 0;
  /** Attempts of this process in flight, by the id of their event. */
  private readonly inFlight = new Map<string, InFlight>();
  private readonly deps: DeliverDependencies;
  private readonly name: string;
  private readonly id = randomUUID();
  /** Events of the lone attempts that the lease names. */
  private named: string[] = [];
  /** Attempts that have ended since the lease was written. */
  private ended: Observation[] = [];
  /** Attempts of other processes whose time was over when this process took the lease. */
  private interrupted: Readonly<Record<string, InFlight>> = {};

  constructor(deps: DeliverDependencies, name: string, lease: LeaseRow) {
    this.deps = deps;
    this.name = name;
    this.lease = lease;
  }

  /** Permission of this process to send now, as far as the lease is known. */
  get admission(): Admission {
    return rules.admission(this.plausible, this.limits, this.now());
  }

  /** Begins with the known lease, for one delivery or several; returns the events that a dead holder left in flight. */
  take(isSingle: boolean): string[] {
    this.isLone = isSingle && rules.allowsLone(this.plausible, this.limits, this.now());
    this.isLost = false;
    return this.takeOver(this.plausible);
  }

  private takeOver(lease: LeaseRow): string[] {
    const over = Object.entries(lease.inFlight).filter(([, { until }]) => until <= this.now());
    this.lease = lease;
    this.interrupted = Object.fromEntries(over);
    return over.flatMap(([event, { isLone }]) => (isLone ? [] : [event]));
  }

  /** Ends the holding within this process: no attempt begins under the lease any more. */
  die(): void {
    this.deps.leases.alive.delete(this.id);
  }

  /** Removes an attempt that has ended, or that could not begin. */
  end(event: string): void {
    this.inFlight.delete(event);
    this.deps.leases.alive.delete(`${this.name} ${event}`);
  }

  /** Keeps an ended attempt for the next change of the lease. */
  observe(made: Attempt): void {
    this.ended.push(observationOf(made));
  }

  /** Counts the attempt of a process that died during it, though its end is unknown. */
  counted(delivery: Delivery): Delivery {
    const begun = this.interrupted[delivery.event];
    return begun?.of === delivery.rev ? { ...delivery, attempt: begun.attempt } : delivery;
  }

  /** End of another process's attempt at a delivery, as a lease has it; undefined when none is in flight. */
  othersEndAt({ event, rev }: Delivery, lease = this.lease): number | undefined {
    const others = this.inFlight.has(event) ? undefined : lease.inFlight[event];
    return others && others.of >= rev && others.until > this.now() ? others.until : undefined;
  }

  /**
   * Writes attempts into the lease before they begin; undefined when another process was quicker. They must not begin
   * after `beginUntil`, by the steady clock. `isNews`: the deliveries that were read may have been made. `leftBehind`:
   * events that a dead holder left in flight. @throws the error of the SDK
   */
  async enter(chosen: readonly Delivery[]) {
    const beginUntil = this.deps.steady() + beginWithinMs;
    const now = this.now();
    const until = now + rules.leaseDurationMs;
    const isLone = this.isLone || undefined;
    const next = chosen.map(
      ({ event, rev: of, attempt }) => [event, { attempt: attempt + 1, of, until, isLone }] as const,
    );
    const isHolder = this.lease.holder?.id === this.id;
    const observations = [...this.ended];
    const progress = { inFlight: Object.fromEntries([...this.inFlight, ...next]), observations };
    let before = this.lease;
    const written = await this.deps.leases.change(this.name, this.lease, (current) => {
      const lease = this.deps.leases.plausible(this.name, current, now, this.deps.steady());
      const isOurs = isHolder && current.holder?.id === this.id;
      if (!isOurs && (isHolder || !this.isAdmitted(lease, next.length))) return undefined;
      if (chosen.some((delivery) => this.othersEndAt(delivery, lease) !== undefined)) return undefined;
      before = lease;
      if (this.isLone) return rules.addLone(lease, progress, now);
      return rules.acquire(lease, this.id, progress, this.limits.intervalMs, now);
    });
    this.isLost = written === undefined;
    if (!written) {
      this.losses += 1;
      return undefined;
    }
    const isNews = before.rev !== this.lease.rev;
    const leftBehind = isNews && !isHolder ? this.takeOver(before) : [];
    this.lease = written;
    // Others may have ended during the write.
    this.ended = this.ended.slice(observations.length);
    const { alive } = this.deps.leases;
    const living = beginUntil - beginWithinMs + rules.leaseDurationMs;
    for (const [event, inFlightAttempt] of next) {
      this.inFlight.set(event, inFlightAttempt);
      if (this.isLone) this.named.push(event);
      alive.set(`${this.name} ${event}`, living);
    }
    if (!this.isLone) alive.set(this.id, living);
    return { beginUntil, isNews, leftBehind };
  }

  /** @param isFaulty true when the end of an attempt may not be recorded @throws the error of the SDK */
  async release(isFaulty: boolean): Promise<void> {
    const { leases } = this.deps;
    const now = this.now();
    const [events, observations] = [this.named, this.ended];
    const haveSucceeded = events.length === observations.length && observations.every(({ isSuccess }) => isSuccess);
    [this.named, this.ended] = [[], []];
    this.die();
    // A successful lone attempt needs no write: its entry expires, and its delivery says that it is done.
    if (events.length > 0 && haveSucceeded && !this.isLost) {
      if (!isFaulty) for (const event of events) leases.end(this.name, event);
      return;
    }
    const given = await leases.change(this.name, this.lease, (current) => {
      const lease = this.deps.leases.plausible(this.name, current, now, this.deps.steady());
      if (this.isLone)
        return this.isLost || events.length === 0 ? undefined : rules.endLone(lease, events, observations, now);
      if (current.holder?.id === this.id) return rules.release(current, { inFlight: {}, observations }, now);
      return this.isLeftover(lease) ? rules.release(lease, { inFlight: {}, observations }, now) : undefined;
    });
    this.lease = given ?? (await leases.read(this.name));
  }

  /** Number of attempts that may begin now. */
  get room(): number {
    const now = this.now();
    // Include the attempts that have ended, even if the lease does not name them yet.
    const state = stateOf(this.ended.reduce(observe, this.plausible), now);
    if (state === 'open') return 0;
    const { maxInFlight, intervalMs } = this.limits;
    if (intervalMs > 0 && (this.lease.freeAt > now || this.inFlight.size > 0)) return 0;
    if (this.isLone) return 1 - this.inFlight.size;
    const others = Object.values(this.plausible.inFlight).filter(({ isLone, until }) => isLone && until > now).length;
    return Math.max(0, (state === 'half-open' ? 1 : maxInFlight) - others - this.inFlight.size);
  }

  /** Earliest start of the next attempt, as far as the lease tells. It is past when the attempt may begin at once. */
  get mayBeginAt(): number {
    const { admission: admitted } = this;
    if (admitted.kind === 'shut') return admitted.until;
    if (admitted.kind !== 'free' || admitted.room > 0) return 0;
    // Lone attempts occupy all of the room.
    const ends = Object.values(this.plausible.inFlight).map(({ until }) => until);
    return Math.min(...ends.filter((until) => until > this.now()));
  }

  /** True when the lease, as it really is, admits this number of attempts. */
  private isAdmitted(lease: LeaseRow, count: number): boolean {
    const admitted = rules.admission(lease, this.limits, this.now());
    if (admitted.kind !== 'free') return false;
    return this.isLone ? rules.allowsLone(lease, this.limits, this.now()) : admitted.room >= count;
  }

  /** True when a lease names only attempts of a dead process, and this process has taken all of them over. */
  private isLeftover(lease: LeaseRow): boolean {
    const admitted = rules.admission(lease, this.limits, this.now());
    const names = admitted.kind === 'free' ? Object.keys(admitted.interrupted) : [];
    return names.length > 0 && names.every((event) => this.interrupted[event]);
  }

  private get plausible(): LeaseRow {
    return this.deps.leases.plausible(this.name, this.lease, this.now(), this.deps.steady());
  }

  private now(): number {
    return this.deps.now().getTime();
  }
}

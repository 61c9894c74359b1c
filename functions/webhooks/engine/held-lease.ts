import { randomUUID } from 'node:crypto';
import type { Attempt, DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import type { Delivery } from '#functions/webhooks/deliveries/delivery.ts';
import { observationOf } from '#functions/webhooks/deliveries/next-step.ts';
import { type Observation, observe, stateOf } from '#functions/webhooks/endpoints/circuit-breaker.ts';
import type { Admission, InFlight, LeaseRow, Limits } from '#functions/webhooks/endpoints/lease.ts';
import * as rules from '#functions/webhooks/endpoints/lease.ts';

/** Longest time in milliseconds from the write of a lease to the start of the attempts that it names. */
const beginWithinMs = 3000;

export type HeldLease = ReturnType<typeof heldLease>;

/** One process's hold on the lease of an endpoint, with the attempts that this process makes under it. */
export function heldLease(deps: DeliverDependencies, name: string, known: LeaseRow) {
  const { leases } = deps;
  const id = randomUUID();
  const held = {
    lease: known,
    limits: { maxInFlight: 1, intervalMs: 0 } as Limits,
    /** True when a single attempt is made without holding the endpoint. */
    isLone: false,
    isLost: false,
    losses: 0,
  };
  /** Attempts of this process in flight, by the id of their event. */
  const inFlight = new Map<string, InFlight>();
  /** Events of the lone attempts that the lease names. */
  let named: string[] = [];
  /** Attempts that have ended since the lease was written. */
  let ended: Observation[] = [];
  /** Attempts of other processes whose time was over when this process took the lease. */
  let interrupted: Readonly<Record<string, InFlight>> = {};

  const now = (): number => deps.now().getTime();
  const plausible = (): LeaseRow => leases.plausible(name, held.lease, now(), deps.steady());

  /** Permission of this process to send now, as far as the lease is known. */
  const admission = (lease = plausible()): Admission => rules.admission(lease, held.limits, now());

  /** Begins with the known lease, for one delivery or several; returns the events that a dead holder left in flight. */
  function take(isSingle: boolean): string[] {
    held.isLone = isSingle && rules.allowsLone(plausible(), held.limits, now());
    held.isLost = false;
    return takeOver(plausible());
  }

  function takeOver(lease: LeaseRow): string[] {
    const over = Object.entries(lease.inFlight).filter(([, { until }]) => until <= now());
    held.lease = lease;
    interrupted = Object.fromEntries(over);
    return over.flatMap(([event, { isLone }]) => (isLone ? [] : [event]));
  }

  /** Ends the holding within this process: no attempt begins under the lease any more. */
  const die = (): boolean => leases.alive.delete(id);

  /** Removes an attempt that has ended, or that could not begin. */
  function end(event: string): void {
    inFlight.delete(event);
    leases.alive.delete(`${name} ${event}`);
  }

  /** Keeps an ended attempt for the next change of the lease. */
  const keep = (made: Attempt): number => ended.push(observationOf(made));

  /** Counts the attempt of a process that died during it, though its end is unknown. */
  function counted(delivery: Delivery): Delivery {
    const begun = interrupted[delivery.event];
    return begun?.of === delivery.rev ? { ...delivery, attempt: begun.attempt } : delivery;
  }

  /** End of another process's attempt at a delivery, as a lease has it; undefined when none is in flight. */
  function othersEndAt({ event, rev }: Delivery, lease = held.lease): number | undefined {
    const others = inFlight.has(event) ? undefined : lease.inFlight[event];
    return others && others.of >= rev && others.until > now() ? others.until : undefined;
  }

  /**
   * Writes attempts into the lease before they begin; undefined when another process was quicker. They must not begin
   * after `beginUntil`, by the steady clock. `isNews`: the deliveries that were read may have been made. `leftBehind`:
   * events that a dead holder left in flight. @throws the error of the SDK
   */
  async function enter(chosen: readonly Delivery[]) {
    const beginUntil = deps.steady() + beginWithinMs;
    const at = now();
    const until = at + rules.leaseDurationMs;
    const isLone = held.isLone || undefined;
    const next = chosen.map((one) => [one.event, { attempt: one.attempt + 1, of: one.rev, until, isLone }] as const);
    const isHolder = held.lease.holder?.id === id;
    const observations = [...ended];
    const progress = { inFlight: Object.fromEntries([...inFlight, ...next]), observations };
    let before = held.lease;
    const written = await leases.change(name, held.lease, (current) => {
      const lease = leases.plausible(name, current, at, deps.steady());
      const isOurs = isHolder && current.holder?.id === id;
      if (!isOurs && (isHolder || !isAdmitted(lease, next.length))) return undefined;
      if (chosen.some((delivery) => othersEndAt(delivery, lease) !== undefined)) return undefined;
      before = lease;
      if (held.isLone) return rules.addLone(lease, progress, at);
      return rules.acquire(lease, id, progress, held.limits.intervalMs, at);
    });
    held.isLost = written === undefined;
    if (!written) {
      held.losses += 1;
      return undefined;
    }
    const isNews = before.rev !== held.lease.rev;
    const leftBehind = isNews && !isHolder ? takeOver(before) : [];
    held.lease = written;
    // Others may have ended during the write.
    ended = ended.slice(observations.length);
    const { alive } = leases;
    const living = beginUntil - beginWithinMs + rules.leaseDurationMs;
    for (const [event, inFlightAttempt] of next) {
      inFlight.set(event, inFlightAttempt);
      if (held.isLone) named.push(event);
      alive.set(`${name} ${event}`, living);
    }
    if (!held.isLone) alive.set(id, living);
    return { beginUntil, isNews, leftBehind };
  }

  /** @param isFaulty true when the end of an attempt may not be recorded @throws the error of the SDK */
  async function release(isFaulty: boolean): Promise<void> {
    const at = now();
    const [events, observations] = [named, ended];
    const haveSucceeded = events.length === observations.length && observations.every(({ isSuccess }) => isSuccess);
    [named, ended] = [[], []];
    die();
    // A successful lone attempt needs no write: its entry expires, and its delivery says that it is done.
    if (events.length > 0 && haveSucceeded && !held.isLost) {
      if (!isFaulty) for (const event of events) leases.end(name, event);
      return;
    }
    const given = await leases.change(name, held.lease, (current) => {
      const lease = leases.plausible(name, current, at, deps.steady());
      if (held.isLone)
        return held.isLost || events.length === 0 ? undefined : rules.endLone(lease, events, observations, at);
      if (current.holder?.id === id) return rules.release(current, { inFlight: {}, observations }, at);
      return isLeftover(lease) ? rules.release(lease, { inFlight: {}, observations }, at) : undefined;
    });
    held.lease = given ?? (await leases.read(name));
  }

  /** Number of attempts that may begin now. */
  function room(): number {
    // Include the attempts that have ended, even if the lease does not name them yet.
    const state = stateOf(ended.reduce(observe, plausible()), now());
    if (state === 'open') return 0;
    const { maxInFlight, intervalMs } = held.limits;
    if (intervalMs > 0 && (held.lease.freeAt > now() || inFlight.size > 0)) return 0;
    if (held.isLone) return 1 - inFlight.size;
    const others = Object.values(plausible().inFlight).filter(({ isLone, until }) => isLone && until > now()).length;
    return Math.max(0, (state === 'half-open' ? 1 : maxInFlight) - others - inFlight.size);
  }

  /** Earliest start of the next attempt, as far as the lease tells. It is past when the attempt may begin at once. */
  function mayBeginAt(): number {
    const admitted = admission();
    if (admitted.kind === 'shut') return admitted.until;
    if (admitted.kind !== 'free' || admitted.room > 0) return 0;
    // Lone attempts occupy all of the room.
    const ends = Object.values(plausible().inFlight).map(({ until }) => until);
    return Math.min(...ends.filter((until) => until > now()));
  }

  /** True when the lease, as it really is, admits this number of attempts. */
  function isAdmitted(lease: LeaseRow, count: number): boolean {
    const admitted = admission(lease);
    if (admitted.kind !== 'free') return false;
    return held.isLone ? rules.allowsLone(lease, held.limits, now()) : admitted.room >= count;
  }

  /** True when a lease names only attempts of a dead process, and this process has taken all of them over. */
  function isLeftover(lease: LeaseRow): boolean {
    const admitted = admission(lease);
    const names = admitted.kind === 'free' ? Object.keys(admitted.interrupted) : [];
    return names.length > 0 && names.every((event) => interrupted[event]);
  }

  const actions = { admission, take, die, end, keep, counted, othersEndAt, enter, release, room, mayBeginAt };
  return Object.assign(held, actions);
}

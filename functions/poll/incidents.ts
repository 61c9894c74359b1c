import { verificationCauses } from '#functions/cryptshare/verification.ts';
import { publishEvents } from '#functions/events/publish.ts';
import { watchKey } from '#functions/transfers/transfer.ts';
import { type Incident, nextIncident, openIncident } from '#functions/watches/incident.ts';
import { type FailingShare, type FailingWatch, isDue, shareOf } from '#functions/watches/incident-share.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import type { ShardView } from '#functions/watches/shard-rows.ts';
import { incidentOf, toldAlone } from '#functions/watches/watch-health.ts';
import type { PollDependencies } from './dependencies.ts';

/** Milliseconds for which one function alone may publish an incident's events: longer than two calls of SNS take. */
const publishingTimeMs = 60_000;

/** Publishes the pending events of a watch. Returns the error for which the next poll must repeat them, if any. */
export async function announcePending(deps: PollDependencies, watch: RegisteredWatch): Promise<Error | undefined> {
  if (!watch.pending) return undefined;
  const { error } = await publishEvents(deps.topic, watch.pending);
  if (!error) await deps.watches.clearPending(watch);
  return error;
}

/**
 * Causes that several watches fail for, as one tick sees them. A tick combines the failing watches of its own shard
 * with the shares that other shards have stored. The shard whose write of the incident comes first publishes it.
 */
export class Incidents {
  private readonly deps: PollDependencies;
  private readonly view: ShardView;
  private readonly known: ReadonlyMap<string, Incident>;
  private readonly watches: Map<string, RegisteredWatch>;

  constructor(deps: PollDependencies, view: ShardView) {
    this.deps = deps;
    this.view = view;
    this.known = new Map(view.incidents.map((incident) => [incident.name, incident]));
    this.watches = new Map(view.watches.map((watch) => [watchKey(watch), watch]));
  }

  /** Records a watch as a poll of this tick has left it. */
  sees(watch: RegisteredWatch): void {
    this.watches.set(watchKey(watch), watch);
  }

  /** Shares of this shard's failing watches, by incident name. */
  shares(): Record<string, FailingShare> {
    const shares = [...this.failing()].map(([name, watches]) => [name, shareOf(this.openOf(name), watches)]);
    return Object.fromEntries(shares);
  }

  /** Publishes incidents and records mended causes. Never throws: returns a warning, and the next tick tries again. */
  async tell(): Promise<string | undefined> {
    const failing = this.failing();
    let failed: Error | undefined;
    const names = [...failing.keys(), ...this.known.keys(), ...this.view.others.flatMap(Object.keys)];
    for (const name of new Set(names)) {
      const error = await this.tellOf(name, failing.get(name) ?? []).catch((cause: Error) => cause);
      failed ??= error;
    }
    return failed && `incidents wait to be told: ${failed.message}`;
  }

  private async tellOf(name: string, failing: readonly FailingWatch[]): Promise<Error | undefined> {
    const { origin, incidentRows, topic, schedule } = this.deps;
    const now = this.deps.now().getTime();
    const incident = this.known.get(name);
    if (failing.length > 0 && this.isMended(name)) await incidentRows.mend(name, now);
    const heldFor = (incident?.heldUntil ?? 0) - now;
    if (heldFor > 0 && heldFor <= publishingTimeMs) return undefined;
    const own = failing.length > 0 ? [shareOf(this.openOf(name), failing)] : [];
    const shares = [...own, ...this.view.others.flatMap(({ [name]: share }) => share ?? [])];
    const change = nextIncident(origin, name, incident, shares, schedule.pollIntervalMs, now);
    if (change === 'alone') return this.tellAlone(failing.find((watch) => isDue(this.openOf(name), watch)));
    const next = change?.next ?? (incident?.pending && incident);
    if (!next) return undefined;
    const held = next.pending ? { ...next, heldUntil: now + publishingTimeMs } : next;
    const current = await incidentRows.replace(incident, held);
    if (!current?.pending) return undefined;
    const { error } = await publishEvents(topic, current.pending);
    if (!error) await incidentRows.clearPending(current);
    return error;
  }

  /** Publishes an event about a single failing watch. Only its own shard does, because no other may write its row. */
  private async tellAlone(watch: FailingWatch | undefined): Promise<Error | undefined> {
    if (!watch) return undefined;
    const { origin, watches } = this.deps;
    const at = this.deps.now().toISOString();
    const current = await watches.commitHealth(watch, toldAlone(origin, watch, watch.health, at));
    return current && announcePending(this.deps, current);
  }

  private failing(): Map<string, FailingWatch[]> {
    return Map.groupBy([...this.watches.values()].filter(isFailing), ({ health }) => incidentOf(health.problem));
  }

  private openOf(name: string): Incident | undefined {
    return openIncident(this.known.get(name));
  }

  /** True when a watch has recovered from this cause; a code that verifies its mailbox proves nothing about others. */
  private isMended(name: string): boolean {
    return this.view.watches.some((before) => {
      if (!before.health || incidentOf(before.health.problem) !== name) return false;
      const isOwn =
        verificationCauses.has(name) && this.deps.tokens.cachedVerification(before.mailbox)?.method === 'email';
      return !isOwn && this.watches.get(watchKey(before))!.health === undefined;
    });
  }
}

const isFailing = (watch: RegisteredWatch): watch is FailingWatch => watch.health !== undefined && !watch.isDisabled;

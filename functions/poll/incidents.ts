import { verificationCauses } from '#functions/cryptshare/verification.ts';
import { publishEvents } from '#functions/events/publish.ts';
import { watchKey } from '#functions/transfers/transfer.ts';
import { nextIncident, openIncident } from '#functions/watches/incident.ts';
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

export type Incidents = ReturnType<typeof incidentsOf>;

/**
 * Causes that several watches fail for, as one tick sees them. A tick combines the failing watches of its own shard
 * with the shares that other shards have stored. The shard whose write of the incident comes first publishes it.
 */
export function incidentsOf(deps: PollDependencies, view: ShardView) {
  const { origin, incidentRows, topic, schedule, tokens } = deps;
  const known = new Map(view.incidents.map((incident) => [incident.name, incident]));
  const watches = new Map(view.watches.map((watch) => [watchKey(watch), watch]));
  const failing = (): Map<string, FailingWatch[]> =>
    Map.groupBy([...watches.values()].filter(isFailing), ({ health }) => incidentOf(health.problem));
  const openOf = (name: string) => openIncident(known.get(name));

  /** True when a watch has recovered from this cause; a code that verifies its mailbox proves nothing about others. */
  const isMended = (name: string): boolean =>
    view.watches.some((before) => {
      if (!before.health || incidentOf(before.health.problem) !== name) return false;
      const isOwn = verificationCauses.has(name) && tokens.cachedVerification(before.mailbox)?.method === 'email';
      return !isOwn && watches.get(watchKey(before))!.health === undefined;
    });

  /** Publishes an event about a single failing watch. Only its own shard does, because no other may write its row. */
  async function tellAlone(watch: FailingWatch | undefined): Promise<Error | undefined> {
    if (!watch) return undefined;
    const told = toldAlone(origin, watch, watch.health, deps.now().toISOString());
    const current = await deps.watches.commitHealth(watch, told);
    return current && announcePending(deps, current);
  }

  async function tellOf(name: string, ownFailing: readonly FailingWatch[]): Promise<Error | undefined> {
    const now = deps.now().getTime();
    const incident = known.get(name);
    if (ownFailing.length > 0 && isMended(name)) await incidentRows.mend(name, now);
    const heldFor = (incident?.heldUntil ?? 0) - now;
    if (heldFor > 0 && heldFor <= publishingTimeMs) return undefined;
    const own = ownFailing.length > 0 ? [shareOf(openOf(name), ownFailing)] : [];
    const shares = [...own, ...view.others.flatMap(({ [name]: share }) => share ?? [])];
    const change = nextIncident(origin, name, incident, shares, schedule.pollIntervalMs, now);
    if (change === 'alone') return tellAlone(ownFailing.find((watch) => isDue(openOf(name), watch)));
    const next = change?.next ?? (incident?.pending && incident);
    if (!next) return undefined;
    const held = next.pending ? { ...next, heldUntil: now + publishingTimeMs } : next;
    const current = await incidentRows.replace(incident, held);
    if (!current?.pending) return undefined;
    const { error } = await publishEvents(topic, current.pending);
    if (!error) await incidentRows.clearPending(current);
    return error;
  }

  return {
    /** Records a watch as a poll of this tick has left it. */
    sees: (watch: RegisteredWatch) => watches.set(watchKey(watch), watch),

    /** Shares of this shard's failing watches, by incident name. */
    shares: (): Record<string, FailingShare> =>
      Object.fromEntries([...failing()].map(([name, some]) => [name, shareOf(openOf(name), some)])),

    /** Publishes incidents and records mended causes. Never throws: returns a warning, and the next tick tries again. */
    async tell(): Promise<string | undefined> {
      const byName = failing();
      let failed: Error | undefined;
      const names = [...byName.keys(), ...known.keys(), ...view.others.flatMap(Object.keys)];
      for (const name of new Set(names)) {
        const error = await tellOf(name, byName.get(name) ?? []).catch((cause: Error) => cause);
        failed ??= error;
      }
      return failed && `incidents wait to be told: ${failed.message}`;
    },
  };
}

const isFailing = (watch: RegisteredWatch): watch is FailingWatch => watch.health !== undefined && !watch.isDisabled;

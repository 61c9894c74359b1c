import { verificationCauses } from '../verification/verification.ts';
import { announceHealth } from './announce.ts';
import { incidentOf, toldAlone } from './health.ts';
import { type FailingWatch, type Incident, nextIncident } from './incident.ts';
import { IncidentRows } from './incident-rows.ts';
import type { PollDependencies } from './poll.ts';
import type { Topics } from './publish.ts';
import type { ShardView } from './shard-rows.ts';
import { shardOf } from './timetable.ts';
import { watchKey } from './transfer.ts';
import { type RegisteredWatch, Watches } from './watches.ts';

/** Milliseconds for which one function may publish what it tells of an incident before another one may. */
const longestTelling = 60_000;

/**
 * Publishes the pending events of a watch.
 *
 * @returns why they must be repeated, if they must
 * @throws the SDK's error when they cannot be taken off the watch
 */
export async function announcePending(
  topics: Topics,
  watches: Watches,
  watch: RegisteredWatch,
): Promise<Error | undefined> {
  if (!watch.pending) return undefined;
  const error = await announceHealth(topics, watch.pending);
  if (!error) await watches.clearPending(watch);
  return error;
}

/**
 * What watches have in common that fail, as one tick sees it. Each shard's ticks look at all watches; whose write of the
 * incident comes first tells it.
 */
export class Incidents {
  private readonly deps: PollDependencies;
  private readonly shard: number;
  private readonly view: ShardView;
  private readonly watches: Map<string, RegisteredWatch>;

  /** @param view as the tick read it */
  constructor(deps: PollDependencies, shard: number, view: ShardView) {
    this.deps = deps;
    this.shard = shard;
    this.view = view;
    this.watches = new Map(view.watches.map((watch) => [watchKey(watch), watch]));
  }

  /** Takes a watch as a poll of this tick has left it. */
  sees(watch: RegisteredWatch): void {
    this.watches.set(watchKey(watch), watch);
  }

  /**
   * Tells operators of incidents that have begun or ended, and has watches polled whose cause was found mended. Without
   * any of that, it does nothing. Never throws: the next tick tries again.
   *
   * @returns a remark, if something could not be done
   */
  async tell(): Promise<{ readonly remark?: string }> {
    const failing = [...this.watches.values()].filter(isFailing);
    const byName = Map.groupBy(failing, ({ health }) => incidentOf(health.trouble));
    const known = new Map(this.view.incidents.map((incident) => [incident.name, incident]));
    const errors: Error[] = [];
    for (const name of new Set([...byName.keys(), ...known.keys()])) {
      const error = await this.tellOf(name, known.get(name), byName.get(name) ?? []).catch((cause: Error) => cause);
      if (error) errors.push(error);
    }
    const remark = errors[0] && `incidents wait to be told: ${errors[0].message}`;
    return remark === undefined ? {} : { remark };
  }

  private async tellOf(
    name: string,
    incident: Incident | undefined,
    failing: readonly FailingWatch[],
  ): Promise<Error | undefined> {
    const { origin, dynamo, table, topics, timetable } = this.deps;
    const now = this.deps.now().getTime();
    const rows = new IncidentRows(dynamo, table);
    if (failing.length > 0 && this.isMended(name)) await rows.mend(name, now);
    const heldFor = (incident?.heldUntil ?? 0) - now;
    if (heldFor > 0 && heldFor <= longestTelling) return undefined;
    const change = nextIncident(origin, name, incident, failing, timetable.every, now);
    if (change && 'alone' in change) return this.tellAlone(change.alone);
    const next = change?.next ?? (incident?.pending && incident);
    if (!next) return undefined;
    const current = await rows.replace(incident, next.pending ? { ...next, heldUntil: now + longestTelling } : next);
    if (!current?.pending) return undefined;
    const error = await announceHealth(topics, current.pending);
    if (!error) await rows.clearPending(current);
    return error;
  }

  /** Its own shard tells of a watch that is alone, for it alone may write to it. */
  private async tellAlone(watch: FailingWatch): Promise<Error | undefined> {
    const { origin, dynamo, table, topics, timetable } = this.deps;
    if (shardOf(watch, timetable) !== this.shard) return undefined;
    const watches = new Watches(dynamo, table);
    const at = this.deps.now().toISOString();
    const current = await watches.commitHealth(watch, toldAlone(origin, watch, watch.health, at));
    return current && announcePending(topics, watches, current);
  }

  /** Whether a watch has just been found well of a cause, and not only because a code has verified its mailbox. */
  private isMended(name: string): boolean {
    return this.view.watches.some((before) => {
      if (!before.health || incidentOf(before.health.trouble) !== name) return false;
      const isOwn = verificationCauses.has(name) && this.deps.tokens.knownOf(before.mailbox)?.method === 'email';
      return !isOwn && this.watches.get(watchKey(before))!.health === undefined;
    });
  }
}

const isFailing = (watch: RegisteredWatch): watch is FailingWatch => watch.health !== undefined && !watch.isDisabled;

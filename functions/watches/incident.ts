import { hasBeen } from '#functions/clock/instants.ts';
import { verificationCauses } from '#functions/cryptshare/verification.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { eventBody, type IncidentEventData, incidentEvent } from '#functions/events/transfer-event.ts';
import { type FailingShare, sinceTold, sizeFields, sumOf, type Untold } from './incident-share.ts';
import type { RegisteredWatch } from './polled-watches.ts';
import { incidentOf, problemFields } from './watch-health.ts';

/** Cause that several watches fail for, stored once operators must be told. Times are ISO 8601. */
export const readIncident = r.rowOf({
  rev: r.number,
  /** It tells the watches that became due between these times. */
  from: r.text,
  until: r.text,
  /** First data that operators were told, with the greatest number of watches since. */
  told: r.object({ ...problemFields, ...sizeFields, failingSince: r.text }),
  /** Time since which no watch fails any more. */
  clearSince: r.optional(r.text),
  /** True once its end is told, or in `pending`. */
  isOver: r.optional(r.flag),
  /** Bodies of its events that may be unpublished. */
  pending: r.optional(r.list(r.text)),
  /** Unix time in milliseconds until which one process publishes `pending`. */
  heldUntil: r.optional(r.number),
});

export interface Incident extends ReturnType<typeof readIncident> {
  /** Name of its cause by {@link incidentOf}. */
  readonly name: string;
}

/** The incident, unless operators know its end. */
export const openIncident = (incident: Incident | undefined): Incident | undefined =>
  incident?.isOver ? undefined : incident;

/** Times in milliseconds. */
const rules = {
  /** Longest wait of the first event while further watches begin to fail. */
  longestWaitMs: 300_000,
  /** Time after the event within which watches join without another. */
  joining: 3_600_000,
  /** Polling intervals without a failing watch before the end is told, so that a flapping cause is one incident. */
  calmPolls: 5,
  longestCalmMs: 300_000,
} as const;

/**
 * Decides the next step of an incident. Once a watch has failed three times, the incident waits for an interval without
 * a further failing watch. It waits five minutes at most. Then the number is right, and operators are told. Watches
 * that follow within the hour join without an event; later ones are told. Its end is told when no watch has failed for
 * five intervals, or five minutes if shorter.
 *
 * @param shares of the watches that fail for its cause, disabled ones excepted
 * @param pollIntervalMs milliseconds between two polls of a watch without its own interval
 * @param now Unix time in milliseconds
 * @returns the incident to store, `alone` to tell of its only watch alone, or undefined when there is nothing to do
 * @example two due watches give `{ next: { name: 'outage', from, until, told, pending: [body] } }`
 */
export function nextIncident(
  origin: string,
  name: string,
  incident: Incident | undefined,
  shares: readonly FailingShare[],
  pollIntervalMs: number,
  now: number,
): { readonly next: Omit<Incident, 'rev'> } | 'alone' | undefined {
  const open = openIncident(incident);
  const at = new Date(now).toISOString();
  const known = shares.map((share) => sinceTold(open, share));
  const untold = known.flatMap((share) => share.untold ?? []);
  const due = untold.flatMap((part) => part.due ?? []).toSorted((a, b) => (a.from < b.from ? -1 : 1));
  const [first] = due;
  if (first) {
    const interval = Math.min(first.pollIntervalMs ?? pollIntervalMs, rules.longestWaitMs);
    // Wait until every watch was polled and no further one has begun to fail, but five minutes at most.
    const isGrowing = untold.some(({ latestSince }) => beganWithin(latestSince, interval, now));
    if (isGrowing && beganWithin(first.from, rules.longestWaitMs, now)) return undefined;
    const data = dataOf(untold);
    if (data.watches === 1) return 'alone';
    const latest = Math.max(now, ...due.map(({ until }) => Date.parse(until)));
    const all = sumOf(known.map((share) => share.all));
    const told = open && { ...open.told, ...(all.watches > open.told.watches && all) };
    return {
      next: {
        name,
        // Told and counted watches stay told, even if a clock is set, or another shard finds one due later.
        from: [data.failingSince, first.from, ...(open ? [open.from] : [])].toSorted()[0]!,
        until: [new Date(latest + rules.joining).toISOString(), ...(open ? [open.until] : [])].toSorted().at(-1)!,
        told: told ?? data,
        pending: [...(incident?.pending ?? []), eventBody(incidentEvent(origin, 'watch.many_failing', data, at))],
      },
    };
  }
  if (!open) return undefined;
  const { rev: _, clearSince, ...rest } = open;
  if (known.some((share) => share.told > 0)) return clearSince === undefined ? undefined : { next: rest };
  if (clearSince === undefined) return { next: { ...rest, clearSince: at } };
  if (beganWithin(clearSince, Math.min(rules.calmPolls * pollIntervalMs, rules.longestCalmMs), now)) return undefined;
  const ending = eventBody(incidentEvent(origin, 'watch.many_recovered', open.told, at));
  return { next: { ...rest, isOver: true, pending: [...(open.pending ?? []), ending] } };
}

/** True when a time lies less than `span` milliseconds back. In the future it does not: a clock was set back. */
const beganWithin = (time: string, span: number, now: number): boolean =>
  Date.parse(time) <= now && now - Date.parse(time) < span;

/** Data of an incident's event, with the message that about most of its watches have. */
function dataOf(untold: readonly Untold[]): IncidentEventData {
  const [{ problem }] = untold.toSorted((a, b) => b.watches - a.watches) as [Untold];
  const failingSince = untold.map((part) => part.failingSince).toSorted()[0]!;
  return { cause: problem.cause, message: problem.message, ...sumOf(untold), failingSince };
}

/** Unix times in milliseconds at which causes were last found mended, by {@link incidentOf} name. */
export type Mended = Readonly<Record<string, number>>;

/** Drops times that are still to come, because a clock that was ahead has written them. */
export const plausibleMended = (read: Mended, now: number): Mended =>
  Object.fromEntries(Object.entries(read).filter(([, at]) => hasBeen(at, now)));

/** Unix time in milliseconds at which automatic verification was last found possible again; else 0. */
export const verifiableSince = (mended: Mended): number =>
  Math.max(0, ...[...verificationCauses].map((cause) => mended[cause] ?? 0));

/** Makes a failing watch count as new if its cause was mended since, so that it is polled at once. */
export function scheduleEarlier(watch: RegisteredWatch, mended: Mended): RegisteredWatch {
  const { health, scheduledFrom: since = '' } = watch;
  const at = health && mended[incidentOf(health.problem)];
  if (at === undefined || at < Date.parse(health!.failingSince)) return watch;
  const mendedAt = new Date(at).toISOString();
  return mendedAt > since ? { ...watch, scheduledFrom: mendedAt } : watch;
}

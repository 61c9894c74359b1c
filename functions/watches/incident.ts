import { hasBeen } from '#functions/clock/instants.ts';
import { verificationCauses } from '#functions/cryptshare/verification.ts';
import { eventBody, type IncidentEventData, incidentEvent } from '#functions/events/transfer-event.ts';
import { type FailingShare, sinceTold, sumOf, type Untold } from './incident-share.ts';
import type { RegisteredWatch } from './polled-watches.ts';
import { longestIntervalWhileFailing } from './schedule.ts';
import { incidentOf } from './watch-health.ts';

/** One cause that several watches fail for, as it is written down once operators are to be told. Times are ISO 8601. */
export interface Incident {
  /** What {@link incidentOf} calls its cause. */
  readonly name: string;
  readonly rev: number;
  /** Watches that became due to be told between these times are told by it. */
  readonly from: string;
  readonly until: string;
  /** What operators were told first, with the greatest number of watches since. */
  readonly told: IncidentEventData;
  /** Since when no watch fails any more, if none does. */
  readonly clearSince?: string;
  /** Its end is told, or stands in `pending`. */
  readonly isOver?: boolean;
  /** Bodies of events about it that are not known to be published. */
  readonly pending?: readonly string[];
  /** Unix time in milliseconds until which `pending` is being published. */
  readonly heldUntil?: number;
}

/** What is to be done about an incident: write it down as it is now, or tell of the one watch it comes down to by itself. */
export type IncidentChange = { readonly next: Omit<Incident, 'rev'> } | 'alone';

/** The incident that operators know, unless they know of its end. */
export const openIncident = (incident: Incident | undefined): Incident | undefined =>
  incident?.isOver ? undefined : incident;

/** When incidents are told, in milliseconds. */
const rules = {
  /** Longest time for which the telling waits while further watches begin to fail. */
  longestWait: 300_000,
  /** Time after the telling within which watches join in silence. */
  joining: 3_600_000,
  /** Polling intervals without a failing watch before the end is told, so that an incident that comes and goes is one. */
  calmPolls: 5,
  longestCalm: 300_000,
} as const;

/**
 * The next step of an incident. It is told once a watch has failed three times and no further one has begun to fail for
 * an interval, or five minutes later: by then the number is right. Watches that follow within the hour join in silence;
 * later ones are told. Its end is told when no watch has failed for a while.
 *
 * @param shares of the watches that fail for its cause, disabled ones excepted
 * @param every milliseconds between two polls of a watch that has no interval of its own
 * @param now Unix time in milliseconds
 * @returns undefined when there is nothing to do
 */
export function nextIncident(
  origin: string,
  name: string,
  incident: Incident | undefined,
  shares: readonly FailingShare[],
  every: number,
  now: number,
): IncidentChange | undefined {
  const open = openIncident(incident);
  const at = new Date(now).toISOString();
  const known = shares.map((share) => sinceTold(open, share));
  const untold = known.flatMap((share) => share.untold ?? []);
  const due = untold.flatMap((part) => part.due ?? []).toSorted((a, b) => (a.from < b.from ? -1 : 1));
  const [first] = due;
  if (first) {
    const interval = Math.min(first.every ?? every, longestIntervalWhileFailing, rules.longestWait);
    // No further watch has begun to fail for as long as it takes to poll all, or that has been waited for long enough.
    const isGrowing = untold.some(({ latestSince }) => isRecent(latestSince, interval, now));
    if (isGrowing && isRecent(first.from, rules.longestWait, now)) return undefined;
    const data = dataOf(untold);
    if (data.watches === 1) return 'alone';
    const latest = Math.max(now, ...due.map(({ until }) => Date.parse(until)));
    const all = sumOf(known.map((share) => share.all));
    const told = open && { ...open.told, ...(all.watches > open.told.watches && all) };
    return {
      next: {
        name,
        // All that were told stay told, whichever way a clock was set meanwhile, and so does each that is counted, whenever
        // another shard finds it due.
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
  if (isRecent(clearSince, Math.min(rules.calmPolls * every, rules.longestCalm), now)) return undefined;
  const ending = eventBody(incidentEvent(origin, 'watch.many_recovered', open.told, at));
  return { next: { ...rest, isOver: true, pending: [...(open.pending ?? []), ending] } };
}

/** Whether a time lies less than `span` milliseconds back. One in the future does not: a clock was set back. */
const isRecent = (time: string, span: number, now: number): boolean =>
  Date.parse(time) <= now && now - Date.parse(time) < span;

/** What operators are told of watches that fail for one cause: in the words that most of them have for it, about. */
function dataOf(untold: readonly Untold[]): IncidentEventData {
  const [{ problem }] = untold.toSorted((a, b) => b.watches - a.watches) as [Untold];
  const failingSince = untold.map((part) => part.failingSince).toSorted()[0]!;
  return { cause: problem.cause, message: problem.message, ...sumOf(untold), failingSince };
}

/** When causes were last found mended: Unix times in milliseconds by what {@link incidentOf} calls them. */
export type Mended = Readonly<Record<string, number>>;

/** Of what was read, the times that can be right: one that is still to come was written by a clock that was ahead. */
export const believedMended = (read: Mended, now: number): Mended =>
  Object.fromEntries(Object.entries(read).filter(([, at]) => hasBeen(at, now)));

/** Unix time in milliseconds at which a verification without a person was last found possible again; else 0. */
export const verifiableSince = (mended: Mended): number =>
  Math.max(0, ...[...verificationCauses].map((cause) => mended[cause] ?? 0));

/**
 * The watch as it is due: one that fails for a cause which was found mended since counts as new, and is polled at once.
 */
export function hastened(watch: RegisteredWatch, mended: Mended): RegisteredWatch {
  const { health, since = '' } = watch;
  const at = health && mended[incidentOf(health.problem)];
  if (at === undefined || at < Date.parse(health!.failingSince)) return watch;
  const mendedAt = new Date(at).toISOString();
  return mendedAt > since ? { ...watch, since: mendedAt } : watch;
}

import { hasBeen } from '../instants.ts';
import { verificationCauses } from '../verification/verification.ts';
import { eventBody, type IncidentEventData, incidentEvent } from './event.ts';
import { type Health, incidentOf } from './health.ts';
import { longestTrouble } from './timetable.ts';
import type { Trouble } from './trouble.ts';
import type { RegisteredWatch } from './watches.ts';

/** One cause that several watches fail for, as it is written down once operators are to be told. Times are ISO 8601. */
export interface Incident {
  /** What {@link incidentOf} calls its cause. */
  readonly name: string;
  /** Counts its changes. */
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

/** A watch that fails. */
export type FailingWatch = RegisteredWatch & { readonly health: Health };

/** What is to be done about an incident: write it down as it is now, or tell of the one watch it comes down to. */
export type IncidentChange = { readonly next: Omit<Incident, 'rev'> } | { readonly alone: FailingWatch };

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

/** Examples that operators get. */
const mostExamples = 3;

/**
 * What has become of an incident. It is told once a watch has failed three times and no further one has begun to fail for
 * an interval, or five minutes later: by then the number is right. Watches that follow within the hour join in silence;
 * later ones are told. Its end is told when no watch has failed for a while.
 *
 * @param origin of the Cryptshare Server
 * @param name of the incident
 * @param incident as it is written down
 * @param watches that fail for its cause, disabled ones excepted
 * @param every milliseconds between two polls of a watch that has no interval of its own
 * @param now Unix time in milliseconds
 * @returns undefined when there is nothing to do
 */
export function nextIncident(
  origin: string,
  name: string,
  incident: Incident | undefined,
  watches: readonly FailingWatch[],
  every: number,
  now: number,
): IncidentChange | undefined {
  const open = incident?.isOver ? undefined : incident;
  const isTold = ({ health: { sharedAt = '' } }: FailingWatch) =>
    open !== undefined && sharedAt >= open.from && sharedAt <= open.until;
  const untold = watches.filter((watch) => (watch.health.isAnnounced ? isShared(watch) && !isTold(watch) : true));
  const due = untold.filter(isShared).toSorted((a, b) => (sharedAtOf(a) < sharedAtOf(b) ? -1 : 1));
  const at = new Date(now).toISOString();
  if (due.length > 0) {
    if (!isRipe(untold, due[0]!, every, now)) return undefined;
    if (untold.length === 1) return { alone: due[0]! };
    const data = dataOf(untold);
    const latest = Math.max(now, Date.parse(sharedAtOf(due.at(-1)!)));
    const told = open && { ...open.told, ...(watches.length > open.told.watches && sizeOf(watches)) };
    return {
      next: {
        name,
        // All that were told stay told, whichever way a clock was set meanwhile, and so does each that is counted, whenever
        // another shard finds it due.
        from: [data.failingSince, sharedAtOf(due[0]!), ...(open ? [open.from] : [])].toSorted()[0]!,
        until: [new Date(latest + rules.joining).toISOString(), ...(open ? [open.until] : [])].toSorted().at(-1)!,
        told: told ?? data,
        pending: [...(incident?.pending ?? []), eventBody(incidentEvent(origin, 'watch.many_failing', data, at))],
      },
    };
  }
  if (!open) return undefined;
  const { rev: _, clearSince, ...rest } = open;
  if (watches.some(isTold)) return clearSince === undefined ? undefined : { next: rest };
  if (clearSince === undefined) return { next: { ...rest, clearSince: at } };
  if (isRecent(clearSince, Math.min(rules.calmPolls * every, rules.longestCalm), now)) return undefined;
  const ending = eventBody(incidentEvent(origin, 'watch.many_recovered', open.told, at));
  return { next: { ...rest, isOver: true, pending: [...(open.pending ?? []), ending] } };
}

const isShared = ({ health }: FailingWatch): boolean => health.sharedAt !== undefined;
const sharedAtOf = ({ health }: FailingWatch): string => health.sharedAt!;

/** Whether a time lies less than `span` milliseconds back. One in the future does not: a clock was set back. */
const isRecent = (time: string, span: number, now: number): boolean =>
  Date.parse(time) <= now && now - Date.parse(time) < span;

/** Whether no further watch has begun to fail for as long as it takes to poll all, or that has been waited for long enough. */
function isRipe(untold: readonly FailingWatch[], first: FailingWatch, usual: number, now: number): boolean {
  const interval = Math.min(first.every ?? usual, longestTrouble, rules.longestWait);
  const isGrowing = untold.some(({ health }) => isRecent(health.failingSince, interval, now));
  return !isGrowing || !isRecent(sharedAtOf(first), rules.longestWait, now);
}

/** What operators are told of watches that fail for one cause: in the words that most of them have for it. */
function dataOf(watches: readonly FailingWatch[]): IncidentEventData {
  const troubles = Map.groupBy(watches, ({ health }) => health.trouble.message);
  const [most] = [...troubles.values()].toSorted((a, b) => b.length - a.length);
  const { cause, message }: Trouble = most![0]!.health.trouble;
  const failingSince = watches.map(({ health }) => health.failingSince).toSorted()[0]!;
  return { cause, message, ...sizeOf(watches), failingSince };
}

function sizeOf(watches: readonly RegisteredWatch[]) {
  const mailboxes = [...new Set(watches.map(({ mailbox }) => mailbox))].toSorted();
  return { watches: watches.length, mailboxes: mailboxes.length, examples: mailboxes.slice(0, mostExamples) };
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
  const at = health && mended[incidentOf(health.trouble)];
  if (at === undefined || at < Date.parse(health!.failingSince)) return watch;
  const mendedAt = new Date(at).toISOString();
  return mendedAt > since ? { ...watch, since: mendedAt } : watch;
}

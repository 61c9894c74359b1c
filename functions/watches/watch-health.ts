import { endsSoon, type Verification } from '#functions/cryptshare/verification.ts';
import {
  type ExpiryEvent,
  expiryEvent,
  type HealthEvent,
  type WatchEventData,
  type WatchProblem,
  watchEvent,
} from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';

/** A row of troubled polls of one watch; there is none while all is well. */
export interface Health {
  /** ISO 8601 time of the first troubled poll in the row. */
  readonly failingSince: string;
  /** Troubled polls in the row, counted until operators are to be told. */
  readonly failures: number;
  /** Of the poll that was last written down: nothing is, once operators are to be told, until the cause turns. */
  readonly problem: WatchProblem;
  /** ISO 8601 time of the first of the latest polls without a complete listing. */
  readonly incompleteSince?: string;
  /** It has failed often enough for operators to be told. */
  readonly isAnnounced: boolean;
  /** ISO 8601 time of the poll at which it had; undefined once it was told by a `watch.failing` of its own. */
  readonly sharedAt?: string;
  /** The latest polls in a row that failed for another cause than the one that operators are told. */
  readonly turn?: Pick<Health, 'failingSince' | 'failures'>;
}

/** Troubled polls in a row before operators are told: one or two often pass by themselves. */
const failuresUntilAnnounced = 3;

/** Causes of a server that is down or overloaded: while it is, they alternate, and a proxy before it reports its own. */
const outage: ReadonlySet<string> = new Set(['unreachable', 'timeout', 'server_fault', 'proxy_failed']);

/** The name of a cause's incident: causes of one name that several watches have are one incident. */
export const incidentOf = ({ cause }: WatchProblem): string => (outage.has(cause) ? 'outage' : cause);

/** Milliseconds that a problem has to last as well: while absences are held, changes are announced all the same. */
const lastingUntilAnnounced: Readonly<Record<string, number>> = { absences_held: 3_600_000 };

/** What a poll makes of a watch's health. */
export interface HealthChange {
  /** Undefined when all is well. */
  readonly health: Health | undefined;
  readonly event: HealthEvent | undefined;
}

/**
 * The health of a watch after a poll. After three troubled polls in a row operators are to be told, by
 * {@link toldAlone} or together with other watches; when it is well again, the watch that was told alone tells so.
 *
 * @param at ISO 8601 time of the poll
 * @returns undefined when there is nothing to write down
 */
export function nextHealth(
  origin: string,
  watch: Watch,
  health: Health | undefined,
  problem: WatchProblem | undefined,
  isComplete: boolean,
  at: string,
): HealthChange | undefined {
  if (!problem) {
    if (!health) return undefined;
    const isAlone = health.isAnnounced && health.sharedAt === undefined;
    const event = isAlone ? watchEvent(origin, 'watch.recovered', dataOf(watch, health), at) : undefined;
    return { health: undefined, event };
  }
  const incompleteSince = isComplete ? undefined : earlier(health?.incompleteSince, at);
  const gap = incompleteSince === undefined ? {} : { incompleteSince };
  const failing = (row: Partial<Health> | undefined): Health => {
    const { failures = 0 } = row ?? {};
    const failingSince = earlier(row?.failingSince, at);
    const lasted = Date.parse(at) - Date.parse(failingSince);
    const lasting = lastingUntilAnnounced[problem.cause] ?? 0;
    const isAnnounced = failures + 1 >= failuresUntilAnnounced && lasted >= lasting;
    return { failingSince, failures: failures + 1, problem, isAnnounced, ...(isAnnounced && { sharedAt: at }), ...gap };
  };
  if (!health?.isAnnounced) return { health: failing(health), event: undefined };

  const { incompleteSince: before, turn, ...rest } = health;
  const isTurned = health.sharedAt !== undefined && incidentOf(problem) !== incidentOf(health.problem);
  if (!isTurned) {
    const isSame = before === incompleteSince && turn === undefined;
    return isSame ? undefined : { health: { ...rest, ...gap }, event: undefined };
  }
  const turned = failing(turn);
  const { failingSince, failures } = turned;
  const stays = { ...rest, ...gap, turn: { failingSince, failures } };
  return { health: turned.isAnnounced ? turned : stays, event: undefined };
}

/** Has operators told, at an ISO 8601 time, of a watch that has failed often enough, by an event of its own. */
export function toldAlone(origin: string, watch: Watch, health: Health, at: string): HealthChange {
  const { sharedAt: _, turn: __, ...alone } = health;
  return { health: alone, event: watchEvent(origin, 'watch.failing', dataOf(watch, health), at) };
}

/**
 * What a poll at an ISO 8601 time tells operators of a verification that only a person can renew: once for each end, a
 * week before.
 */
export function expiryWarning(
  origin: string,
  watch: Watch & { readonly warnedOf?: string },
  verification: Verification | undefined,
  at: string,
): ExpiryEvent | undefined {
  const { validUntil } = verification ?? {};
  if (!verification || validUntil === undefined || validUntil === watch.warnedOf) return undefined;
  return endsSoon(verification, Date.parse(at)) ? expiryEvent(origin, watch, validUntil, at) : undefined;
}

/** The stored time of the two, unless it is still to come: then a clock that was ahead has written it. */
const earlier = (stored: string | undefined, at: string): string => (stored !== undefined && stored < at ? stored : at);

const dataOf = ({ mailbox, direction }: Watch, { failingSince, problem }: Health): WatchEventData => ({
  mailbox,
  direction,
  ...problem,
  failingSince,
});

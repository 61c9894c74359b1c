import { endsSoon, type Verification } from '#functions/cryptshare/verification.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { expiryEvent, type HealthEvent, type WatchProblem, watchEvent } from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';

export const problemFields = { cause: r.text, message: r.text };

/** Failed polls in a row of one watch; undefined while it is well. Times are ISO 8601. */
export const healthSchema = r.object({
  /** Time of the first failed poll in the row. */
  failingSince: r.text,
  /** Failed polls in the row, counted until operators must be told. */
  failures: r.number,
  /** Problem of the last stored poll. Once operators must be told, no poll is stored until the cause changes. */
  problem: r.object(problemFields),
  /** Time of the first of the latest polls without a complete listing. */
  incompleteSince: r.optional(r.text),
  /** True when it has failed often enough to tell operators. */
  isAnnounced: r.flag,
  /** Time of the poll since which operators must be told; undefined once its own `watch.failing` has told it. */
  sharedAt: r.optional(r.text),
  /** Latest polls in a row that failed for another cause than operators are told. */
  turn: r.optional(r.object({ failingSince: r.text, failures: r.number })),
});

export type Health = r.ReadBy<typeof healthSchema>;

/** Failed polls in a row before operators are told: one or two failures often pass by themselves. */
const failuresUntilAnnounced = 3;

/** Causes of a server that is down or overloaded. They alternate, and a proxy in front of it reports its own. */
const outage: ReadonlySet<string> = new Set(['unreachable', 'timeout', 'server_fault', 'proxy_failed']);

/** Name of a cause's incident; causes with the same name are one incident. */
export const incidentOf = ({ cause }: WatchProblem): string => (outage.has(cause) ? 'outage' : cause);

/** Milliseconds that a problem must last, too: held absences do not keep changes from being announced. */
const lastingUntilAnnounced: Readonly<Record<string, number>> = { absences_held: 3_600_000 };

export interface HealthChange {
  /** Undefined when all is well. */
  readonly health: Health | undefined;
  readonly event: HealthEvent | undefined;
}

/**
 * Computes the health of a watch after a poll. After three failed polls in a row operators must be told, alone by
 * {@link toldAlone} or with other watches. A watch that was told alone also gets its own event of recovery. `at` is the
 * ISO 8601 time of the poll. Returns undefined when nothing changes.
 *
 * @example a first failed poll gives `{ health: { failingSince: at, failures: 1, problem, isAnnounced: false,
 * incompleteSince: at }, event: undefined }`
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

/** Tells operators of a failing watch by its own event, at an ISO 8601 time. */
export function toldAlone(origin: string, watch: Watch, health: Health, at: string): HealthChange {
  const { sharedAt: _, turn: __, ...alone } = health;
  return { health: alone, event: watchEvent(origin, 'watch.failing', dataOf(watch, health), at) };
}

/** Warns operators, once for each end and a week before, of a verification that only a person can renew. */
export function expiryWarning(
  origin: string,
  watch: Watch & { readonly warnedOf?: string | undefined },
  verification: Verification | undefined,
  at: string,
) {
  const { validUntil } = verification ?? {};
  if (!verification || validUntil === undefined || validUntil === watch.warnedOf) return undefined;
  return endsSoon(verification, Date.parse(at)) ? expiryEvent(origin, watch, validUntil, at) : undefined;
}

/** The stored time unless it is in the future: then a clock that was ahead has written it. */
const earlier = (stored: string | undefined, at: string): string => (stored !== undefined && stored < at ? stored : at);

const dataOf = ({ mailbox, direction }: Watch, { failingSince, problem }: Health) => {
  return { mailbox, direction, ...problem, failingSince };
};

import { endsSoon, type Verification } from '../verification/verification.ts';
import { type ExpiryEvent, expiryEvent, type HealthEvent, type WatchEventData, watchEvent } from './event.ts';
import type { Watch } from './transfer.ts';
import type { Trouble } from './trouble.ts';

/** A row of troubled polls of one watch; there is none while all is well. */
export interface Health {
  /** ISO 8601 time of the first troubled poll in the row. */
  readonly failingSince: string;
  /** Troubled polls in the row, counted until operators are told. */
  readonly failures: number;
  /** Of the poll that was last written down: nothing is, once operators are told. */
  readonly trouble: Trouble;
  /** ISO 8601 time of the first of the latest polls without a complete listing. */
  readonly incompleteSince?: string;
  /** Operators were told by `watch.failing`. */
  readonly isAnnounced: boolean;
}

/** Troubled polls in a row before operators are told: one or two are often nobody's business. */
const failuresUntilAnnounced = 3;

/** What a poll makes of a watch's health. */
export interface HealthChange {
  /** Undefined when all is well. */
  readonly health: Health | undefined;
  /** What operators should be told. */
  readonly event: HealthEvent | undefined;
}

/**
 * The health of a watch after a poll: told once when it has failed for three polls in a row, however its cause changes
 * meanwhile, and once when it is well again.
 *
 * @param origin of the Cryptshare Server
 * @param isComplete the poll's listing was complete
 * @param at ISO 8601 time of the poll
 * @returns undefined when there is nothing to write down
 */
export function nextHealth(
  origin: string,
  watch: Watch,
  health: Health | undefined,
  trouble: Trouble | undefined,
  isComplete: boolean,
  at: string,
): HealthChange | undefined {
  if (!trouble) {
    if (!health) return undefined;
    const event = health.isAnnounced ? watchEvent(origin, 'watch.recovered', dataOf(watch, health), at) : undefined;
    return { health: undefined, event };
  }
  const incompleteSince = isComplete ? undefined : earlier(health?.incompleteSince, at);
  const gap = incompleteSince === undefined ? {} : { incompleteSince };
  if (health?.isAnnounced) {
    if (health.incompleteSince === incompleteSince) return undefined;
    const { incompleteSince: _, ...rest } = health;
    return { health: { ...rest, ...gap }, event: undefined };
  }
  const failures = (health?.failures ?? 0) + 1;
  const isAnnounced = failures === failuresUntilAnnounced;
  const failing: Health = { failingSince: earlier(health?.failingSince, at), failures, trouble, isAnnounced, ...gap };
  const event = isAnnounced ? watchEvent(origin, 'watch.failing', dataOf(watch, failing), at) : undefined;
  return { health: failing, event };
}

/**
 * What operators are told of the end of a verification that only a person can renew: once for each end, a week before.
 *
 * @param at ISO 8601 time of the poll
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

const dataOf = ({ mailbox, direction }: Watch, { failingSince, trouble }: Health): WatchEventData => ({
  mailbox,
  direction,
  ...trouble,
  failingSince,
});

import { Partition } from '#functions/dynamodb/partition.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { type ExpiryEvent, eventBody } from '#functions/events/transfer-event.ts';
import { followable } from '#functions/transfers/follow.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { registryKey } from './places.ts';
import { type HealthChange, healthSchema } from './watch-health.ts';

export const watchOf = r.rowOf({
  mailbox: r.text,
  direction: r.oneOf(['sent', 'received']),
  /** True when the configuration file declares it. */
  isDeclared: r.optional(r.flag),
  /** True when it is not polled, for instance because the configuration file no longer declares it. */
  isDisabled: r.optional(r.flag),
  /** True when an operator has paused it; no deployment resumes it. */
  isPaused: r.optional(r.flag),
  /** ISO 8601 time at which it left the configuration file, or an operator removed it. */
  removedAt: r.optional(r.text),
  /** True when an operator has removed it: no list shows it, and its row lasts as long as its snapshot. */
  isRemoved: r.optional(r.flag),
  /** Announce the transfers of the baseline instead of storing them silently. */
  notifyExisting: r.optional(r.flag),
  /** Milliseconds between two polls. @default the interval of the schedule */
  pollIntervalMs: r.optional(r.number),
  /** Facts that it follows besides states, see {@link FollowingWatch}. */
  follow: r.optional(r.list(r.oneOf(followable))),
  overdueBeforeMs: r.optional(r.number),
  /** True while the server does not give all facts that it follows. */
  lacksFacts: r.optional(r.flag),
  /** ISO 8601 time since which these settings apply. */
  scheduledFrom: r.optional(r.text),
  /** ISO 8601 time at which a poll last found a change; kept only where quiet watches have a longer interval. */
  changedAt: r.optional(r.text),
  health: r.optional(healthSchema),
  /** Counts the changes of `health` and of `warnedOf`. */
  healthRev: r.optional(r.number),
  /** ISO 8601 end of the verification in the last warning to operators. */
  warnedOf: r.optional(r.text),
  /** Bodies of events about this watch that may be unpublished. */
  pending: r.optional(r.list(r.text)),
});

/** `removedAt` of a watch whose data the next tick deletes, without asking the server for the time. */
export const forgottenAt = '0000-01-01T00:00:00.000Z';

export type RegisteredWatch = ReturnType<typeof watchOf>;

export const registryPartition = 'WATCHES';

/** Condition that a watch exists and was not removed. */
export const isThere = 'attribute_exists(pk) AND attribute_not_exists(isRemoved)';

/** Registry of watches as polls change it: one row for each watch, in the order of places. */
export class PolledWatches extends Partition.of(registryPartition) {
  /** Stores health, warning and their events. Returns the changed watch, or undefined when another poll was first. */
  async commitHealth(watch: RegisteredWatch, { health, event }: HealthChange, warning?: ExpiryEvent) {
    const { healthRev: read } = watch;
    const events = [event, warning].filter((one) => one !== undefined).map(eventBody);
    const changed = {
      healthRev: (read ?? 0) + 1,
      health,
      ...(warning && { warnedOf: warning.data.validUntil }),
      ...(events.length > 0 && { pending: [...(watch.pending ?? []), ...events] }),
    };
    // Without the condition, a watch that was removed since would come back as half a row.
    const condition = `${isThere} AND ${read === undefined ? 'attribute_not_exists(healthRev)' : 'healthRev = :read'}`;
    const isWritten = await this.update(registryKey(watch), changed, { condition, values: { read } });
    return isWritten ? { ...watch, ...changed } : undefined;
  }

  /** @param at ISO 8601 time at which a poll has found a change */
  async noteChange(watch: Watch, at: string): Promise<void> {
    await this.update(registryKey(watch), { changedAt: at }, { condition: isThere });
  }

  /** @param lacksFacts false once the server gives the facts that the watch follows */
  async noteLack(watch: Watch, lacksFacts: boolean): Promise<void> {
    await this.update(registryKey(watch), { lacksFacts: lacksFacts || undefined }, { condition: isThere });
  }

  /** Clears the published events of a watch unless another poll has changed it since. */
  async clearPending(watch: RegisteredWatch): Promise<void> {
    const isUnchanged = { condition: 'healthRev = :read', values: { read: watch.healthRev } };
    await this.update(registryKey(watch), { pending: undefined }, isUnchanged);
  }

  /** Deletes the row of a removed watch unless an operator or a deployment has added it again since. */
  async forget(watch: RegisteredWatch): Promise<void> {
    const condition = 'removedAt = :removedAt';
    await this.delete(registryKey(watch), { condition, values: { removedAt: watch.removedAt } });
  }
}

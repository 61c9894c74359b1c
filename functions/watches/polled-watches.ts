import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { type ExpiryEvent, eventBody } from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { registryKey } from './places.ts';
import type { Health, HealthChange } from './watch-health.ts';

/** A watch as the registry has it. */
export interface RegisteredWatch extends Watch {
  /** It stands in the configuration file. */
  readonly isDeclared?: boolean;
  /** It is not polled, for instance because the configuration file no longer declares it. */
  readonly isDisabled?: boolean;
  /** An operator has disabled it: it stays so whatever the configuration file declares. */
  readonly isPaused?: boolean;
  /** ISO 8601 time at which it left the configuration file, or was removed. */
  readonly removedAt?: string;
  /** An operator has removed it: no list has it, and its row is there for the sake of its snapshot. */
  readonly isRemoved?: boolean;
  /** Announce what is there before the baseline instead of storing it silently. */
  readonly notifyExisting?: boolean;
  /** Milliseconds between two polls, where they differ from the interval of the other watches. */
  readonly every?: number;
  /** ISO 8601 time since which it is polled as it stands here. */
  readonly since?: string;
  /** ISO 8601 time at which a poll last found something changed; kept where quiet watches are polled more seldom. */
  readonly changedAt?: string;
  readonly health?: Health;
  /** Counts the changes of `health` and of `warnedOf`. */
  readonly healthRev?: number;
  /** ISO 8601 end of the verification that operators were told about last. */
  readonly warnedOf?: string;
  /** Bodies of events about this watch that are not known to be published. */
  readonly pending?: readonly string[];
}

export const registryPartition = 'WATCHES';

export const watchOf = ({ pk, sk, ...watch }: Item): RegisteredWatch => watch as RegisteredWatch;

/** Condition of changes to a watch that operators see. */
export const isThere = 'attribute_exists(pk) AND attribute_not_exists(isRemoved)';

/** The registry of watches as polls change it: one row for each watch, under `WATCHES`, in the order of their places. */
export class PolledWatches extends Partition {
  constructor(client: DynamoDBClient, table: string) {
    super(client, table, registryPartition);
  }

  /**
   * Writes down a watch's health, and of which end of its verification operators are told, with the events this is
   * worth. Returns the watch as it is now, or undefined when another poll was first.
   */
  async commitHealth(
    watch: RegisteredWatch,
    { health, event }: HealthChange,
    warning?: ExpiryEvent,
  ): Promise<RegisteredWatch | undefined> {
    const { health: _, healthRev: read, ...rest } = watch;
    const events = [event, warning].filter((one) => one !== undefined).map(eventBody);
    const changed = {
      healthRev: (read ?? 0) + 1,
      ...(warning && { warnedOf: warning.data.validUntil }),
      ...(health && { health }),
      ...(events.length > 0 && { pending: [...(watch.pending ?? []), ...events] }),
    };
    const sets = Object.keys(changed).map((name) => `${name} = :${name}`);
    const change = `SET ${sets.join(', ')}${health ? '' : ' REMOVE health'}`;
    const isWritten = await this.update(registryKey(watch), change, {
      // One that was removed meanwhile must not come back as half a row.
      condition: `${isThere} AND ${read === undefined ? 'attribute_not_exists(healthRev)' : 'healthRev = :read'}`,
      values: { ...changed, read },
    });
    return isWritten ? { ...rest, ...changed } : undefined;
  }

  /** @param at ISO 8601 time at which a poll has found something changed */
  async noteChange(watch: Watch, at: string): Promise<void> {
    await this.update(registryKey(watch), 'SET changedAt = :at', { condition: isThere, values: { at } });
  }

  /** Takes the published events off a watch, unless another poll has changed it since. */
  async clearPending(watch: RegisteredWatch): Promise<void> {
    await this.update(registryKey(watch), 'REMOVE pending', {
      condition: 'healthRev = :read',
      values: { read: watch.healthRev },
    });
  }

  /** Deletes the row of a watch that was removed, unless it was added again since it was read. */
  async forget(watch: RegisteredWatch): Promise<void> {
    const condition = 'removedAt = :removedAt';
    await this.delete(registryKey(watch), { condition, values: { removedAt: watch.removedAt } });
  }
}

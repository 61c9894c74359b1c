import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { putRows } from '../batches.ts';
import { addressKey } from '../mailbox-address.ts';
import { type Item, Partition } from '../table.ts';
import { type ExpiryEvent, eventBody } from './event.ts';
import type { Health, HealthChange } from './health.ts';
import { placeOf, rangeOfPlaces, registryKey } from './places.ts';
import { type Watch, watchKey } from './transfer.ts';

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
  /** Milliseconds between two polls, if not as for all. */
  readonly every?: number;
  /** ISO 8601 time from which on it is polled as it stands here. */
  readonly since?: string;
  readonly health?: Health;
  /** Counts the changes of `health` and of `warnedOf`. */
  readonly healthRev?: number;
  /** ISO 8601 end of the verification that operators were told about last. */
  readonly warnedOf?: string;
  /** Bodies of events about this watch that are not known to be published. */
  readonly pending?: readonly string[];
}

/** Watches written at the same time. */
const concurrency = 16;

/** Before and after all keys. */
const registryRange = ['0', 'g'] as const;

/** Partition of the registry. */
export const registryPartition = 'WATCHES';

/** A watch as the configuration file or an operator wants it. */
export interface WantedWatch extends Watch {
  /** Milliseconds between two polls, if not as for all. */
  readonly every?: number | undefined;
}

/** Whether a watch stands in the registry as one that the configuration file declares. */
const isDeclared = (watch: RegisteredWatch | undefined): boolean =>
  watch !== undefined && watch.isDeclared === true && (!watch.isDisabled || watch.isPaused === true);

/** The watch of a row of the registry. */
export const watchOf = ({ pk, sk, ...watch }: Item): RegisteredWatch => watch as RegisteredWatch;

/** Condition of changes to a watch that operators see. */
const isThere = 'attribute_exists(pk) AND attribute_not_exists(isRemoved)';

/** Tells watches apart whatever the spelling of their addresses. */
const sameKey = ({ mailbox, direction }: Watch): string => `${direction}#${addressKey(mailbox)}`;

/** The watches of rows that have not been removed. */
const listed = (rows: readonly Item[]): RegisteredWatch[] => rows.map(watchOf).filter(({ isRemoved }) => !isRemoved);

/** The registry of watches in the transfers table: one row for each, under `WATCHES`, in the order of their places. */
export class Watches {
  private readonly partition: Partition;
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
    this.partition = new Partition(client, table, registryPartition);
  }

  /** All watches, disabled ones included. */
  async list(): Promise<RegisteredWatch[]> {
    const rows = await this.partition.range(...registryRange);
    return listed(rows);
  }

  /**
   * The watches whose keys come after a text, by key, at most `limit`; fewer where some were removed.
   *
   * @param after empty for the first ones
   * @returns them, and the key after which to go on; undefined when there are no more
   */
  async part(after: string, limit: number): Promise<{ watches: RegisteredWatch[]; next: string | undefined }> {
    const [first, last] = registryRange;
    const page = await this.partition.page(after < first ? first : `${after} `, last, limit);
    return { watches: listed(page.rows), next: page.last };
  }

  /**
   * Makes the declared watches what the configuration file says: adds and enables those that stand in it, disables
   * declared ones that do not any more, and leaves alone what operators added, declared later or not.
   *
   * @param notifyExisting for the watches this adds
   * @param at ISO 8601 time from which on they are polled
   * @param isAlone nobody else writes to the registry meanwhile, so that what is new needs no condition: a tenth of the time
   */
  async declare(watches: readonly WantedWatch[], notifyExisting: boolean, at: string, isAlone = false): Promise<void> {
    const keys = new Set(watches.map(watchKey));
    const known = new Map((await this.list()).map((watch) => [watchKey(watch), watch]));
    const dropped = [...known.values()].filter((watch) => isDeclared(watch) && !keys.has(watchKey(watch)));
    await pLimit(concurrency).map(dropped, async (watch) => {
      await this.partition.update(registryKey(watch), 'SET isDisabled = :true, removedAt = :at REMOVE isPaused', {
        values: { true: true, at },
      });
    });
    const different = watches.filter((watch) => {
      const registered = known.get(watchKey(watch));
      return !isDeclared(registered) || registered?.every !== watch.every;
    });
    const isNew = (watch: WantedWatch) => isAlone && !known.has(watchKey(watch));
    const rows = different.filter(isNew).map(({ mailbox, direction, every }) => {
      const sk = registryKey({ mailbox, direction });
      return { pk: registryPartition, sk, mailbox, direction, every, isDeclared: true, since: at, notifyExisting };
    });
    await putRows(this.client, this.table, rows);
    const others = different.filter((watch) => !isNew(watch));
    await pLimit(concurrency).map(others, async ({ mailbox, direction, every }) => {
      const isPaused = known.get(watchKey({ mailbox, direction }))?.isPaused === true;
      const removed = [
        ...['removedAt', 'isRemoved'],
        ...(every === undefined ? ['#every'] : []),
        ...(isPaused ? [] : ['isDisabled']),
      ];
      await this.partition.update(
        registryKey({ mailbox, direction }),
        `SET mailbox = :mailbox, direction = :direction, isDeclared = :true, since = :at,
          notifyExisting = if_not_exists(notifyExisting, :notifyExisting)${every === undefined ? '' : ', #every = :every'}
          REMOVE ${removed.join(', ')}`,
        {
          condition: 'attribute_not_exists(pk) OR isDeclared = :true OR isRemoved = :true',
          names: ['every'],
          values: { mailbox, direction, true: true, notifyExisting, at, every },
        },
      );
    });
  }

  async find(watch: Watch): Promise<RegisteredWatch | undefined> {
    const rows = await this.partition.range(registryKey(watch), registryKey(watch));
    return listed(rows)[0];
  }

  /**
   * Adds watches that an operator wants.
   *
   * @param notifyExisting announce what is there before the baseline
   * @param at ISO 8601 time at which they begin to be polled
   * @returns for each, false when it is there already, disabled or in another spelling of the same address included
   */
  async addAll(watches: readonly WantedWatch[], notifyExisting: boolean, at: string): Promise<boolean[]> {
    const wanted = new Set<string>();
    return pLimit(concurrency).map(watches, async (watch) => {
      const key = sameKey(watch);
      if (wanted.has(key)) return false;
      wanted.add(key);
      const place = placeOf(watch);
      const neighbours = listed(await this.partition.range(...rangeOfPlaces(place, place)));
      if (neighbours.some((other) => sameKey(other) === key)) return false;
      const { mailbox, direction, every } = watch;
      return this.partition.put(
        registryKey(watch),
        { mailbox, direction, every, since: at, ...(notifyExisting && { notifyExisting }) },
        { condition: 'attribute_not_exists(pk) OR isRemoved = :true', values: { true: true } },
      );
    });
  }

  /** Adds one, as {@link addAll} does. */
  async add(watch: WantedWatch, notifyExisting: boolean, at: string): Promise<boolean> {
    return (await this.addAll([watch], notifyExisting, at))[0]!;
  }

  /**
   * Leaves a watch unpolled until it is resumed; no deployment enables it before.
   *
   * @returns false when there is none, or it is disabled already
   */
  pause(watch: Watch): Promise<boolean> {
    return this.partition.update(registryKey(watch), 'SET isDisabled = :true, isPaused = :true', {
      condition: 'attribute_exists(pk) AND attribute_not_exists(isDisabled)',
      values: { true: true },
    });
  }

  /**
   * Has a disabled watch polled again. One that the configuration file no longer declares is the operator's from now on,
   * and no deployment disables it.
   *
   * @param watch as it was read
   * @param at ISO 8601 time from which on it is polled
   * @returns false when it is not disabled, or has been changed since it was read
   */
  resume(watch: RegisteredWatch, at: string): Promise<boolean> {
    const change = `SET since = :at REMOVE isDisabled, isPaused, removedAt${watch.isPaused ? '' : ', isDeclared'}`;
    return this.partition.update(registryKey(watch), change, {
      condition: `isDisabled = :true AND attribute_not_exists(isRemoved) AND ${watch.isPaused ? 'isPaused = :true' : 'attribute_not_exists(isPaused)'}`,
      values: { true: true, at },
    });
  }

  /**
   * Has a watch polled in another interval.
   *
   * @param every milliseconds between two polls; undefined: as for all
   * @param at ISO 8601 time from which on
   * @returns false when there is none
   */
  pace(watch: Watch, every: number | undefined, at: string): Promise<boolean> {
    const change = every === undefined ? 'SET since = :at REMOVE #every' : 'SET since = :at, #every = :every';
    return this.partition.update(registryKey(watch), change, {
      condition: isThere,
      names: ['every'],
      values: { at, every },
    });
  }

  /**
   * Has what a mailbox sends and receives polled at the next tick, as far as it is watched.
   *
   * @param at ISO 8601 time of that tick, or before it
   */
  async hasten(mailbox: string, at: string): Promise<void> {
    for (const direction of ['sent', 'received'] as const) {
      const watch = { mailbox, direction };
      await this.partition.update(registryKey(watch), 'SET since = :at', { condition: isThere, values: { at } });
    }
  }

  /**
   * Takes a watch out of all lists. Its row stays for as long as its snapshot does.
   *
   * @param at ISO 8601 time
   */
  async remove({ mailbox, direction }: Watch, at: string): Promise<void> {
    const removed = { mailbox, direction, isDisabled: true, isRemoved: true, removedAt: at };
    await this.partition.put(registryKey({ mailbox, direction }), removed, { condition: 'attribute_exists(pk)' });
  }

  /** Deletes the row of a watch that was removed, unless it was added again since it was read. */
  async forget(watch: RegisteredWatch): Promise<void> {
    const condition = 'removedAt = :removedAt';
    await this.partition.delete(registryKey(watch), { condition, values: { removedAt: watch.removedAt } });
  }

  /**
   * Writes down a watch's health, and of which end of its verification operators are told, together with the events this
   * is worth.
   *
   * @returns the watch as it is now, or undefined when another poll was first
   */
  async commitHealth(
    watch: RegisteredWatch,
    { health, event }: HealthChange,
    warning?: ExpiryEvent,
  ): Promise<RegisteredWatch | undefined> {
    const healthRev = (watch.healthRev ?? 0) + 1;
    const events = [event, warning].filter((one) => one !== undefined);
    const pending = events.length > 0 ? [...(watch.pending ?? []), ...events.map(eventBody)] : watch.pending;
    const warnedOf = warning?.data.validUntil ?? watch.warnedOf;
    const sets = [
      'healthRev = :healthRev',
      ...(warnedOf ? ['warnedOf = :warnedOf'] : []),
      ...(health ? ['health = :health'] : []),
      ...(pending ? ['pending = :pending'] : []),
    ];
    const isWritten = await this.partition.update(
      registryKey(watch),
      `SET ${sets.join(', ')}${health ? '' : ' REMOVE health'}`,
      {
        // One that was removed meanwhile must not come back as half a row.
        condition: `${isThere} AND ${watch.healthRev === undefined ? 'attribute_not_exists(healthRev)' : 'healthRev = :read'}`,
        values: { healthRev, health, pending, warnedOf, read: watch.healthRev },
      },
    );
    if (!isWritten) return undefined;
    const { health: _, pending: __, ...rest } = watch;
    return {
      ...rest,
      healthRev,
      ...(warnedOf && { warnedOf }),
      ...(health && { health }),
      ...(pending && { pending }),
    };
  }

  /** Takes the published events off a watch, unless another poll has changed it since. */
  async clearPending(watch: RegisteredWatch): Promise<void> {
    await this.partition.update(registryKey(watch), 'REMOVE pending', {
      condition: 'healthRev = :read',
      values: { read: watch.healthRev },
    });
  }
}

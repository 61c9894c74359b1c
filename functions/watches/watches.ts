import pLimit from 'p-limit';
import { addressKey } from '#functions/transfers/address-key.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { placeOf, rangeOfPlaces, registryKey } from './places.ts';
import { isThere, PolledWatches, type RegisteredWatch, watchOf } from './polled-watches.ts';

/** Writes in flight: each holds a connection, and all change one partition. */
const concurrency = 16;

export interface WantedWatch extends FollowingWatch {
  /** Milliseconds between two polls. @default the interval of the schedule */
  readonly pollIntervalMs?: number | undefined;
}

export type WatchSettings = Omit<WantedWatch, keyof Watch>;

/** Settings as a row holds them: `follow` in one order, and `overdueBeforeMs` only where `follow` has overdue. */
function settingsOf({ pollIntervalMs, follow = [], overdueBeforeMs }: WatchSettings) {
  const followed = followable.filter((one) => follow.includes(one));
  return {
    pollIntervalMs,
    follow: followed.length > 0 ? followed : undefined,
    overdueBeforeMs: followed.includes('overdue') ? overdueBeforeMs : undefined,
  };
}

const isAlike = (one: WatchSettings, other: WatchSettings): boolean =>
  JSON.stringify(settingsOf(one)) === JSON.stringify(settingsOf(other));

/** True when the registry has the watch as declared by the configuration file. */
export const isDeclared = (watch: RegisteredWatch | undefined): boolean =>
  watch !== undefined && watch.isDeclared === true && (!watch.isDisabled || watch.isPaused === true);

/** Registry of watches as the configuration file and operators change it. */
export class Watches extends PolledWatches {
  /** All watches, disabled ones included. */
  async list(): Promise<RegisteredWatch[]> {
    return (await this.range(' ', '~')).map(watchOf).filter(({ isRemoved }) => !isRemoved);
  }

  /**
   * Applies the configuration file: adds and enables its watches, and disables declared ones that it no longer has. It
   * never changes a watch that an operator added, even if the file declares it later. A mailbox that is registered in
   * another spelling keeps that spelling, which is part of its snapshot's key.
   *
   * @param notifyExisting for the watches that this adds
   * @param at ISO 8601 time at which their polls begin
   * @param isAlone no other process writes to the registry, so new watches need no condition: a tenth of the time
   */
  async declare(declared: readonly WantedWatch[], notifyExisting: boolean, at: string, isAlone = false): Promise<void> {
    const registered = await this.list();
    const known = new Map(registered.map((watch) => [watchKey(watch), watch]));
    const spellings = new Map(registered.map(({ mailbox }) => [addressKey(mailbox), mailbox]));
    // Two registered spellings of one mailbox both stay as they are.
    const watches = declared.map((watch) => {
      const spelling = known.has(watchKey(watch)) ? undefined : spellings.get(addressKey(watch.mailbox));
      return { ...watch, mailbox: spelling ?? watch.mailbox };
    });
    const keys = new Set(watches.map(watchKey));
    const dropped = registered.filter((watch) => isDeclared(watch) && !keys.has(watchKey(watch)));
    const drop = { isDisabled: true, removedAt: at, isPaused: undefined };
    await pLimit(concurrency).map(dropped, (watch) => this.update(registryKey(watch), drop, {}));
    const different = watches.filter((watch) => {
      const before = known.get(watchKey(watch));
      return !before || !isDeclared(before) || !isAlike(before, watch);
    });
    const isNew = (watch: WantedWatch) => isAlone && !known.has(watchKey(watch));
    const declaredAs = ({ mailbox, direction, ...settings }: WantedWatch) => {
      return { mailbox, direction, ...settingsOf(settings), isDeclared: true, scheduledFrom: at };
    };
    const news = different.filter(isNew);
    await this.putAll(news.map((watch) => ({ sk: registryKey(watch), ...declaredAs(watch), notifyExisting })));
    const others = different.filter((watch) => !isNew(watch));
    const condition = 'attribute_not_exists(pk) OR isDeclared = :true OR isRemoved = :true';
    await pLimit(concurrency).map(others, async (watch) => {
      const before = known.get(watchKey(watch));
      const resumed = before?.isPaused ? {} : { isDisabled: undefined };
      const enabled = { removedAt: undefined, isRemoved: undefined, ...resumed };
      const row = { ...declaredAs(watch), ...enabled, notifyExisting: before?.notifyExisting ?? notifyExisting };
      await this.update(registryKey(watch), row, { condition, values: { true: true } });
    });
  }

  /** Watches of a mailbox in any spelling of its address, the exact spelling first. */
  async ofMailbox(mailbox: string): Promise<RegisteredWatch[]> {
    const same = (await this.everOfMailbox(mailbox)).filter(({ isRemoved }) => !isRemoved);
    return same.toSorted((a, b) => Number(b.mailbox === mailbox) - Number(a.mailbox === mailbox));
  }

  /** Watches of a mailbox in any spelling, also those that an operator removed. */
  async everOfMailbox(mailbox: string): Promise<RegisteredWatch[]> {
    const place = placeOf({ mailbox });
    const neighbours = (await this.range(...rangeOfPlaces(place, place))).map(watchOf);
    return neighbours.filter((watch) => addressKey(watch.mailbox) === addressKey(mailbox));
  }

  async find({ mailbox, direction }: Watch): Promise<RegisteredWatch | undefined> {
    return (await this.ofMailbox(mailbox)).find((watch) => watch.direction === direction);
  }

  /** Adds watches from an ISO 8601 time on. Returns false for each that exists, even disabled or spelled otherwise. */
  async addAll(watches: readonly WantedWatch[], notifyExisting: boolean, at: string): Promise<boolean[]> {
    const wanted = new Set<string>();
    return pLimit(concurrency).map(watches, async (watch) => {
      const { mailbox, direction, ...settings } = watch;
      const key = watchKey({ mailbox: addressKey(mailbox), direction });
      if (wanted.has(key)) return false;
      wanted.add(key);
      if (await this.find(watch)) return false;
      const begun = { scheduledFrom: at, ...(notifyExisting && { notifyExisting }) };
      const row = { mailbox, direction, ...settingsOf(settings), ...begun };
      const condition = 'attribute_not_exists(pk) OR isRemoved = :true';
      return this.put(registryKey(watch), row, { condition, values: { true: true } });
    });
  }

  /** Disables a watch until an operator resumes it; no deployment does. Returns false if it is unknown or disabled. */
  pause(watch: Watch): Promise<boolean> {
    const condition = 'attribute_exists(pk) AND attribute_not_exists(isDisabled)';
    return this.update(registryKey(watch), { isDisabled: true, isPaused: true }, { condition });
  }

  /** Enables a watch from an ISO 8601 time on; no deployment disables it. False if enabled or changed. */
  resume(watch: RegisteredWatch, at: string): Promise<boolean> {
    const { isPaused } = watch;
    const enabled = { isDisabled: undefined, isPaused: undefined, removedAt: undefined };
    const changed = { scheduledFrom: at, ...enabled, ...(!isPaused && { isDeclared: undefined }) };
    const isUnchanged = isPaused ? 'isPaused = :true' : 'attribute_not_exists(isPaused)';
    const condition = `isDisabled = :true AND attribute_not_exists(isRemoved) AND ${isUnchanged}`;
    return this.update(registryKey(watch), changed, { condition, values: { true: true } });
  }

  /**
   * Changes the given settings from an ISO 8601 time on; undefined is the default. Returns false if the watch is unknown,
   * or no longer follows overdue transfers, whose time is to change.
   */
  configure(watch: RegisteredWatch, changes: WatchSettings, at: string): Promise<boolean> {
    const { pollIntervalMs, follow, overdueBeforeMs } = settingsOf({ ...watch, ...changes });
    const [changesFollow, changesOverdue] = ['follow' in changes, 'overdueBeforeMs' in changes];
    // Leave unwritten what is not given: another operator may be changing it.
    const changed = {
      ...('pollIntervalMs' in changes && { pollIntervalMs }),
      ...(changesFollow && { follow }),
      ...((changesOverdue || (changesFollow && !follow?.includes('overdue'))) && { overdueBeforeMs }),
    };
    const needsOverdue = changesOverdue && !changesFollow && overdueBeforeMs !== undefined;
    const condition = needsOverdue ? `${isThere} AND contains(follow, :overdue)` : isThere;
    const values = needsOverdue ? { overdue: 'overdue' } : {};
    return this.update(registryKey(watch), { scheduledFrom: at, ...changed }, { condition, values });
  }

  /** Makes the watches of a mailbox due at the next tick after an ISO 8601 time. */
  async hasten(mailbox: string, at: string): Promise<void> {
    for (const watch of await this.ofMailbox(mailbox)) {
      await this.update(registryKey(watch), { scheduledFrom: at }, { condition: isThere });
    }
  }

  /** Removes a watch from all lists at an ISO 8601 time. Its row stays as long as its snapshot. */
  async remove({ mailbox, direction }: Watch, at: string): Promise<void> {
    const removed = { mailbox, direction, isDisabled: true, isRemoved: true, removedAt: at };
    await this.put(registryKey({ mailbox, direction }), removed, { condition: 'attribute_exists(pk)' });
  }
}

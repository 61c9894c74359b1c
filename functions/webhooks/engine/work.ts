import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import type { EndpointDeliveries } from '#functions/webhooks/deliveries/deliveries.ts';
import type { Delivery } from '#functions/webhooks/deliveries/delivery.ts';

/** A delivery to make, with the sort key of the task that names it, if any. */
interface Entry {
  readonly event: string;
  readonly task?: string;
}

/** Milliseconds between two looks for more work while attempts are in flight. */
const lookIntervalMs = 200;

/** Work of a drain: deliveries of wake-ups and tasks, and due retries. First attempts and retries take turns. */
export class Work {
  private readonly deps: DeliverDependencies;
  readonly name: string;
  private readonly fresh: Entry[] = [];
  private readonly retries: Entry[] = [];
  private isTurnOfRetries = false;
  /** Events already taken. This drain takes them again only if a task names them. */
  private readonly taken = new Set<string>();
  /** Number of unfinished deliveries, for each task that was read. */
  private readonly open = new Map<string, number>();
  private lastTask = '';
  /** True when due retries are part of the work. */
  wantsRetries: boolean;
  /** Instant of the steady clock of the last look for more work. */
  private lookedAt: number;
  /** Deliveries that another process is attempting. */
  private readonly deferred: Entry[] = [];
  /** True when tasks and waiting retries name all that is left, and nothing depends on the wake-ups. */
  isKept = false;
  private readonly looking = new Map<string, Entry>();
  private retriesUntil: number | undefined;

  constructor(deps: DeliverDependencies, name: string, events: readonly string[], wantsRetries: boolean) {
    this.deps = deps;
    this.name = name;
    this.wantsRetries = wantsRetries;
    this.lookedAt = wantsRetries ? Number.NEGATIVE_INFINITY : deps.steady();
    this.add(events);
  }

  /** True for a single delivery, as far as is known. */
  get isSingle(): boolean {
    return this.fresh.length === 1 && !this.wantsRetries && this.taken.size === 0;
  }

  takeAllRetries(): void {
    this.wantsRetries = true;
    this.retriesUntil = Number.MAX_SAFE_INTEGER;
  }

  add(events: Iterable<string>): void {
    for (const event of events) this.fresh.push({ event });
    this.isKept &&= this.fresh.length === 0;
  }

  /**
   * Reads the next deliveries and their endpoint, unless `read` has them; undefined when there is nothing to do. When
   * none is left, it reads more. An idle drain does so at once, others at intervals, since each look costs a unit.
   */
  async look(count: number, isIdle: boolean, read?: EndpointDeliveries) {
    let entries = this.next(count);
    while (entries.length === 0) {
      const isTime = isIdle || this.deps.steady() - this.lookedAt >= lookIntervalMs;
      if (!isTime || !(await this.readMore())) return undefined;
      entries = this.next(count);
    }
    const events = entries.map(({ event }) => event);
    const known = read && events.every((event) => read.deliveries.has(event)) ? read : undefined;
    const { endpoint, deliveries } = known ?? (await this.deps.deliveries.ofEndpoint(this.name, events));
    // Those without a row have expired.
    for (const event of events) if (!deliveries.has(event)) this.done(event);
    return { endpoint, deliveries: events.flatMap((event) => deliveries.get(event) ?? []) };
  }

  async unchanged(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const current = await this.deps.deliveries.read(deliveries);
    const revs = new Map(current.map(({ event, rev }) => [event, rev]));
    return deliveries.filter(({ event, rev }) => revs.get(event) === rev);
  }

  /** Marks a delivery as done: it was attempted, or must not be. */
  done(event: string): void {
    this.countDone(this.handedOut(event)?.task);
  }

  /** Leaves a delivery that another process is attempting to a later drain. */
  defer(event: string): void {
    const entry = this.handedOut(event);
    if (entry) this.deferred.push(entry);
  }

  /** Returns a delivery whose attempt could not begin. */
  putBack(event: string): void {
    const entry = this.handedOut(event);
    this.taken.delete(event);
    if (entry) this.fresh.unshift(entry);
  }

  private handedOut(event: string): Entry | undefined {
    const entry = this.looking.get(event);
    this.looking.delete(event);
    return entry;
  }

  /**
   * Leaves unfinished work to the next drain, even after a fault of ours, and deletes finished tasks. True when work is
   * left. It `asks` the holder to look at due retries, if they are part of the work.
   */
  async leave(asks: boolean): Promise<boolean> {
    const { leases, now } = this.deps;
    const unfinished = [...this.fresh, ...this.deferred, ...this.looking.values()]
      .filter(({ task }) => task === undefined)
      .map(({ event }) => event);
    if (unfinished.length > 0 || (asks && this.wantsRetries))
      await leases.leaveTask(this.name, unfinished, now().getTime());
    const finished = [...this.open].filter(([, left]) => left === 0);
    await Promise.all(finished.map(([sk]) => leases.deleteTask(this.name, sk)));
    this.fresh.length = 0;
    this.retries.length = 0;
    this.looking.clear();
    for (const { event } of this.deferred.splice(0)) this.taken.delete(event);
    this.lastTask = '';
    const isLeft = unfinished.length > 0 || this.open.size > finished.length;
    // Tasks that still exist are read again: another process may have finished the others.
    this.open.clear();
    this.isKept = true;
    return isLeft;
  }

  /** Takes the next deliveries, first attempts and retries in turn, each only once. */
  private next(count: number): Entry[] {
    const entries: Entry[] = [];
    while (entries.length < count && this.fresh.length + this.retries.length > 0) {
      const [queue, other] = this.isTurnOfRetries ? [this.retries, this.fresh] : [this.fresh, this.retries];
      const entry = (queue.shift() ?? other.shift())!;
      this.isTurnOfRetries = !this.isTurnOfRetries;
      // A task may want a finished delivery made again; its row decides.
      const isMade = entry.task === undefined && this.taken.has(entry.event);
      if (isMade || this.looking.has(entry.event)) this.countDone(entry.task);
      else {
        this.taken.add(entry.event);
        this.looking.set(entry.event, entry);
        entries.push(entry);
      }
    }
    return entries;
  }

  /** Reads tasks and due retries; true when there are any. */
  private async readMore(): Promise<boolean> {
    const { leases, now, steady } = this.deps;
    this.lookedAt = steady();
    const tasks = await leases.tasks(this.name, this.lastTask);
    for (const { sk, events } of tasks) {
      this.open.set(sk, events.length);
      this.wantsRetries ||= events.length === 0;
      for (const event of events) this.fresh.push({ event, task: sk });
      this.lastTask = sk;
    }
    if (!this.wantsRetries) return tasks.length > 0;
    const due = await this.deps.deliveries.due(this.name, this.retriesUntil ?? now().getTime());
    for (const { event } of due) if (!this.taken.has(event)) this.retries.push({ event });
    return tasks.length + this.retries.length > 0;
  }

  private countDone(task: string | undefined): void {
    const left = task === undefined ? undefined : this.open.get(task);
    if (left !== undefined) this.open.set(task!, left - 1);
  }
}

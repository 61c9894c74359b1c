import { retryBudget } from '#functions/clock/backoff.ts';
import { getRows, rowName } from '#functions/dynamodb/batch.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { retention } from '#functions/webhooks/deliveries/deliveries.ts';
import { type Delivery, deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { dueEvents } from '#functions/webhooks/deliveries/delivery-index.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { endpointIn, endpointKey } from '#functions/webhooks/endpoints/endpoints.ts';
import type { Request } from '#functions/webhooks/endpoints/leases.ts';

/** A delivery that a drain is to make. */
interface Entry {
  readonly event: string;
  /** The request that names it. */
  readonly request?: string;
}

/** What is to be done for an endpoint, as it is now. */
export interface Look {
  /** Undefined when it was removed. */
  readonly endpoint: Endpoint | undefined;
  readonly deliveries: readonly Delivery[];
}

/** Milliseconds from one look for more to the next, while attempts are under way. */
const lookInterval = 200;

/** Rows by their name, as `getRows` answers them. */
export type Rows = ReadonlyMap<string, Item>;

/**
 * What a drain has to do: deliveries that a wake-up names, those that requests name, and retries that are due. First attempts
 * and retries take turns, so that neither waits for the end of the other.
 */
export class Work {
  private readonly deps: DeliverDependencies;
  /** Of the endpoint. */
  readonly name: string;
  private readonly fresh: Entry[] = [];
  private readonly retries: Entry[] = [];
  private isTurnOfRetries = false;
  /** Events that were taken, and are not to be taken again by this drain unless a request asks for them. */
  private readonly taken = new Set<string>();
  /** For each request that was read, how many of its deliveries are still to be looked after. */
  private readonly open = new Map<string, number>();
  private lastRequest = '';
  /** Retries are looked at that are due. */
  wantsRetries: boolean;
  /** Instant of the steady clock at which it looked for more. */
  private lookedAt: number;
  /** Deliveries that another process is attempting. */
  private readonly deferred: Entry[] = [];
  /** Nothing is left that only the wake-ups name: requests and the retries that wait name the rest. */
  isKept = false;
  /** Deliveries that were handed out, and are not yet done. */
  private readonly looking = new Map<string, Entry>();

  private retriesUntil: number | undefined;

  constructor(deps: DeliverDependencies, name: string, events: readonly string[], wantsRetries: boolean) {
    this.deps = deps;
    this.name = name;
    this.wantsRetries = wantsRetries;
    this.lookedAt = wantsRetries ? Number.NEGATIVE_INFINITY : deps.steady();
    this.add(events);
  }

  /** Whether it is a single delivery, as far as is known. */
  get isSingle(): boolean {
    return this.fresh.length === 1 && !this.wantsRetries && this.taken.size === 0;
  }

  /** Has all retries looked at, whether they are due or not. */
  takeAllRetries(): void {
    this.wantsRetries = true;
    this.retriesUntil = Number.MAX_SAFE_INTEGER;
  }

  add(events: Iterable<string>): void {
    for (const event of events) this.fresh.push({ event });
    this.isKept &&= this.fresh.length === 0;
  }

  /**
   * The next deliveries, and their endpoint, as they are now. When none is left, more are read from requests and retries: at
   * once if the drain has nothing else to do, otherwise now and then, since each look costs a unit.
   *
   * @param rows read before, as far as they are known
   * @returns undefined when there is nothing to do
   */
  async look(count: number, isIdle: boolean, rows?: Rows): Promise<Look | undefined> {
    let entries = this.next(count);
    while (entries.length === 0) {
      const isTime = isIdle || this.deps.steady() - this.lookedAt >= lookInterval;
      if (!isTime || !(await this.readMore())) return undefined;
      entries = this.next(count);
    }
    const keys = entries.map(({ event }) => deliveryKey({ event, endpoint: this.name }));
    const isRead = rows !== undefined && keys.every((key) => rows.has(rowName(key)));
    const found = isRead ? rows : await this.read([endpointKey(this.name), ...keys]);
    const deliveries = entries.flatMap(({ event }, at) => {
      const row = found.get(rowName(keys[at]!));
      if (row) return [{ ...row, event, endpoint: this.name } as Delivery];
      // It has expired.
      this.done(event);
      return [];
    });
    return { endpoint: endpointIn(found, this.name), deliveries };
  }

  /** Reads deliveries again, and returns those that have not changed since. */
  async unchanged(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const rows = await this.read(deliveries.map(deliveryKey));
    return deliveries.filter((delivery) => rows.get(rowName(deliveryKey(delivery)))?.rev === delivery.rev);
  }

  /** A delivery is looked after: attempted, or put where it belongs. */
  done(event: string): void {
    this.settleRequest(this.handedOut(event)?.request);
  }

  /** Another process is attempting a delivery: this one leaves it to a later drain. */
  defer(event: string): void {
    const entry = this.handedOut(event);
    if (entry) this.deferred.push(entry);
  }

  /** A delivery could not be begun. */
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
   * Leaves what is not done to the next drain, be it for a fault of ours, and deletes the requests that are done.
   *
   * @param now Unix time in milliseconds
   * @param asks whether a holder is asked to look at the retries that are due, if this was to
   * @returns whether something is left
   */
  async leave(now: number, asks: boolean): Promise<boolean> {
    const { leases } = this.deps;
    const unfinished = [...this.fresh, ...this.deferred, ...this.looking.values()]
      .filter(({ request }) => request === undefined)
      .map(({ event }) => event);
    const expiresAt = Math.floor(now / 1000) + retention;
    if (unfinished.length > 0 || (asks && this.wantsRetries))
      await leases.leaveRequest(this.name, unfinished, now, expiresAt);
    const finished = [...this.open].filter(([, left]) => left === 0);
    await Promise.all(finished.map(([sk]) => leases.deleteRequest(this.name, sk)));
    this.fresh.length = 0;
    this.retries.length = 0;
    this.looking.clear();
    for (const { event } of this.deferred.splice(0)) this.taken.delete(event);
    this.lastRequest = '';
    const isLeft = unfinished.length > 0 || this.open.size > finished.length;
    // They are read again, if they are still there: another process may have looked after them meanwhile.
    this.open.clear();
    this.isKept = true;
    return isLeft;
  }

  /** The next deliveries, first attempts and retries in turn, without those that were taken already. */
  private next(count: number): Entry[] {
    const entries: Entry[] = [];
    while (entries.length < count && this.fresh.length + this.retries.length > 0) {
      const [queue, other] = this.isTurnOfRetries ? [this.retries, this.fresh] : [this.fresh, this.retries];
      const entry = (queue.shift() ?? other.shift())!;
      this.isTurnOfRetries = !this.isTurnOfRetries;
      // A request may ask for one that is made to be made again: its row tells.
      const isMade = entry.request === undefined && this.taken.has(entry.event);
      if (isMade || this.looking.has(entry.event)) this.settleRequest(entry.request);
      else {
        this.taken.add(entry.event);
        this.looking.set(entry.event, entry);
        entries.push(entry);
      }
    }
    return entries;
  }

  /** @returns whether there is more */
  private async readMore(): Promise<boolean> {
    const { leases, now, steady } = this.deps;
    this.lookedAt = steady();
    const requests = await leases.requests(this.name, this.lastRequest);
    for (const request of requests) this.accept(request);
    this.lastRequest = requests.at(-1)?.sk ?? this.lastRequest;
    if (!this.wantsRetries) return requests.length > 0;
    const due = await dueEvents(this.deps, this.name, this.retriesUntil ?? now().getTime());
    for (const { event } of due) if (!this.taken.has(event)) this.retries.push({ event });
    return requests.length + this.retries.length > 0;
  }

  private accept({ sk, events }: Request): void {
    this.open.set(sk, events.length);
    if (events.length === 0) this.wantsRetries = true;
    for (const event of events) this.fresh.push({ event, request: sk });
  }

  private settleRequest(request: string | undefined): void {
    const left = request === undefined ? undefined : this.open.get(request);
    if (left !== undefined) this.open.set(request!, left - 1);
  }

  private read(keys: readonly Key[]): Promise<Rows> {
    return getRows(this.deps.dynamo, this.deps.table, keys, retryBudget(undefined, this.deps.steady));
  }
}

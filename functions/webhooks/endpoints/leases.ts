import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { batchesOf } from '#functions/dynamodb/batch.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import { believedLease, type Lease, newLease, withoutFailures } from './lease.ts';

export const leaseKey = (endpoint: string): Key => ({ pk: `ENDPOINT#${endpoint}`, sk: 'LEASE' });

/** The lease that a row holds. */
export const leaseOf = (row: Item | undefined): Lease => (row as Lease | undefined) ?? newLease;

/** Deliveries that a process was asked to make while another one held their endpoint. */
export interface Request {
  /** Sort key of its row. */
  readonly sk: string;
  /** Ids of the events; none asks for the retries that are due. */
  readonly events: readonly string[];
  /** Unix time in milliseconds at which it was left. */
  readonly at: number;
}

const requestOf = ({ sk, events }: Item): Request => ({ sk, events, at: Number(sk.split('#')[1]) });

/** Events that one request names. */
const eventsPerRequest = 100;

/** Requests read at once. */
const pageSize = 10;

/** Times that a change is tried again because another process was quicker. */
const maxTries = 20;

/** Milliseconds of the longest wait before the first such repetition, and before any. */
const firstWait = 5;
const longestWait = 100;

/**
 * The rows of leases in the webhooks table, and the requests left for their holders. Drains of one process change a lease one
 * after the other and know it from the one before; those of several processes find out by the write's condition.
 */
export class Leases {
  private readonly source: TableSource;
  private readonly random: () => number;
  /** Until when, by the steady clock, holders of leases and attempts in this process live, whatever the clock is set to meanwhile. */
  readonly alive = new Map<string, number>();
  private readonly turns = new Map<string, { readonly limit: LimitFunction; last: Lease | undefined }>();

  /** @param random in [0, 1), for the waits of those that were not quick enough */
  constructor(source: TableSource, random = Math.random) {
    this.source = source;
    this.random = random;
  }

  /**
   * A lease as far as its instants can be right; what lives in this process lasts on.
   *
   * @param steady instant of the steady clock
   */
  believed(endpoint: string, lease: Lease, now: number, steady: number): Lease {
    const believed = believedLease(lease, now);
    const { holder } = lease;
    const lives = (key: string) => (this.alive.get(key) ?? 0) > steady;
    const inFlight = Object.entries(believed.inFlight).map(([event, inFlightAttempt]) => {
      const until = Math.max(inFlightAttempt.until, now + (this.alive.get(`${endpoint} ${event}`) ?? 0) - steady);
      return [event, { ...inFlightAttempt, until }];
    });
    return {
      ...believed,
      ...(holder && lives(holder.id) && { holder }),
      inFlight: Object.fromEntries(inFlight),
    };
  }

  /** The lease as this process wrote it last, which others may have changed since; undefined if it wrote none. */
  known(endpoint: string): Lease | undefined {
    return this.turns.get(endpoint)?.last;
  }

  /**
   * Remembers that an attempt of this process has ended, which costs nothing: the next change of the lease takes it out. Other
   * processes wait until its time is over.
   */
  end(endpoint: string, event: string): void {
    const turn = this.turns.get(endpoint);
    if (!turn?.last) return;
    const { [event]: _, ...inFlight } = turn.last.inFlight;
    turn.last = { ...turn.last, inFlight };
  }

  /** The lease of an endpoint as it is now, and the oldest requests that are left for it: so many, if there are. */
  async look(endpoint: string, limit: number): Promise<{ readonly lease: Lease; readonly requests: Request[] }> {
    const { sk } = leaseKey(endpoint);
    const { rows } = await this.partition(endpoint).page(sk, `${requests}~`, limit + 1);
    const lease = rows[0]?.sk === sk ? rows.shift() : undefined;
    return { lease: leaseOf(lease), requests: rows.slice(0, limit).map(requestOf) };
  }

  /** The lease of an endpoint as it is now. */
  async read(endpoint: string): Promise<Lease> {
    const { sk } = leaseKey(endpoint);
    const [row] = await this.partition(endpoint).range(sk, sk);
    return leaseOf(row);
  }

  /**
   * Changes a lease, again and again while others are quicker.
   *
   * @param read as it was read last
   * @param next the lease that follows from the one that is really there; undefined leaves it as it is
   * @returns the lease as it is then; undefined when it was left as it is, or others always were quicker
   */
  change(endpoint: string, read: Lease, next: (lease: Lease) => Lease | undefined): Promise<Lease | undefined> {
    const turn = this.turns.get(endpoint) ?? { limit: pLimit(1), last: undefined };
    this.turns.set(endpoint, turn);
    const { sk } = leaseKey(endpoint);
    return turn.limit(async () => {
      let current = turn.last && turn.last.rev >= read.rev ? turn.last : read;
      for (let tries = 0; tries < maxTries; tries += 1) {
        const changed = next(current);
        // What is remembered may be over: only the row as it is now refuses.
        if (!changed && tries > 0) return undefined;
        // A lease that was forgotten meanwhile must not come back from a process's memory.
        const isUnchanged = unchangedSince(current.rev);
        if (changed && (await this.partition(endpoint).put(sk, { ...changed }, isUnchanged))) {
          turn.last = changed;
          return changed;
        }
        if (tries > 0) await sleep(this.random() * Math.min(longestWait, firstWait * 2 ** tries));
        current = await this.read(endpoint);
        turn.last = undefined;
      }
      return undefined;
    });
  }

  /**
   * Leaves a request for whichever process holds the endpoint next, or holds it now.
   *
   * @param events ids; none asks for the retries that are due
   * @param now Unix time in milliseconds
   * @param expiresAt Unix time in seconds
   */
  async leaveRequest(endpoint: string, events: readonly string[], now: number, expiresAt: number): Promise<void> {
    for (const some of events.length > 0 ? batchesOf(events, eventsPerRequest) : [[]]) {
      const sk = `${requests}${String(now).padStart(15, '0')}#${randomUUID()}`;
      await this.partition(endpoint).put(sk, { events: some, expiresAt }, {});
    }
  }

  /** Requests left for an endpoint, the oldest first: those after a sort key, some at once. */
  async requests(endpoint: string, after = '', limit = pageSize): Promise<Request[]> {
    const { rows } = await this.partition(endpoint).page(after ? `${after} ` : requests, `${requests}~`, limit);
    return rows.map(requestOf);
  }

  /** Deletes a request whose deliveries are looked after. */
  async deleteRequest(endpoint: string, sk: string): Promise<void> {
    await this.partition(endpoint).delete(sk);
  }

  /** Forgets that an endpoint has failed. */
  async forgetFailures(endpoint: string, now: number): Promise<void> {
    await this.change(endpoint, await this.read(endpoint), (lease) =>
      lease.rev === 0 ? undefined : withoutFailures(lease, now),
    );
  }

  /** Forgets how an endpoint was doing, with what is under way. */
  async forget(endpoint: string): Promise<void> {
    await this.partition(endpoint).delete(leaseKey(endpoint).sk);
  }

  private partition(endpoint: string): Partition {
    return new Partition(this.source.dynamo, this.source.table, leaseKey(endpoint).pk);
  }
}

const requests = 'REQUEST#';

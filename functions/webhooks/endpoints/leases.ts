import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { expiryOf, usualKeptForMs } from '#functions/clock/retention.ts';
import { batchesOf, getRows } from '#functions/dynamodb/batch.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { type LeaseRow, leaseOf, plausibleLease, withoutFailures } from './lease.ts';

const leaseSk = 'LEASE';
/** Sorts after the lease, so that one query reads both. */
const taskPrefix = 'TASK#';

export const leaseKey = (endpoint: string): Key => ({ pk: `ENDPOINT#${endpoint}`, sk: leaseSk });

/** Ids of the events of a task for the holder of the lease; none for all that is due. */
const readTask = r.rowOf({ events: r.list(r.text) });

/** A task, with the Unix time in milliseconds of its creation. */
const taskOf = (row: Item) => ({ ...readTask(row), sk: String(row.sk), at: Number(row.sk.split('#')[1]) });

/** Most ids in one task, some 3 KB and so three write units, and tasks in memory at once. */
const eventsPerTask = 100;
const pageSize = 10;
/** Most tries of a change that loses against other processes. */
const maxTries = 20;
/** Milliseconds of the backoff between tries: the base that doubles, and the maximum. */
const firstWaitMs = 5;
const longestWaitMs = 100;

export type Leases = ReturnType<typeof leasesIn>;

/** Leases, and tasks for their holders. Drains of a process change a lease in turn, processes by conditional writes. */
export function leasesIn(source: TableSource, random = Math.random, keptForMs = usualKeptForMs) {
  /** End of each holder and attempt of this process by the steady clock, which ignores changes of the system's clock. */
  const alive = new Map<string, number>();
  const turns = new Map<string, { readonly limit: LimitFunction; last: LeaseRow | undefined }>();
  const partition = (endpoint: string): Partition => new Partition(source, leaseKey(endpoint).pk);

  /** Corrects a stored lease as {@link plausibleLease} does, but keeps holders and attempts alive in this process. */
  function plausible(endpoint: string, lease: LeaseRow, now: number, steady: number): LeaseRow {
    const corrected = plausibleLease(lease, now);
    const { holder } = lease;
    const isAlive = holder && (alive.get(holder.id) ?? 0) > steady;
    const inFlight = Object.entries(corrected.inFlight).map(([event, inFlightAttempt]) => {
      const until = Math.max(inFlightAttempt.until, now + (alive.get(`${endpoint} ${event}`) ?? 0) - steady);
      return [event, { ...inFlightAttempt, until }];
    });
    return { ...corrected, ...(isAlive && { holder }), inFlight: Object.fromEntries(inFlight) };
  }

  /** This process's last write of a lease, possibly stale; undefined before the first. */
  const known = (endpoint: string): LeaseRow | undefined => turns.get(endpoint)?.last;

  /** Marks an attempt as ended without a write: the next change removes it; until then other processes wait for it. */
  function end(endpoint: string, event: string): void {
    const turn = turns.get(endpoint);
    if (!turn?.last) return;
    const { [event]: _, ...inFlight } = turn.last.inFlight;
    turn.last = { ...turn.last, inFlight };
  }

  /** Reads the lease of an endpoint and its oldest tasks, at most `limit`, in one query. */
  async function look(endpoint: string, limit: number) {
    const { rows } = await partition(endpoint).page(leaseSk, `${taskPrefix}~`, limit + 1);
    const lease = rows[0]?.sk === leaseSk ? rows.shift() : undefined;
    return { lease: leaseOf(lease), tasks: rows.slice(0, limit).map(taskOf) };
  }

  const read = async (endpoint: string): Promise<LeaseRow> =>
    leaseOf((await partition(endpoint).range(leaseSk, leaseSk))[0]);

  const of = async (endpoints: readonly string[]): Promise<LeaseRow[]> =>
    (await getRows(source.dynamo, source.table, endpoints.map(leaseKey))).map(leaseOf);

  /**
   * Changes a lease as last read, and a newer row again while other processes win the write. `next` returns undefined to
   * leave it unchanged. @returns the new lease; undefined if it stays unchanged or other processes won every try
   */
  function change(endpoint: string, lease: LeaseRow, next: (lease: LeaseRow) => LeaseRow | undefined) {
    const turn = turns.get(endpoint) ?? { limit: pLimit(1), last: undefined };
    turns.set(endpoint, turn);
    return turn.limit(async () => {
      let current = turn.last && turn.last.rev >= lease.rev ? turn.last : lease;
      for (let tries = 0; tries < maxTries; tries += 1) {
        const changed = next(current);
        // The remembered lease may be stale: only a fresh read may decide against a change.
        if (!changed && tries > 0) return undefined;
        // Never recreate a deleted lease from a cached copy.
        const isUnchanged = unchangedSince(current.rev);
        if (changed && (await partition(endpoint).put(leaseSk, { ...changed }, isUnchanged))) {
          turn.last = changed;
          return changed;
        }
        if (tries > 0) await sleep(random() * Math.min(longestWaitMs, firstWaitMs * 2 ** tries));
        current = await read(endpoint);
        turn.last = undefined;
      }
      return undefined;
    });
  }

  /** Leaves deliveries, or if none are named the due retries, to the present or next holder of the lease. */
  async function leaveTask(endpoint: string, events: readonly string[], now: number): Promise<void> {
    for (const some of events.length > 0 ? batchesOf(events, eventsPerTask) : [[]]) {
      const sk = `${taskPrefix}${String(now).padStart(15, '0')}#${randomUUID()}`;
      await partition(endpoint).put(sk, { events: some, expiresAt: expiryOf(now, keptForMs) }, {});
    }
  }

  /** Reads a page of tasks after a sort key, the oldest first. */
  async function tasks(endpoint: string, after = '', limit = pageSize) {
    const { rows } = await partition(endpoint).page(after ? `${after} ` : taskPrefix, `${taskPrefix}~`, limit);
    return rows.map(taskOf);
  }

  const deleteTask = (endpoint: string, sk: string): Promise<boolean> => partition(endpoint).delete(sk);

  async function forgetFailures(endpoint: string, now: number): Promise<void> {
    const next = (lease: LeaseRow) => (lease.rev === 0 ? undefined : withoutFailures(lease, now));
    await change(endpoint, await read(endpoint), next);
  }

  /** Deletes the lease, attempts in flight included. */
  const forget = (endpoint: string): Promise<boolean> => partition(endpoint).delete(leaseSk);

  return { alive, plausible, known, end, look, read, of, change, leaveTask, tasks, deleteTask, forgetFailures, forget };
}

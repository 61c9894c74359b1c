import { setTimeout as sleep } from 'node:timers/promises';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { instant } from '#test/bench/measurement.ts';
import type { Call } from '#test/bench/processes/bench-process.ts';
import { eventsOf } from './events.ts';

/** The methods of a process that sends webhooks. */
export type SenderMethods = {
  /**
   * Publishes events.
   *
   * @param name begins their tracking ids
   * @param paceMs from one event to the next; with 0, all are published at once
   * @returns the time of each publication, by the `webhook-id` under which it arrives: Unix times in milliseconds
   */
  publish(name: string, count: number, paceMs: number): Promise<Published>;
  /**
   * Waits until a number of deliveries are recorded as done, counted from the start of the process.
   *
   * @returns when the last of them was: Unix time in milliseconds
   */
  finished(count: number): Promise<number>;
  cpu(): CpuUse;
};

/** A sender of webhooks in processes of its own. */
export interface Contestant {
  /** Its name in the tables. */
  readonly name: string;
  readonly call: Call<SenderMethods>;
  cpu(): Promise<CpuUse>;
  stop(): Promise<void>;
}

export type Published = Readonly<Record<string, number>>;

/** Milliseconds of CPU so far. */
export interface CpuUse {
  readonly sender: number;
  /** The process that keeps the sender's data, where the system tells. */
  readonly store?: number | undefined;
}

/** Milliseconds that a number of deliveries may take: a sender that is slower is not measured any further. */
const patienceMs = 120_000;

/** Publishes events one by one, or all at once. */
export async function publishAt(
  paceMs: number,
  name: string,
  count: number,
  publish: (events: readonly TransferEvent[]) => Promise<unknown>,
): Promise<void> {
  const events = eventsOf(name, count);
  if (paceMs === 0) await publish(events);
  else for (const event of events) await Promise.all([publish([event]), sleep(paceMs)]);
}

/**
 * Waits until a count is reached.
 *
 * @returns Unix time in milliseconds, a few too late
 * @throws Error when that takes longer than {@link patienceMs}
 */
export async function waitForCount(count: number, done: () => number | Promise<number>): Promise<number> {
  const began = performance.now();
  while ((await done()) < count) {
    if (performance.now() - began > patienceMs) throw new Error(`${count} deliveries not recorded in time`);
    await sleep(5);
  }
  return instant();
}

/**
 * Waits for something, but not for ever.
 *
 * @throws Error that says what did not happen in time
 */
export async function inTime<T>(task: Promise<T>, what: string, milliseconds = patienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${milliseconds / 1000} s`)), milliseconds);
  });
  return Promise.race([task, late]).finally(() => clearTimeout(timer));
}

/** Part of a run that works until it is stopped. */
export interface Part {
  stop(): void;
  /** Resolves when the work in flight has ended; rejects on an error. */
  readonly ended: Promise<unknown>;
  /** Work in flight, in words, for instance `2 deliveries`. */
  unfinished?(): readonly string[];
  /** Releases the work in flight, so that the next start does not wait for it. */
  release?(): Promise<unknown>;
}

/** Milliseconds after the signal; container runtimes kill after 10 s. */
const remindAfter = 2500;
const longestWaitMs = 5000;
const releaseUntilMs = 6500;

/** Deadline for the end of the process, in milliseconds after the signal. */
export const stopWithin = 7500;

const mostNamed = 3;

/** Same deadline in words, the end of the process included. */
const atMost = 'at most 8 s';

/**
 * Stops the parts of a run: waits for their work in flight, then releases the rest.
 *
 * @param stages stopped in order, as each stage hands work to the next
 * @param say prints what the stop waits for, at once and when it takes long
 * @returns true if all work has ended by itself
 */
export async function stopInTime(stages: readonly (readonly Part[])[], say: (text: string) => void): Promise<boolean> {
  const parts = stages.flat();
  const unfinishedNames = () => list.format(parts.flatMap((part) => part.unfinished?.() ?? []));
  const started = performance.now();
  const until = (instant: number) => started + instant - performance.now();
  const ended = (async () => {
    for (const stage of stages) {
      for (const part of stage) part.stop();
      await Promise.all(stage.map((part) => part.ended));
    }
  })();
  say(unfinishedNames() ? `stopping: waits for ${unfinishedNames()}, ${atMost}` : 'stopping');
  if (await isWithin(until(remindAfter), ended)) return true;
  say(`stopping: still waits for ${unfinishedNames() || 'the embedded services'}`);
  if (await isWithin(until(longestWaitMs), ended)) return true;
  say(`stopping: gives up ${unfinishedNames() || 'waiting for the embedded services'}; the next start makes up for it`);
  for (const part of parts) part.stop();
  await isWithin(until(releaseUntilMs), Promise.allSettled(parts.map((part) => part.release?.())));
  return false;
}

/** Waits for a promise by a monotonic clock; false if the time ran out. Rejects if the promise rejects in time. */
export async function isWithin(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, milliseconds), false);
  });
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer));
}

/** Joins as in `1 listing (sent by alice@example.com) and 2 deliveries`. */
const list = new Intl.ListFormat('en-GB');

/** Shortens names as in `crm, archive, erp and 2 more`. */
export function firstOf(names: readonly string[]): string {
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return `${names.slice(0, mostNamed).join(', ')}${more}`;
}

/** Formats `1 delivery` or `2 deliveries`; empty for 0. */
export const counted = (count: number, one: string, many: string): readonly string[] =>
  count === 0 ? [] : [count === 1 ? `1 ${one}` : `${count} ${many}`];

/** A part of a run that works until it is told to stop. */
export interface Part {
  /** Has it begin nothing new. */
  stop(): void;
  /** Resolves when what was under way has ended; rejects when it broke. */
  readonly ended: Promise<unknown>;
  /** What is under way, in words, for instance `2 deliveries`. */
  underWay(): readonly string[];
  /** Gives back what is under way, so that the next start need not wait for it. */
  giveBack(): Promise<unknown>;
}

/** Container runtimes wait 10 s before they kill; all instants are milliseconds after the signal. */
const remindAfter = 2500;
const waitUntil = 5000;
const giveBackUntil = 6500;

/** Milliseconds after which a process has to have ended that was told to stop. */
export const stopWithin = 7500;

/** The same in words for people, the end of the process included. */
const atMost = 'at most 8 s';

/**
 * Stops the parts of a run: lets them end what is under way for a while, then gives back what has not ended.
 *
 * @param stages one after the other: what a part hands on is the work of those behind it
 * @param say told what is waited for, at once and when it takes long
 * @returns whether everything has ended by itself
 */
export async function stopInTime(stages: readonly (readonly Part[])[], say: (text: string) => void): Promise<boolean> {
  const parts = stages.flat();
  const underWay = () => listOf(parts.flatMap((part) => part.underWay()));
  const started = performance.now();
  const until = (instant: number) => started + instant - performance.now();
  const ended = (async () => {
    for (const stage of stages) {
      for (const part of stage) part.stop();
      await Promise.all(stage.map((part) => part.ended));
    }
  })();
  say(underWay() ? `stopping: waits for ${underWay()}, ${atMost}` : 'stopping');
  if (await isWithin(until(remindAfter), ended)) return true;
  say(`stopping: still waits for ${underWay() || 'the embedded services'}`);
  if (await isWithin(until(waitUntil), ended)) return true;
  say(`stopping: gives up ${underWay() || 'waiting for the embedded services'}; the next start makes up for it`);
  for (const part of parts) part.stop();
  await isWithin(until(giveBackUntil), Promise.allSettled(parts.map((part) => part.giveBack())));
  return false;
}

/**
 * Whether a promise settles within a time.
 *
 * @param milliseconds by a monotonic clock
 * @throws what the promise rejects with in time
 */
export async function isWithin(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, milliseconds), false);
  });
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer));
}

/** `1 listing (sent by alice@example.com) and 2 deliveries`; empty for nothing. */
function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** `1 delivery`, `2 deliveries`; none of nothing. */
export const counted = (count: number, one: string, many: string): readonly string[] =>
  count === 0 ? [] : [count === 1 ? `1 ${one}` : `${count} ${many}`];

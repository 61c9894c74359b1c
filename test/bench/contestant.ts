/** A sender of webhooks, at work in processes of its own. */
export interface Contestant {
  /** As it stands in the printed table. */
  readonly name: string;
  /**
   * Publishes events.
   *
   * @param name stands in their ids
   * @param pace milliseconds from one to the next; with 0, all are published at once
   * @returns when each was, by the `webhook-id` under which it arrives: Unix times in milliseconds
   */
  publish(name: string, count: number, pace: number): Promise<Published>;
  /**
   * Waits until this many deliveries are written down as done, counted from its start.
   *
   * @returns when the last of them was: Unix time in milliseconds
   * @throws Error when that takes longer than {@link patience}
   */
  finished(count: number): Promise<number>;
  /** Milliseconds of CPU so far, of the sender and of what keeps its data. */
  cpu(): Promise<CpuUse>;
  /** Ends its processes. */
  stop(): Promise<void>;
}

export type Published = Readonly<Record<string, number>>;

export interface CpuUse {
  readonly sender: number;
  /** Undefined where the system does not tell. */
  readonly store: number | undefined;
}

/** What the process of a contestant is told to do. */
export type ContestantCommand =
  | { readonly kind: 'publish'; readonly name: string; readonly count: number; readonly pace: number }
  | { readonly kind: 'finished'; readonly count: number }
  | { readonly kind: 'cpu' };

/** Milliseconds that a number of deliveries may take: a sender that is slower is not measured any further. */
export const patience = 120_000;

/**
 * Waits for something, but not for ever.
 *
 * @throws Error that says what did not happen in time
 */
export async function inTime<T>(task: Promise<T>, what: string, milliseconds = patience): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${milliseconds / 1000} s`)), milliseconds);
  });
  return Promise.race([task, late]).finally(() => clearTimeout(timer));
}

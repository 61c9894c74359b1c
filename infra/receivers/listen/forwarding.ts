import pLimit from 'p-limit';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { isTaken, type PostEnd, type SignedPost, signedPost } from '#infra/receivers/signed-post.ts';
import { testHeader, testIdPrefix } from '#infra/receivers/test-id.ts';

/** End of one attempt at an event. */
export interface Attempt extends PostEnd {
  /** Number of the attempt at this event, from 1. */
  readonly attempt: number;
  /** True when another attempt follows. */
  readonly isRepeated: boolean;
}

export interface Forwarding extends SignedPost {
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly stop: AbortSignal;
  readonly tell: (event: EventResource, attempt: Attempt) => void;
}

/** Requests in flight, as many as the notifier has for one endpoint unless its operator chooses another number. */
const mostInFlight = 10;

/** Attempts that are answered, but not with 2xx. Those without an answer do not count: a receiver may be starting. */
export const mostAnswered = 5;

/** Milliseconds before the second attempt; each further pause is twice as long, up to the longest. */
const firstPauseMs = 500;
const longestPauseMs = 5000;

/**
 * Forwards events to one URL, each signed as the notifier signs it, with the bytes that the notifier sends. An event
 * without an answer is tried until there is one; any other answer than 2xx, up to five times.
 */
export function forwardingOf({ sleep, stop, tell, ...post }: Forwarding) {
  const limit = pLimit(mostInFlight);
  /** Events without an end; the same event may be among them twice. */
  const left = new Set<{ readonly event: EventResource }>();
  const running = new Set<Promise<void>>();
  const waiting: (() => void)[] = [];
  let fault: Error | undefined;
  stop.addEventListener('abort', wake, { once: true });

  function wake(): void {
    for (const go of waiting.splice(0)) go();
  }

  /** Waits until fewer than `count` events are without an end, or for the stop. @throws the first error of ours */
  async function fewerThan(count: number): Promise<void> {
    while (left.size >= count && !stop.aborted && !fault) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      await promise;
    }
    if (fault) throw fault;
  }

  async function forward(event: EventResource): Promise<boolean> {
    const isTest = event.id.startsWith(testIdPrefix);
    const marked = isTest ? { ...post, headers: { ...post.headers, [testHeader]: 'trigger' } } : post;
    let answered = 0;
    for (let attempt = 1; !stop.aborted; attempt += 1) {
      const end = await signedPost(marked, event);
      // Ctrl-C has cut it off, not the receiver.
      if (end.failure !== undefined && stop.aborted) return false;
      if (end.status !== undefined) answered += 1;
      const isRepeated = !isTaken(end) && answered < mostAnswered;
      tell(event, { ...end, attempt, isRepeated });
      if (!isRepeated) return true;
      await sleep(Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)), stop);
    }
    return false;
  }

  return {
    /** Begins to forward an event, after waiting for its turn if ten others have no end yet. */
    async take(event: EventResource): Promise<void> {
      await fewerThan(mostInFlight);
      const one = { event };
      left.add(one);
      const run = limit(() => forward(event))
        .then(
          (isEnded) => void (isEnded && left.delete(one)),
          (error: Error) => {
            fault ??= error;
          },
        )
        .then(() => {
          running.delete(run);
          wake();
        });
      running.add(run);
    },
    /** Waits until every event has an end, or for the stop. */
    finish: (): Promise<void> => fewerThan(1),
    /** Waits for the requests in flight, after the stop. */
    async ended(): Promise<void> {
      await Promise.all(running);
    },
    /** Events without an end: when listening has ended, those that the receiver may lack. */
    left: (): readonly EventResource[] => [...left].map(({ event }) => event),
  };
}

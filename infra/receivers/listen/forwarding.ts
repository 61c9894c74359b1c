import pLimit from 'p-limit';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { isTaken, type PostEnd, type SignedPost, signedPost } from '#infra/receivers/signed-post.ts';

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
const mostAnswered = 5;

/** Milliseconds before the second attempt; each further pause is twice as long, up to the longest. */
const firstPauseMs = 500;
const longestPauseMs = 5000;

/**
 * Forwards events to one URL, each signed as the notifier signs it, with the bytes that the notifier sends. An event
 * without an answer is tried until there is one; any other answer than 2xx, up to five times.
 */
export function forwardingOf({ sleep, stop, tell, ...post }: Forwarding) {
  const limit = pLimit(mostInFlight);
  const left = new Map<string, EventResource>();
  const free = { resolve: () => {} };

  async function forward(event: EventResource): Promise<void> {
    let answered = 0;
    for (let attempt = 1; !stop.aborted; attempt += 1) {
      const end = await signedPost(post, event);
      if (end.status !== undefined) answered += 1;
      const isRepeated = !isTaken(end) && answered < mostAnswered;
      tell(event, { ...end, attempt, isRepeated });
      if (!isRepeated) break;
      await sleep(Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)), stop);
    }
    if (!stop.aborted) left.delete(event.id);
    free.resolve();
  }

  return {
    /** Begins to forward an event, after waiting for its turn if ten others have no end yet. */
    async take(event: EventResource): Promise<void> {
      while (left.size >= mostInFlight && !stop.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        free.resolve = resolve;
        stop.addEventListener('abort', () => resolve(), { once: true });
        await promise;
      }
      left.set(event.id, event);
      void limit(() => forward(event));
    },
    /** Events without an end: when listening has ended, those that the receiver may lack. */
    left: (): readonly EventResource[] => [...left.values()],
  };
}

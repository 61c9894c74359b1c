import pLimit from 'p-limit';
import { signatureHeader } from '#functions/webhooks/http/signature.ts';
import { PostError, type PostFailure, type WebhookClient } from '#functions/webhooks/http/webhook-client.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';

/** End of one attempt at an event: an HTTP `status`, or the `failure` that left it without an answer. */
export interface Attempt {
  /** ISO 8601 time of its begin. */
  readonly at: string;
  readonly durationMs: number;
  /** Number of the attempt at this event, from 1. */
  readonly attempt: number;
  readonly status?: number;
  readonly failure?: PostFailure;
  /** Code of Node for the failure, such as `ECONNREFUSED`. */
  readonly code?: string | undefined;
  /** True when another attempt follows. */
  readonly isRepeated: boolean;
}

/** True for an answer that says that the receiver has the event. */
export const isTaken = ({ status = 0 }: Pick<Attempt, 'status'>): boolean => status >= 200 && status < 300;

export interface Forwarding {
  readonly client: WebhookClient;
  readonly url: string;
  /** `whsec_…` */
  readonly secret: string;
  readonly now: () => Date;
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
export function forwardingOf({ client, url, secret, now, sleep, stop, tell }: Forwarding) {
  const limit = pLimit(mostInFlight);
  const left = new Map<string, EventResource>();
  const free = { resolve: () => {} };

  async function post(event: EventResource): Promise<Pick<Attempt, 'status' | 'failure' | 'code'>> {
    // The operator API gives an event with its fields in the stored order, so these are the stored bytes.
    const body = JSON.stringify(event);
    const seconds = Math.floor(now().getTime() / 1000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'transfer-notifier',
      'webhook-id': event.id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signatureHeader([secret], event.id, seconds, body),
    };
    try {
      const { status } = await client.post(url, headers, body);
      return { status };
    } catch (error) {
      if (!(error instanceof PostError)) throw error;
      return { failure: error.failure, code: error.code };
    }
  }

  async function forward(event: EventResource): Promise<void> {
    let answered = 0;
    for (let attempt = 1; !stop.aborted; attempt += 1) {
      const begin = now();
      const end = await post(event);
      if (end.status !== undefined) answered += 1;
      const isRepeated = !isTaken(end) && answered < mostAnswered;
      const durationMs = now().getTime() - begin.getTime();
      tell(event, { at: begin.toISOString(), durationMs, attempt, isRepeated, ...end });
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

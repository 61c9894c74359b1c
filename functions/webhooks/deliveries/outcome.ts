import type { EndpointCause } from '#functions/events/endpoint-event.ts';
import { retryAfterOf } from '#functions/http/retry-after.ts';
import { chatRefusal } from '#functions/notices/chat-answer.ts';
import { type Format, isChat } from '#functions/webhooks/endpoints/format.ts';
import { causeOf, type PostAnswer, type PostError } from '#functions/webhooks/http/webhook-client.ts';

export type Outcome =
  | { readonly kind: 'delivered' }
  | {
      /** Worth a later retry. */
      readonly kind: 'failed';
      readonly cause: EndpointCause;
      readonly slowDown: boolean;
      readonly retryAfterMs: number | undefined;
    }
  /** The receiver will never take this delivery. */
  | { readonly kind: 'rejected'; readonly cause: EndpointCause }
  /** The receiver will never take any delivery again. */
  | { readonly kind: 'gone'; readonly cause: EndpointCause };

/** Statuses that ask a sender to slow down. Standard Webhooks names all but 503 (with `Retry-After`, RFC 9110). */
const slowing = new Set([429, 502, 503, 504]);

/**
 * Classifies an answer (Standard Webhooks 1.0.0: only 2xx is success, and 410 ends the subscription). Chats do not know
 * the standard and answer in their own words: a bare 410 from a chat ends nothing.
 *
 * @example 503 with `Retry-After: 7` gives `{ kind: 'failed', cause: 'throttled', slowDown: true, retryAfterMs: 7000 }`
 */
export function outcomeOf(format: Format, { status, headers, body }: PostAnswer, now: Date): Outcome {
  if (!isChat(format) && status === 410) return { kind: 'gone', cause: 'gone' };
  const refusal = isChat(format) ? chatRefusal(format, status, body) : undefined;
  if (refusal === 'gone') return { kind: 'gone', cause: 'channel_gone' };
  if (refusal === 'rejected') return { kind: 'rejected', cause: 'http_error' };
  if (status >= 200 && status < 300 && refusal === undefined) return { kind: 'delivered' };
  const slowDown = slowing.has(status);
  const retryAfterMs = retryAfterOf(headers['retry-after'], now, headers.date);
  return failureOf(slowDown ? 'throttled' : 'http_error', slowDown, retryAfterMs);
}

/** Classifies an attempt without an answer. @example `{ kind: 'failed', cause: 'unreachable', slowDown: false }` */
export const outcomeOfError = ({ failure, code }: PostError): Outcome =>
  code === 'BODY_TOO_LONG' ? { kind: 'rejected', cause: 'http_error' } : failureOf(causeOf(failure));

export const failureOf = (cause: EndpointCause, slowDown = false, retryAfterMs?: number): Outcome => {
  return { kind: 'failed', cause, slowDown, retryAfterMs };
};

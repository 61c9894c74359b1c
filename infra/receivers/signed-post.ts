import { signatureHeader } from '#functions/webhooks/http/signature.ts';
import { PostError, type PostFailure, type WebhookClient } from '#functions/webhooks/http/webhook-client.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';

/** End of a request: an HTTP `status`, or the `failure` that left it without an answer. */
export interface PostEnd {
  /** ISO 8601 time of its begin. */
  readonly at: string;
  readonly durationMs: number;
  readonly status?: number;
  readonly failure?: PostFailure;
  /** Code of Node for the failure, such as `ECONNREFUSED`. */
  readonly code?: string | undefined;
}

/** True for an answer that says that the receiver has the event. */
export const isTaken = ({ status = 0 }: Pick<PostEnd, 'status'>): boolean => status >= 200 && status < 300;

export interface SignedPost {
  readonly client: WebhookClient;
  readonly url: string;
  /** `whsec_…` */
  readonly secret: string;
  readonly now: () => Date;
  /** Headers beside those of a webhook. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts an event as the notifier does, with the same headers, bytes and signature, and says how it ended. */
export async function signedPost({ client, url, secret, now, headers }: SignedPost, event: EventResource) {
  // The operator API gives an event with its fields in the stored order, so these are the stored bytes.
  const body = JSON.stringify(event);
  const begin = now();
  const seconds = Math.floor(begin.getTime() / 1000);
  const end = (how: Pick<PostEnd, 'status' | 'failure' | 'code'>): PostEnd => ({
    at: begin.toISOString(),
    durationMs: now().getTime() - begin.getTime(),
    ...how,
  });
  const ownHeaders = {
    ...headers,
    'content-type': 'application/json',
    'user-agent': 'transfer-notifier',
    'webhook-id': event.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatureHeader([secret], event.id, seconds, body),
  };
  try {
    const { status } = await client.post(url, ownHeaders, body);
    return end({ status });
  } catch (error) {
    if (!(error instanceof PostError)) throw error;
    return end({ failure: error.failure, code: error.code });
  }
}

import type { PostFailure } from '../functions/webhooks/post.ts';

/** An attempt to deliver, as far as it tells how it went. */
export interface AttemptFacts {
  readonly failure?: PostFailure | undefined;
  /** Node's code for the failure, for example `ECONNREFUSED`. */
  readonly code?: string | undefined;
  /** HTTP status that was answered. */
  readonly status?: number | undefined;
}

const failures: Record<PostFailure, string> = {
  forbidden_target: 'its address is not on the public internet (npm start -- --allow-private-webhooks lets it be)',
  unresolvable: 'its name cannot be resolved',
  connect_timeout: 'no connection within 5 s',
  timeout: 'no answer within 15 s',
  refused: 'the connection was refused',
  tls: 'TLS failed',
  broken: 'the connection broke before an answer',
  headers_too_large: 'the headers of its answer are too large',
};

/** How an attempt ended, in words: `HTTP 204`, or `its name cannot be resolved (ENOTFOUND)`. */
export function attemptWords({ failure, code, status }: AttemptFacts): string {
  if (failure === undefined) return status === undefined ? 'not told' : `HTTP ${status}`;
  return code === undefined ? failures[failure] : `${failures[failure]} (${code})`;
}

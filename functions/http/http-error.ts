import { codeOf } from './tls-problem.ts';

/** Reason why a request brought no answer: the network or TLS, the proxy, or the time. */
export type HttpFailure = 'network' | 'proxy' | 'connect_timeout' | 'timeout';

/** Thrown when a request brought no answer; its message names no target, its cause may. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly failure: HttpFailure;
  /** Node's code for a failure of the network or TLS, if any. */
  readonly code: string | undefined;

  /** @param cause Node's error, or a description of the proxy's failure */
  constructor(failure: HttpFailure, cause?: Error | string) {
    super(typeof cause === 'string' ? cause : `no answer (${failure.replace('_', ' ')})`, { cause });
    this.failure = failure;
    this.code = codeOf(cause);
  }
}

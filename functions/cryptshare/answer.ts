import type { IncomingHttpHeaders } from 'node:http';

/** A server's answer, redirects included: the client follows none. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Decoded as UTF-8, without a byte order mark. */
  readonly body: string;
}

import pLimit from 'p-limit';
import { CryptshareFailure, errorCodeOf, failureOf, failureOfError } from './failure.ts';
import { formatFields } from './fields.ts';
import { Listing } from './listing.ts';
import { type PageRows, pageSize, readPages } from './paging.ts';
import { type Answer, Connection } from './request.ts';
import { canonicalState, type State, type Watch } from './transfer.ts';

/** How to reach one Cryptshare Server, and on whose behalf. */
export interface CryptshareOptions {
  /** For example `https://cryptshare.example.com`. */
  readonly origin: string;
  readonly clientId: string;
  readonly verificationToken: string;
  /** Certificates in PEM to trust for this server beside the public ones. */
  readonly ca?: string | undefined;
  /** Requests under way at the same time, over all watches. */
  readonly maxConcurrentPages: number;
  readonly now: () => Date;
  /** A number from 0 to below 1. */
  readonly random: () => number;
  /** Waits for so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** One pass over all pages of a watch. */
export interface Pass {
  readonly listing: Listing;
  /** Requests sent, repeated ones included. */
  readonly requests: number;
  /** Why pages are missing; undefined when the listing is complete. */
  readonly failure: CryptshareFailure | undefined;
}

/** What the Transfer Status endpoint knows of a transfer. */
export type TransferStatus = { readonly listed: true; readonly state: State } | { readonly listed: false };

const fields = formatFields({ trackingId: true, status: { state: true } });

/** Lowest minor version that has the listings asked for (the vendor's page on transfer polling). */
const minimumMinorVersion = '12';

/** Milliseconds a request may take. */
const requestTimeout = 15_000;

/** Bytes of an answer; a page of 100 rows has about 10,000. */
const maxAnswerBytes = 4 * 1024 * 1024;

/** Times that a page is asked for before it counts as failed. */
const attempts = 3;

/** Milliseconds before the second attempt, on average; doubled for each further one. */
const firstRetryDelay = 500;

/** Longest `Retry-After` that is waited for within a poll, in milliseconds. */
const longestWait = 10_000;

/** Milliseconds for which a server is left alone that keeps throttling without saying for how long. */
const unaskedWait = 30_000;

/** Longest time for which a server is left alone, in milliseconds, whatever it asks for. */
const longestHoldBack = 3_600_000;

/** A Cryptshare Server as the notifier sees it: lists transfers, asks after one. */
export class CryptshareClient {
  private readonly options: CryptshareOptions;
  private readonly connection: Connection;
  private readonly limit: ReturnType<typeof pLimit>;
  /** Unix time in milliseconds before which the server does not want to be asked. */
  private throttledUntil = 0;

  constructor(options: CryptshareOptions) {
    this.options = options;
    this.connection = new Connection(options.origin, options.ca);
    this.limit = pLimit(options.maxConcurrentPages);
  }

  /**
   * Lists all transfers of a watch.
   *
   * @param expected how many there were last time
   * @param stopAt Unix time in milliseconds from which on no request is sent
   * @returns the transfers seen and, if the listing is not complete, the reason
   */
  async list(watch: Watch, expected: number, stopAt: number): Promise<Pass> {
    const listing = new Listing(expected);
    let requests = 0;
    const takePage = (page: number): Promise<PageRows> =>
      this.persistently(stopAt, async () => {
        const query = new URLSearchParams({ fields, page: String(page), 'page-size': String(pageSize) });
        const path = `${pathOf(watch.mailbox)}/${watch.direction}-transfers?${query}`;
        const answer = await this.get(path, stopAt, () => {
          requests += 1;
        });
        if (page > 1 && isBeyondEnd(answer)) return { rows: 0, added: 0 };
        if (answer.status !== 200) throw this.failed(answer);
        return parsed(() => listing.addPage(answer.body));
      });
    const failure = await readPages(takePage, expected, this.options.maxConcurrentPages);
    return { listing, requests, failure };
  }

  /**
   * Asks the Transfer Status endpoint whether a sent transfer still exists.
   *
   * @param stopAt Unix time in milliseconds from which on no request is sent
   * @throws CryptshareFailure when the server does not say
   */
  status(mailbox: string, trackingId: string, stopAt: number): Promise<TransferStatus> {
    return this.persistently(stopAt, async () => {
      const answer = await this.get(`${pathOf(mailbox)}/${encodeURIComponent(trackingId)}`, stopAt);
      if (answer.status === 404 && isAboutTransfer(answer)) return { listed: false };
      if (answer.status !== 200) throw this.failed(answer);
      const state = parsed(() => JSON.parse(answer.body)?.data?.status?.state);
      const known = typeof state === 'string' ? canonicalState(state) : '';
      if (known === '') throw new CryptshareFailure('malformed_answer', 'no status.state');
      return { listed: true, state: known };
    });
  }

  /** Ends the kept connections. */
  close(): void {
    this.connection.close();
  }

  /** Repeats what may succeed later, with full jitter, for as long as the time allows. */
  private async persistently<T>(stopAt: number, task: () => Promise<T>): Promise<T> {
    const { now, random, sleep } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task();
      } catch (error) {
        if (!(error instanceof CryptshareFailure) || !error.retryable) throw error;
        if (attempt === attempts) {
          if (error.kind === 'throttled') this.holdBack(error.retryAfter ?? unaskedWait);
          throw error;
        }
        const delay = error.retryAfter ?? 2 * random() * firstRetryDelay * 2 ** (attempt - 1);
        if (delay > longestWait || now().getTime() + delay >= stopAt) throw error;
        await sleep(delay);
      }
    }
  }

  private get(path: string, stopAt: number, onSend: () => void = () => {}): Promise<Answer> {
    return this.limit(async () => {
      const now = this.options.now().getTime();
      if (now >= stopAt) throw new CryptshareFailure('out_of_time');
      if (now < this.throttledUntil) throw new CryptshareFailure('throttled', undefined, this.throttledUntil - now);
      onSend();
      try {
        return await this.connection.get(path, this.headers(), Math.min(requestTimeout, stopAt - now), maxAnswerBytes);
      } catch (error) {
        throw failureOfError(error);
      }
    });
  }

  private headers(): Record<string, string> {
    return {
      accept: 'application/json',
      'X-CS-MajorApiVersion': '1',
      'X-CS-MinimumMinorApiVersion': minimumMinorVersion,
      'X-CS-ProductKey': 'api.rest',
      'X-CS-ClientId': this.options.clientId,
      'X-CS-VerificationToken': this.options.verificationToken,
    };
  }

  private failed(answer: Answer): CryptshareFailure {
    const failure = failureOf(answer, this.options.now());
    if (failure.retryAfter !== undefined) this.holdBack(failure.retryAfter);
    return failure;
  }

  /** Sends nothing for so many milliseconds, whichever watch asks. */
  private holdBack(milliseconds: number): void {
    const until = this.options.now().getTime() + Math.min(milliseconds, longestHoldBack);
    this.throttledUntil = Math.max(this.throttledUntil, until);
  }
}

const pathOf = (mailbox: string): string => `/api/users/${encodeURIComponent(mailbox)}/transfers`;

/** Some servers answer a page beyond the last one with the error for a malformed parameter instead of an empty list. */
const isBeyondEnd = ({ status, body }: Answer): boolean =>
  (status === 400 || status === 404) && errorCodeOf(body) === 1004;

/** Whether a 404 is the server's own and speaks neither of the endpoint (code 1006) nor of the version (2004). */
function isAboutTransfer({ body }: Answer): boolean {
  const code = errorCodeOf(body);
  return code !== undefined && code !== 1006 && code !== 2004;
}

/** Runs a reader of an answer; whatever it cannot read is the server's failure. */
function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CryptshareFailure('malformed_answer', error instanceof SyntaxError ? 'not JSON' : 'no list of transfers');
  }
}

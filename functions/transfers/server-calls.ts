import pLimit from 'p-limit';
import { AnswerRoom, maxAnswerBytes } from './answer-room.ts';
import { CryptshareFailure, failureOf, failureOfError } from './failure.ts';
import { type Answer, Connection, UnreadableAnswerError } from './request.ts';
import {
  restFor,
  restForAll,
  type Strain,
  strainAfterAnswer,
  strainAfterFault,
  strainCauseOf,
  unstrained,
} from './strain.ts';

/** How to reach one Cryptshare Server, and on whose behalf. */
export interface ServerOptions {
  /** For example `https://cryptshare.example.com`. */
  readonly origin: string;
  readonly clientId: string;
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

/** One request to the REST API. */
export interface Call {
  /** Below `/api`, with the query. */
  readonly path: string;
  /** The mailbox that is asked for, if it is one. */
  readonly mailbox?: string;
  /** Lowest minor version that has what is asked for; undefined where no version is negotiated. */
  readonly minimumMinor: number | undefined;
  readonly token?: string | undefined;
  /** JSON to post; undefined for a GET. */
  readonly body?: object | undefined;
  /** Told when the request really goes out. */
  readonly onSend?: () => void;
}

/** Milliseconds a request may take. */
const requestTimeout = 15_000;

/** Times that something is asked for before it counts as failed. */
const attempts = 3;

/** Milliseconds before the second attempt, on average; doubled for each further one. */
const firstRetryDelay = 500;

/** Longest `Retry-After` that is waited for within a poll, in milliseconds. */
const longestWait = 10_000;

/** Requests to one Cryptshare Server: never more at a time than may be, and none while it asks to be left alone. */
export class ServerCalls {
  readonly options: ServerOptions;
  private readonly connection: Connection;
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly room = new AnswerRoom();
  private current = unstrained;
  /** Counts the faults, so that those of requests under way at the same time count as one. */
  private faultsSeen = 0;

  constructor(options: ServerOptions) {
    this.options = options;
    this.connection = new Connection(options.origin, options.ca);
    this.limit = pLimit(this.room.atOnce(options.maxConcurrentPages));
  }

  /** How strained the server is, as far as requests so far tell. */
  get strain(): Strain {
    return this.current;
  }

  /** Takes over what others have found out meanwhile. */
  adopt(strain: Strain): void {
    const own = restForAll(this.current);
    this.strainIs(own > restForAll(strain) ? { ...strain, restsUntil: own, mailbox: undefined } : strain);
  }

  /**
   * Sends a request, once; but again if there was less room for its answer than an answer may need.
   *
   * @param stopAt Unix time in milliseconds from which on none is sent
   * @returns the answer, whatever its status
   * @throws CryptshareFailure when there is none
   */
  async send(call: Call, stopAt: number): Promise<Answer> {
    return (await this.sendOnce(call, stopAt)) ?? this.send(call, stopAt);
  }

  /** @returns undefined when the answer was larger than the room for it, of which there is more now */
  private sendOnce(call: Call, stopAt: number): Promise<Answer | undefined> {
    const { path, mailbox, minimumMinor, token, body, onSend } = call;
    return this.limit(async () => {
      const now = this.options.now().getTime();
      if (now >= stopAt) throw new CryptshareFailure('out_of_time');
      const rest = restFor(this.current, mailbox) - now;
      if (rest > 0) throw new CryptshareFailure(this.current.cause, 'it is left alone for a while', rest);
      onSend?.();
      const seen = this.faultsSeen;
      const headers = { accept: 'application/json', ...this.identification(minimumMinor, token) };
      const timeout = Math.min(requestTimeout, stopAt - now);
      // What posts something must not be repeated for this reason; its answer has a few lines.
      const share = body === undefined ? this.room.share(this.limit.concurrency) : maxAnswerBytes;
      try {
        const answer = await this.connection.send({ path: `/api${path}`, headers, body }, timeout, share);
        this.room.seen(answer.body.length);
        const failure = answer.status < 400 ? undefined : failureOf(answer, this.options.now());
        // Verifications are limited for themselves; nobody else need wait for them.
        if (body === undefined || failure?.kind !== 'throttled') this.judge(failure, mailbox, seen);
        return answer;
      } catch (error) {
        if (isTooLarge(error) && share < maxAnswerBytes) {
          this.room.overflown();
          this.strainIs(this.current);
          return undefined;
        }
        const failure = failureOfError(error);
        // Cut short by the end of the poll, it says nothing about the server.
        if (failure.kind !== 'timeout' || timeout === requestTimeout) this.judge(failure, mailbox, seen);
        throw failure;
      }
    });
  }

  /** Repeats what may succeed later, with full jitter, for as long as the time allows. */
  async persistently<T>(stopAt: number, task: () => Promise<T>): Promise<T> {
    const { now, random, sleep } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task();
      } catch (error) {
        if (!(error instanceof CryptshareFailure) || !error.retryable) throw error;
        if (attempt === attempts) throw error;
        const delay = error.retryAfter ?? 2 * random() * firstRetryDelay * 2 ** (attempt - 1);
        if (delay > longestWait || now().getTime() + delay >= stopAt) throw error;
        await sleep(delay);
      }
    }
  }

  /** The failure that an answer tells of. */
  failed(answer: Answer): CryptshareFailure {
    return failureOf(answer, this.options.now());
  }

  /** Ends the kept connections. */
  close(): void {
    this.connection.close();
  }

  /** The headers of every call but the one that asks for the version (the vendor's page on request headers). */
  private identification(minimumMinor: number | undefined, token: string | undefined): Record<string, string> {
    if (minimumMinor === undefined) return {};
    return {
      'X-CS-MajorApiVersion': '1',
      'X-CS-MinimumMinorApiVersion': String(minimumMinor),
      'X-CS-ProductKey': 'api.rest',
      'X-CS-ClientId': this.options.clientId,
      ...(token !== undefined && { 'X-CS-VerificationToken': token }),
    };
  }

  /**
   * What an answer, or its absence, says about the strain of the server.
   *
   * @param mailbox that was asked for, if it was one
   * @param seen how many faults had been seen when the request was sent
   */
  private judge(failure: CryptshareFailure | undefined, mailbox: string | undefined, seen: number): void {
    const cause = failure && strainCauseOf(failure.kind);
    const { now, random } = this.options;
    if (!failure || !cause) {
      // What was asked for before the last fault says nothing about the time after it.
      if (seen === this.faultsSeen) this.strainIs(strainAfterAnswer(this.current));
    } else if (seen === this.faultsSeen || failure.retryAfter !== undefined) {
      this.faultsSeen += 1;
      const fault = { cause, askedRest: failure.retryAfter, mailbox };
      this.strainIs(strainAfterFault(this.current, fault, now().getTime(), random()));
    }
  }

  private strainIs(strain: Strain): void {
    this.current = strain;
    // One request finds out as well as many whether the server answers again.
    this.limit.concurrency = strain.faults > 0 ? 1 : this.room.atOnce(this.options.maxConcurrentPages);
  }
}

const isTooLarge = (error: unknown): boolean => error instanceof UnreadableAnswerError && error.flaw === 'too_large';

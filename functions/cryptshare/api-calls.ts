import type { RetryBudget } from '#functions/clock/backoff.ts';
import { clockDifference, clockWords } from '#functions/clock/clock-difference.ts';
import { clockToleranceMs, type Deadline } from '#functions/clock/instants.ts';
import type { Cancellation } from '#functions/http/cancellation.ts';
import { AnswerRoom, maxAnswerBytes } from './answer-room.ts';
import * as breaker from './circuit-breaker.ts';
import { type Connection, connectionTo } from './connection.ts';
import { type Answer, CryptshareFailure, failureOf, failureOfError } from './failure.ts';
import { overdueMs, type Slots, slotsFor } from './slots.ts';

/** Address of a Cryptshare Server, the client id that requests carry, and the means to send them. */
export interface ServerOptions extends Omit<RetryBudget, 'deadline'> {
  /** For example `https://cryptshare.example.com`. */
  readonly origin: string;
  readonly clientId: string;
  /** Certificates in PEM to trust for this server beside the public ones. */
  readonly ca?: string | undefined;
  /** Requests in flight at the same time, over all watches. */
  readonly maxConcurrentPages: number;
  readonly now: () => Date;
  /** Milliseconds before which no request is overdue. @default 3000 */
  readonly shortestOverdueMs?: number;
}

export interface Call {
  /** Path below `/api`, with the query. */
  readonly path: string;
  readonly mailbox?: string;
  /** Lowest minor version that the request needs; undefined where no version is negotiated. */
  readonly minimumMinor: number | undefined;
  readonly token?: string | undefined;
  /** JSON to post; undefined for a GET. */
  readonly body?: object | undefined;
  /** Called right before the request is sent; an exception prevents it. */
  readonly onSend?: () => void;
  /** Called with the answer before any waiting request is sent. */
  readonly onAnswer?: (answer: Answer) => void;
}

const requestTimeoutMs = overdueMs.longest;

/** Milliseconds for which an answer proves the server reachable; a timeout within them has a cause of its own. */
const evidenceAgeMs = 120_000;

/** Attempts before a request counts as failed; more would take the time of others, and the next poll tries again. */
const attempts = 3;

/** Mean delay in milliseconds before the second attempt, doubled for each further one: two retries take about 2 s. */
const firstRetryDelayMs = 500;

/** Longest `Retry-After` that a poll waits for, in milliseconds; for a longer one, the circuit breaker waits. */
const longestWaitMs = 10_000;

/** Sends requests to one Cryptshare Server, within its concurrency limit and through its circuit breaker. */
export class ServerCalls {
  readonly options: ServerOptions;
  readonly slots: Slots;
  private readonly connection: Connection;
  private readonly room = new AnswerRoom();
  private current = breaker.closedCircuit;
  /** Counts faults, so that those of requests in flight together count as one. */
  private faultsSeen = 0;
  /** Time of the server's last answer, by the monotonic clock. */
  private answeredAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds by which the clock here was ahead of the server's at the last answer with a date. */
  private difference = 0;
  /** Unix time in milliseconds of that answer by the server's clock alone. It is past, whatever the clock here says. */
  datedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ServerOptions) {
    this.options = options;
    this.connection = connectionTo(options.origin, options.ca);
    this.slots = slotsFor(options.maxConcurrentPages, options.shortestOverdueMs, () => this.mostAtOnce);
  }

  /** State of the circuit breaker, as far as requests so far tell. */
  get circuit(): breaker.ServerCircuit {
    return breaker.believedCircuit(this.current, this.options.now().getTime());
  }

  /** Error of the clock here in words; undefined while it agrees with the server's. */
  get clockWords(): string | undefined {
    return clockWords(this.difference, 'the server’s');
  }

  /** Time by the server's clock, as far as known; use it to judge times that the server has set. */
  serverTime(): Date {
    const now = this.options.now();
    return Math.abs(this.difference) < clockToleranceMs ? now : new Date(now.getTime() - this.difference);
  }

  /** Adopts the circuit that another process has stored, unless the own one is newer. */
  restore(told: breaker.ServerCircuit): void {
    const circuit = breaker.believedCircuit(told, this.options.now().getTime());
    const own = this.circuit;
    if ((circuit.toldAt ?? 0) < (own.toldAt ?? 0)) return;
    const isLonger = breaker.openForAllUntil(own) > breaker.openForAllUntil(circuit);
    this.current = isLonger ? { ...circuit, openUntil: own.openUntil, mailbox: undefined } : circuit;
  }

  /** Sends a request once; again only if the answer outgrew its room. @throws CryptshareFailure without an answer */
  async send(call: Call, deadline: Deadline): Promise<Answer> {
    const isListing = call.mailbox !== undefined && call.body === undefined;
    const sendNow = (cancellation: Cancellation) => this.sendNow(call, deadline, cancellation);
    const answer = await this.slots.run(call.mailbox, sendNow, isListing);
    return answer ?? this.send(call, deadline);
  }

  /** @returns undefined when the answer outgrew its room, which is larger now */
  private async sendNow(call: Call, deadline: Deadline, cancellation: Cancellation): Promise<Answer | undefined> {
    const { path, mailbox, minimumMinor, token, body, onSend, onAnswer } = call;
    const { now, steady } = this.options;
    const left = deadline - steady();
    if (left <= 0) throw new CryptshareFailure(this.slots.isHeldUp(mailbox) ? 'timeout' : 'out_of_time');
    const rest = breaker.openUntilFor(this.circuit, mailbox) - now().getTime();
    if (rest > 0) throw new CryptshareFailure(this.circuit.cause, 'it is left alone for a while', rest);
    onSend?.();
    const seen = this.faultsSeen;
    const headers = { accept: 'application/json', ...this.identification(minimumMinor, token) };
    const request = { path: `/api${path}`, headers, body, cancellation };
    const timeout = Math.min(requestTimeoutMs, left);
    // A POST must not be repeated for want of room; its answer has a few lines.
    const share = body === undefined ? this.room.share(this.options.maxConcurrentPages) : maxAnswerBytes;
    try {
      const answer = await this.connection.send(request, timeout, share);
      onAnswer?.(answer);
      this.room.seen(answer.body.length);
      const cameAt = now().getTime();
      const difference = clockDifference(answer.headers, cameAt);
      if (difference !== undefined) [this.difference, this.datedAt] = [difference, cameAt - difference];
      const failure = answer.status < 400 ? undefined : this.failed(answer);
      // Verifications have a limit of their own: their 429 says nothing about listings.
      if (body === undefined || failure?.kind !== 'throttled') this.record(failure, mailbox, seen);
      return answer;
    } catch (error) {
      const failure = failureOfError(error);
      if (failure.kind === 'answer_too_large' && share < maxAnswerBytes) {
        this.room.seen();
        return undefined;
      }
      // A request cut short by the end of the poll says nothing about the server.
      if (failure.kind !== 'timeout' || timeout === requestTimeoutMs) this.record(failure, mailbox, seen);
      throw failure;
    }
  }

  /** Repeats what may succeed later, with full jitter. After a timeout of a held-up mailbox, the next poll tries. */
  async withRetries<T>(deadline: Deadline, mailbox: string, task: () => Promise<T>): Promise<T> {
    const { steady, random, sleep } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      const hung = this.slots.isHeldUp(mailbox);
      try {
        return await task();
      } catch (error) {
        if (!(error instanceof CryptshareFailure) || !error.retryable) throw error;
        if (attempt === attempts || (hung && error.kind === 'timeout')) throw error;
        const delay = error.retryAfterMs ?? 2 * random() * firstRetryDelayMs * 2 ** (attempt - 1);
        if (delay > longestWaitMs || steady() + delay >= deadline) throw error;
        await sleep(delay);
      }
    }
  }

  failed(answer: Answer): CryptshareFailure {
    return failureOf(answer, this.options.now());
  }

  close(): void {
    this.connection.close();
  }

  /** Headers of every call except the one for the version (source: the vendor's page on request headers). */
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

  /** Records an answer, or its absence, in the circuit; `seen` is the fault count when the request was sent. */
  private record(failure: CryptshareFailure | undefined, mailbox: string | undefined, seen: number): void {
    const cause = failure && breaker.circuitCauseOf(failure.kind);
    const { now, steady, random } = this.options;
    const at = now().getTime();
    if (cause === 'timeout' && steady() - this.answeredAt < evidenceAgeMs) return;
    const fault = failure && cause && { cause, retryAfterMs: failure.retryAfterMs, mailbox };
    if (!fault) this.answeredAt = steady();
    if (seen !== this.faultsSeen) {
      // Ignore the success of a request sent before the last fault.
      if (fault) this.current = breaker.circuitAfterSameFault(this.circuit, fault, at);
    } else if (fault) {
      this.current = breaker.circuitAfterFault(this.circuit, fault, at, random());
      this.faultsSeen += 1;
    } else this.current = breaker.circuitAfterAnswer(this.circuit, at);
  }

  /** Requests in flight at most: one after a fault, to find out whether the server answers, else those with room. */
  private get mostAtOnce(): number {
    const { faults, cause } = this.current;
    // Timeouts start no probing: a single probe that hangs would keep the others from finding out.
    const isProbing = faults > 0 && cause !== 'timeout';
    return isProbing ? 1 : this.room.atOnce(this.options.maxConcurrentPages);
  }
}

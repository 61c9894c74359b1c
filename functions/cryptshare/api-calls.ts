import { clockDifference, clockWords } from '#functions/clock/clock-difference.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import { tolerance } from '#functions/clock/instants.ts';
import type { Cancellation } from '#functions/http/cancellation.ts';
import type { Answer } from './answer.ts';
import { AnswerRoom, maxAnswerBytes } from './answer-room.ts';
import {
  believedCircuit,
  circuitAfterAnswer,
  circuitAfterFault,
  circuitAfterSameFault,
  circuitCauseOf,
  closedCircuit,
  openForAllUntil,
  openUntilFor,
  type ServerCircuit,
} from './circuit-breaker.ts';
import { Connection } from './connection.ts';
import { CryptshareFailure, failureOf, failureOfError } from './failure.ts';
import { patience, Slots } from './slots.ts';

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
  /** Milliseconds of a clock that is never set. */
  readonly steady: () => number;
  /** Milliseconds before which no request is overdue; else 3,000. */
  readonly patience?: number;
  /** A number from 0 to below 1. */
  readonly random: () => number;
  /** Waits for a number of milliseconds. */
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
  /** Told when the request is about to go out; what it throws keeps the request from it. */
  readonly onSend?: () => void;
  /** Told the answer before any request that waits goes out. */
  readonly onAnswer?: (answer: Answer) => void;
}

/** Milliseconds a request may take. */
const requestTimeout = patience.longest;

/** Milliseconds for which an answer shows that the server is there: what hangs meanwhile hangs for reasons of its own. */
const evidence = 120_000;

/** Times that something is asked for before it counts as failed. */
const attempts = 3;

/** Milliseconds before the second attempt, on average; doubled for each further one. */
const firstRetryDelay = 500;

/** Longest `Retry-After` that is waited for within a poll, in milliseconds. */
const longestWait = 10_000;

/** Requests to one Cryptshare Server: never more at a time than may be, and none while it asks to be left alone. */
export class ServerCalls {
  readonly options: ServerOptions;
  readonly slots: Slots;
  private readonly connection: Connection;
  private readonly room = new AnswerRoom();
  private current = closedCircuit;
  /** Counts the faults, so that those of requests under way at the same time count as one. */
  private faultsSeen = 0;
  /** Instant of the steady clock at which the server answered last. */
  private answeredAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds by which the clock here was ahead of the server's at the last answer that told. */
  private difference = 0;
  /** Unix time in milliseconds of that answer by the server's clock alone: past by now, whatever the clock here says. */
  datedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ServerOptions) {
    this.options = options;
    this.connection = new Connection(options.origin, options.ca);
    this.slots = new Slots(options.maxConcurrentPages, options.patience);
    this.makeRoom();
  }

  /** How strained the server is, as far as requests so far tell. */
  get circuit(): ServerCircuit {
    return believedCircuit(this.current, this.options.now().getTime());
  }

  /** How wrong the clock here is, in words; undefined while it agrees with the server's. */
  get clockWords(): string | undefined {
    return clockWords(this.difference, 'the server’s');
  }

  /** The time by the server's clock, as far as it is known: what the server has dated is judged by it. */
  serverTime(): Date {
    const now = this.options.now();
    return Math.abs(this.difference) < tolerance ? now : new Date(now.getTime() - this.difference);
  }

  /** Takes over what others have found out, unless it is older than what was found out here. */
  restore(told: ServerCircuit): void {
    const circuit = believedCircuit(told, this.options.now().getTime());
    const own = this.circuit;
    if ((circuit.toldAt ?? 0) < (own.toldAt ?? 0)) return;
    const isLonger = openForAllUntil(own) > openForAllUntil(circuit);
    this.circuitIs(isLonger ? { ...circuit, openUntil: own.openUntil, mailbox: undefined } : circuit);
  }

  /**
   * Sends a request, once, and none after `deadline`, an instant of the steady clock; but again if there was less room
   * for its answer than an answer may need. Returns the answer, whatever its status.
   *
   * @throws CryptshareFailure when there is none
   */
  async send(call: Call, deadline: Deadline): Promise<Answer> {
    const isListing = call.mailbox !== undefined && call.body === undefined;
    const answer = await this.slots.run(call.mailbox, (cut) => this.sendNow(call, deadline, cut), isListing);
    return answer ?? this.send(call, deadline);
  }

  /** @returns undefined when the answer was larger than the room for it, of which there is more now */
  private async sendNow(call: Call, deadline: Deadline, cut: Cancellation): Promise<Answer | undefined> {
    const { path, mailbox, minimumMinor, token, body, onSend, onAnswer } = call;
    const { now, steady } = this.options;
    const left = deadline - steady();
    if (left <= 0) throw new CryptshareFailure(this.slots.isHeldUp(mailbox) ? 'timeout' : 'out_of_time');
    const rest = openUntilFor(this.circuit, mailbox) - now().getTime();
    if (rest > 0) throw new CryptshareFailure(this.circuit.cause, 'it is left alone for a while', rest);
    onSend?.();
    const seen = this.faultsSeen;
    const headers = { accept: 'application/json', ...this.identification(minimumMinor, token) };
    const timeout = Math.min(requestTimeout, left);
    // What posts something must not be repeated for this reason; its answer has a few lines.
    const share = body === undefined ? this.room.share(this.options.maxConcurrentPages) : maxAnswerBytes;
    try {
      const answer = await this.connection.send({ path: `/api${path}`, headers, body, cut }, timeout, share);
      onAnswer?.(answer);
      this.room.seen(answer.body.length);
      this.makeRoom();
      const cameAt = now().getTime();
      const difference = clockDifference(answer.headers, cameAt);
      if (difference !== undefined) [this.difference, this.datedAt] = [difference, cameAt - difference];
      const failure = answer.status < 400 ? undefined : this.failed(answer);
      // Verifications have a limit of their own, which concerns no listing.
      if (body === undefined || failure?.kind !== 'throttled') this.record(failure, mailbox, seen);
      return answer;
    } catch (error) {
      const failure = failureOfError(error);
      if (failure.kind === 'answer_too_large' && share < maxAnswerBytes) {
        this.room.seen();
        this.makeRoom();
        return undefined;
      }
      // Cut short by the end of the poll, it says nothing about the server.
      if (failure.kind !== 'timeout' || timeout === requestTimeout) this.record(failure, mailbox, seen);
      throw failure;
    }
  }

  /**
   * Repeats what may succeed later, with full jitter, until `deadline` by the steady clock. What hangs for a mailbox time
   * and again is not repeated: the next poll asks again.
   */
  async withRetries<T>(deadline: Deadline, mailbox: string, task: () => Promise<T>): Promise<T> {
    const { steady, random, sleep } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      const hung = this.slots.isHeldUp(mailbox);
      try {
        return await task();
      } catch (error) {
        if (!(error instanceof CryptshareFailure) || !error.retryable) throw error;
        if (attempt === attempts || (hung && error.kind === 'timeout')) throw error;
        const delay = error.retryAfter ?? 2 * random() * firstRetryDelay * 2 ** (attempt - 1);
        if (delay > longestWait || steady() + delay >= deadline) throw error;
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
   * What an answer, or its absence, says about the circuit of the server; `seen` faults had been seen when the request
   * was sent.
   */
  private record(failure: CryptshareFailure | undefined, mailbox: string | undefined, seen: number): void {
    const cause = failure && circuitCauseOf(failure.kind);
    const { now, steady, random } = this.options;
    const at = now().getTime();
    if (cause === 'timeout' && steady() - this.answeredAt < evidence) return;
    if (!failure || !cause) {
      this.answeredAt = steady();
      // What was asked for before the last fault says nothing about the time after it.
      if (seen === this.faultsSeen) this.circuitIs(circuitAfterAnswer(this.circuit, at));
    } else {
      const fault = { cause, retryAfterMs: failure.retryAfter, mailbox };
      const isFirst = seen === this.faultsSeen;
      this.circuitIs(
        isFirst ? circuitAfterFault(this.circuit, fault, at, random()) : circuitAfterSameFault(this.circuit, fault, at),
      );
      if (isFirst) this.faultsSeen += 1;
    }
  }

  /** Has as many requests under way as their answers leave room for. */
  private makeRoom(): void {
    this.slots.most = this.room.atOnce(this.options.maxConcurrentPages);
  }

  private circuitIs(circuit: ServerCircuit): void {
    this.current = circuit;
    // One that hangs would keep the others from finding out.
    this.slots.careful = circuit.faults > 0 && circuit.cause !== 'timeout';
  }
}

import type { Deadline } from '#functions/clock/instants.ts';
import type { Answer } from './answer.ts';
import { type CryptshareFailure, errorCodeOf, failureOf } from './failure.ts';

/** Where the tokens come from by which a server knows whose mailbox it is asked for. */
export interface TokenSource {
  /**
   * A token that should hold, none that was rejected. Sends no request after `deadline`, an instant of the steady clock.
   *
   * @throws CryptshareFailure when there is none
   */
  tokenFor(mailbox: string, deadline: Deadline): Promise<string>;
  /** Learns that the server has answered a request with this token. */
  accepted(mailbox: string, token: string): void;
  /**
   * Learns that the server has rejected a token; another one may be had from {@link tokenFor}. Returns the failure with
   * the advice that fits how the mailbox was verified.
   */
  reject(mailbox: string, rejection: Rejection): Promise<CryptshareFailure>;
}

/** A token that the server has rejected. */
export interface Rejection {
  readonly token: string;
  readonly failure: CryptshareFailure;
  /** The server's own error says so, and not only the status of an answer that a proxy may have given. */
  readonly isCertain: boolean;
}

/** The server's error code for a token that does not hold. */
const notVerifiedCode = 3002;

/** The tokens that requests of this process carry, none of them once the server has rejected it. */
export class CarriedTokens {
  private readonly source: TokenSource;
  /** The latest rejection of each mailbox: requests that wait to be sent must not carry that token. */
  private readonly rejections = new Map<string, Rejection & { isSettled: boolean }>();

  constructor(source: TokenSource) {
    this.source = source;
  }

  async tokenFor(mailbox: string, deadline: Deadline): Promise<string> {
    const token = await this.source.tokenFor(mailbox, deadline);
    const rejection = this.rejections.get(mailbox);
    // Given out again all the same, it was not the server that rejected it.
    if (rejection?.token === token && rejection.isSettled) this.rejections.delete(mailbox);
    return token;
  }

  /** The parts of a call that carry a token: it does not go out any more once another request has found it rejected. */
  carrying(mailbox: string, token: string) {
    return {
      ...{ mailbox, token },
      onSend: () => {
        const rejection = this.rejections.get(mailbox);
        if (rejection?.token === token) throw rejection.failure;
      },
      onAnswer: (answer: Answer) => {
        if (answer.status === 200) return this.source.accepted(mailbox, token);
        // The time is of no account here.
        const failure = failureOf(answer, new Date(0));
        const isCertain = errorCodeOf(answer.body) === notVerifiedCode;
        if (failure.kind !== 'token_invalid') return;
        this.rejections.set(mailbox, { token, failure, isCertain, isSettled: false });
      },
    };
  }

  /** Has the rejection that a failure told of taken into account; returns what {@link TokenSource.reject} does. */
  async settle(mailbox: string, failure: CryptshareFailure): Promise<CryptshareFailure> {
    const rejection = this.rejections.get(mailbox);
    if (!rejection) return failure;
    try {
      return await this.source.reject(mailbox, rejection);
    } finally {
      rejection.isSettled = true;
    }
  }
}

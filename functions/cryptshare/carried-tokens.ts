import type { Deadline } from '#functions/clock/instants.ts';
import { type Answer, type CryptshareFailure, failureOf, isNotVerified } from './failure.ts';
import type { Rejection, TokenSource } from './tokens.ts';

export type CarriedTokens = ReturnType<typeof carriedTokens>;

/** Tokens that requests of this process carry; a token that the server has rejected is not sent again. */
export function carriedTokens(source: TokenSource) {
  /** Latest rejection of each mailbox: requests that wait to be sent must not carry that token. */
  const rejections = new Map<string, Rejection & { isSettled: boolean }>();
  return {
    async tokenFor(mailbox: string, deadline: Deadline): Promise<string> {
      const token = await source.tokenFor(mailbox, deadline);
      const rejection = rejections.get(mailbox);
      // The source still trusts the token, so the server itself did not reject it.
      if (rejection?.token === token && rejection.isSettled) rejections.delete(mailbox);
      return token;
    },

    /** Options of a call that carries a token. They stop a waiting call once another call finds the token rejected. */
    carrying: (mailbox: string, token: string) => ({
      ...{ mailbox, token },
      onSend() {
        const rejection = rejections.get(mailbox);
        if (rejection?.token === token) throw rejection.failure;
      },
      onAnswer(answer: Answer) {
        if (answer.status === 200) return source.accepted(mailbox, token);
        // The time does not matter here: it only serves `Retry-After`.
        const failure = failureOf(answer, new Date(0));
        if (failure.kind !== 'token_invalid') return;
        rejections.set(mailbox, { token, failure, isCertain: isNotVerified(answer), isSettled: false });
      },
    }),

    /** Settles the rejection behind a failure; returns the failure with the source's advice. */
    async settle(mailbox: string, failure: CryptshareFailure): Promise<CryptshareFailure> {
      const rejection = rejections.get(mailbox);
      if (!rejection) return failure;
      try {
        return await source.reject(mailbox, rejection);
      } finally {
        rejection.isSettled = true;
      }
    },
  };
}

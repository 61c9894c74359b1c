import type { Pass } from '#functions/cryptshare/client.ts';
import { type CryptshareFailure, mayClockExplain } from '#functions/cryptshare/failure.ts';
import type { WatchProblem } from '#functions/events/transfer-event.ts';
import messages from './watch-problems.json' with { type: 'json' };

export const problemOfFailure = ({ kind, message, remedy }: CryptshareFailure): WatchProblem => {
  return { cause: kind, message: `${message}; ${remedy}` };
};

/** Adds the error of the local clock to a problem that it may explain. */
export function withClock(problem: WatchProblem, clockWords: string | undefined): WatchProblem {
  if (!clockWords || !mayClockExplain(problem.cause)) return problem;
  return { ...problem, message: `${problem.message}; ${clockWords}, which may be the reason` };
}

/** A problem that is no failure of the server, with values for the placeholders of its message. */
export function problemOf(cause: keyof typeof messages, values: Readonly<Record<string, string | number>> = {}) {
  return { cause, message: messages[cause].replaceAll(/\{(\w+)\}/g, (_, name) => `${values[name]}`) };
}

/** Problem of an incomplete listing, or of one with malformed rows. */
export function problemOfListing({ listing, failure }: Pass): WatchProblem | undefined {
  if (failure) return problemOfFailure(failure);
  return listing.malformed === 0 ? undefined : problemOf('malformed_rows', { rows: listing.malformed });
}

/** The texts of AWS services name roles and accounts, which subscribers must not learn. */
export const problemOfAws = (error: Error): WatchProblem =>
  problemOf('aws_error', { error: '$metadata' in error ? error.name : error.message });

import type { Pass } from '#functions/cryptshare/client.ts';
import { type CryptshareFailure, mayClockExplain } from '#functions/cryptshare/failure.ts';
import type { WatchProblem } from '#functions/events/transfer-event.ts';

export const problemOfFailure = ({ kind, message, remedy }: CryptshareFailure): WatchProblem => {
  return { cause: kind, message: `${message}; ${remedy}` };
};

/** Adds the error of the local clock to a problem that it may explain. */
export function withClock(problem: WatchProblem, clockWords: string | undefined): WatchProblem {
  if (!clockWords || !mayClockExplain(problem.cause)) return problem;
  return { ...problem, message: `${problem.message}; ${clockWords}, which may be the reason` };
}

/** Problem of an incomplete listing, or of one with malformed rows. */
export function problemOfListing({ listing, failure }: Pass): WatchProblem | undefined {
  if (failure) return problemOfFailure(failure);
  if (listing.malformed === 0) return undefined;
  return {
    cause: 'malformed_rows',
    message: `${listing.malformed} rows of the listing have no usable tracking id or state and are skipped; while that lasts, no transfer is taken for gone`,
  };
}

export const problemOfAbsences = (missing: number, count: number): WatchProblem => ({
  cause: 'absences_held',
  message: `${missing} of ${count} transfers vanished from the listing at once; none is taken for gone before that has lasted for a day, so look at the server's transfer log`,
});

export const problemOfOrigin = (before: string, now: string): WatchProblem => ({
  cause: 'server_changed',
  message: `what is known of this watch came from ${before}, not from ${now}; set server.url back, or begin anew with an empty table (in the local run: another data folder)`,
});

export const problemOfAws = (error: Error): WatchProblem => ({
  cause: 'aws_error',
  // The texts of AWS services name roles and accounts, which subscribers must not learn.
  message: `${'$metadata' in error ? error.name : error.message}; nothing is lost, the next poll goes on from here`,
});

export const problemOfBusyShard: WatchProblem = {
  cause: 'busy',
  message: 'this watch and others are being polled at this very moment; ask again in a minute',
};

export const problemOfTime: WatchProblem = {
  cause: 'out_of_time',
  message:
    'the poll ran out of time and the next one goes on from here; if that lasts, spread the watches over more shards (schedule.shards)',
};

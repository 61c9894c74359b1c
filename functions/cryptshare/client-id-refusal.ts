import type { CryptshareFailure, FailureCause } from './failure.ts';

/** Refusals that are the same for all mailboxes: they are about the client id, the licence, or the number of such calls. */
const ofAllMailboxes: ReadonlySet<FailureCause> = new Set([
  'not_verified',
  'client_id_rejected',
  'not_licensed',
  'throttled',
]);

/** Milliseconds after a refusal before the next mailbox asks again; doubled for each further one in a row. */
const firstPause = 60_000;
const longestPause = 300_000;

/**
 * What a process remembers of a server that issues the client id no tokens. One mailbox finds out for all of them whether
 * that has changed, so that hundreds do not ask in vain, and one success lets all of them ask at once.
 */
export class ClientIdRefusal {
  private refusal: { readonly failure: CryptshareFailure; readonly at: number; readonly pause: number } | undefined;

  /** Why no mailbox is to ask now; undefined when one may. Times are Unix times in milliseconds. */
  standing(forgivenAt: number, now: number): CryptshareFailure | undefined {
    const { refusal } = this;
    if (!refusal || refusal.at <= forgivenAt || now - refusal.at >= refusal.pause) return undefined;
    return now < refusal.at ? undefined : refusal.failure;
  }

  /**
   * Takes a refusal into account; those of requests that were under way together count as one. Both times are Unix
   * times in milliseconds, `askedAt` that of the request for a token. Returns whether all mailboxes share it.
   */
  note(failure: CryptshareFailure, askedAt: number, now: number): boolean {
    if (!ofAllMailboxes.has(failure.kind)) return false;
    const { refusal } = this;
    if (refusal && refusal.at >= askedAt && refusal.at <= now) return true;
    const doubled = Math.min(longestPause, refusal ? 2 * refusal.pause : firstPause);
    const pause = failure.kind === 'throttled' ? Math.min(failure.retryAfter ?? firstPause, longestPause) : doubled;
    this.refusal = { failure, at: now, pause };
    return true;
  }

  end(): void {
    this.refusal = undefined;
  }
}

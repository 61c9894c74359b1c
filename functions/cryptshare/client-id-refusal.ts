import type { CryptshareFailure, FailureCause } from './failure.ts';

/** Refusals that concern all mailboxes: the cause is the client id, the licence, or the number of such calls. */
const ofAllMailboxes = new Set<FailureCause>(['not_verified', 'client_id_rejected', 'not_licensed', 'throttled']);

/** Milliseconds from a refusal until the next mailbox may try, doubled for each further refusal in a row. */
const firstPauseMs = 60_000;
const longestPauseMs = 300_000;

/** Remembers that the client id gets no tokens: one mailbox then tries for all, not hundreds. Times are Unix ms. */
export class ClientIdRefusal {
  private refusal: { readonly failure: CryptshareFailure; readonly at: number; readonly pause: number } | undefined;

  /** Reason why no mailbox may ask now; undefined when a mailbox may. */
  standing(forgivenAt: number, now: number): CryptshareFailure | undefined {
    const { refusal } = this;
    if (!refusal || refusal.at <= forgivenAt || now - refusal.at >= refusal.pause) return undefined;
    return now < refusal.at ? undefined : refusal.failure;
  }

  /** Records a refusal; those of requests in flight together count as one. True when all mailboxes share it. */
  note(failure: CryptshareFailure, askedAt: number, now: number): boolean {
    if (!ofAllMailboxes.has(failure.kind)) return false;
    const { refusal } = this;
    if (refusal && refusal.at >= askedAt && refusal.at <= now) return true;
    const doubled = refusal ? 2 * refusal.pause : firstPauseMs;
    const pause = failure.kind === 'throttled' ? (failure.retryAfterMs ?? firstPauseMs) : doubled;
    this.refusal = { failure, at: now, pause: Math.min(pause, longestPauseMs) };
    return true;
  }
}

import type { Watch } from './transfer.ts';

/** What a watch can follow of its active transfers, besides their states. */
export const followable = ['downloads', 'overdue', 'problems'] as const;

export type Followed = (typeof followable)[number];

/** Problems of a transfer that the server names; `other` is one that this version does not know. */
export const problems = [
  'recipient_not_notified',
  'sender_not_notified',
  'files_removed',
  'message_not_created',
  'other',
] as const;

export type Problem = (typeof problems)[number];

/** Ways to fetch a file, from the REST API 1.8 document. */
export const methods = ['downloaded', 'viewed'] as const;

export type Method = (typeof methods)[number];

/** A watch with what it follows. */
export interface FollowingWatch extends Watch {
  /** @default nothing */
  readonly follow?: readonly Followed[] | undefined;
  /** Milliseconds before its end from which a transfer that a recipient has not fetched is overdue. @default 2 days */
  readonly overdueBeforeMs?: number | undefined;
}

export const usualOverdueBeforeMs = 2 * 86_400_000;

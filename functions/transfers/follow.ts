import { hash } from './digest.ts';
import type { Watch } from './transfer.ts';

/** Facts that a watch can follow of its active transfers, besides their states. */
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
export type Method = 'downloaded' | 'viewed';

export interface FollowingWatch extends Watch {
  /** @default nothing */
  readonly follow?: readonly Followed[] | undefined;
  /** Milliseconds before its end from which a transfer that a recipient has not fetched is overdue. @default 2 days */
  readonly overdueBeforeMs?: number | undefined;
}

export const usualOverdueBeforeMs = 2 * 86_400_000;

/** Least and greatest `overdueBeforeMs`: an hour and 30 days. */
export const overdueBeforeLimitsMs = [3_600_000, 30 * 86_400_000] as const;

/** True unless a watch has a time from which transfers are overdue, but does not follow that. */
export const isOverdueSensible = ({ follow = [], overdueBeforeMs }: Omit<FollowingWatch, keyof Watch>): boolean =>
  overdueBeforeMs === undefined || follow.includes('overdue');

export const expectedOverdue = 'expected only where follow has overdue';

export const follows = ({ follow = [] }: FollowingWatch, one: Followed): boolean => follow.includes(one);

/** Recipients of a transfer, and how many of them have fetched something. */
export interface Counts {
  readonly recipients: number;
  readonly downloadedBy: number;
}

interface Overdue {
  readonly isOverdue: boolean;
  readonly expiresAt?: string | undefined;
}

/** Facts of one transfer that enter its digest; each is undefined unless its watch follows it. */
export interface FactSummary {
  readonly downloads?: Counts | undefined;
  readonly problems?: readonly Problem[] | undefined;
  readonly overdue?: Overdue | undefined;
  /** True while the server gives no details of this transfer, but of others. */
  readonly isUntold?: boolean | undefined;
}

/** First fetch of a file by a recipient. `at` is the server's own text, undefined without a usable date. */
export interface Fetch {
  readonly method: Method;
  readonly at: string | undefined;
}

/** Facts of one active transfer as the server tells them at one moment. */
export interface Facts extends FactSummary {
  /** First fetches by the server's id of the recipient, which must not be stored; undefined for nothing fetched. */
  readonly fetches: ReadonlyMap<string, Fetch | undefined>;
  readonly overdue?: (Counts & Overdue) | undefined;
}

/** Hash of facts, equal for server and row. It counts recipients, so an unchanged poll computes no keyed hash. */
export function factsHash({ downloads, problems: found, overdue, isUntold }: FactSummary): number {
  if (isUntold) return hash('untold').low;
  const fetched = downloads && `${downloads.downloadedBy}/${downloads.recipients}`;
  const end = overdue && (overdue.isOverdue ? overdue.expiresAt : '-');
  return hash(`${fetched};${found?.join()};${end}`).low;
}

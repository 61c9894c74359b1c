import type { Method, Problem } from '#functions/transfers/follow.ts';
import { knownStates, type State, type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { EventType, EventTypeAbout } from './catalogue.ts';
import { factId, transferEventId } from './event-id.ts';

interface TransferEventData extends Watch {
  readonly trackingId: string;
  /** The present state; for `transfer.unlisted` and `transfer.listed_again` the last published one. */
  readonly state: State;
  /** The previous state, published or stored by the baseline; null for a new transfer. */
  readonly previousState: State | null;
  /** Number of the event among those of this transfer, without gaps; a higher one is newer. */
  readonly sequence: number;
  /** First fetch by a recipient: the number of the recipient, from 1; it never changes. */
  readonly recipient?: number;
  readonly recipients?: number;
  readonly downloadedBy?: number;
  readonly method?: Method;
  /** ISO 8601 time by the server, to the minute. */
  readonly downloadedAt?: string;
  /** ISO 8601 time at which an overdue transfer ends. */
  readonly expiresAt?: string;
  readonly problems?: readonly Problem[];
}

export interface WatchProblem {
  /** One word for logs and filters. */
  readonly cause: string;
  /** Problem and remedy in one line. */
  readonly message: string;
}

/** A number of watches, of their mailboxes, and the first three mailboxes in alphabetical order. */
export interface Size {
  readonly watches: number;
  readonly mailboxes: number;
  readonly examples: readonly string[];
}

/** The problem of one failing watch, as of the last report to operators. */
export interface WatchEventData extends Watch, WatchProblem {
  /** ISO 8601 time of the first of these failed polls. */
  readonly failingSince: string;
}

export interface IncidentEventData extends WatchProblem, Size {
  /** ISO 8601 time of the first failed poll of any of these watches. */
  readonly failingSince: string;
}

interface ExpiryEventData extends Watch {
  readonly message: string;
  /** ISO 8601 time after which polls of the mailbox fail. */
  readonly validUntil: string;
}

/** The published record of a change in the envelope of Standard Webhooks. */
export interface NotifierEvent<Type extends EventType, Data> {
  /** Derived from the fact, so that a repetition has the same id. */
  readonly id: string;
  readonly type: Type;
  /** ISO 8601 time of the observation. */
  readonly timestamp: string;
  readonly data: Data;
}

export type TransferEvent = NotifierEvent<EventTypeAbout<'transfer'>, TransferEventData>;
export type HealthEvent = NotifierEvent<EventTypeAbout<'watch'>, WatchEventData>;
export type ExpiryEvent = NotifierEvent<EventTypeAbout<'verification'>, ExpiryEventData>;
export type IncidentEvent = NotifierEvent<EventTypeAbout<'manyWatches'>, IncidentEventData>;
export type WatchEvent = HealthEvent | ExpiryEvent | IncidentEvent;

/** The type for a transfer that is now in this state. */
export function eventTypeOf(state: State): TransferEvent['type'] {
  const known = knownStates.find((one) => one === state);
  return known ? `transfer.${known.toLowerCase() as Lowercase<typeof known>}` : 'transfer.state_changed';
}

export interface Change extends Omit<TransferEventData, keyof Watch> {
  /** Type of an event that reports no changed state. */
  readonly news?: News | undefined;
}

export type News = Exclude<TransferEvent['type'], `transfer.${Lowercase<(typeof knownStates)[number]>}`>;

/** Builds the event of a change. `server` is the origin of the Cryptshare Server; `observedAt` is ISO 8601. */
export function transferEvent(server: string, watch: Watch, change: Change, observedAt: string): TransferEvent {
  const { trackingId, state, previousState, sequence, news, ...details } = change;
  const { mailbox, direction } = watch;
  // A transfer that was forgotten begins with sequence 1 again, and may then have other news in the same state.
  const fact = news ? [news, JSON.stringify(details)] : [];
  return {
    id: transferEventId(trackingId, server, watchKey(watch), sequence, state, ...fact),
    type: news ?? eventTypeOf(state),
    timestamp: observedAt,
    data: { trackingId, mailbox, direction, state, previousState, sequence, ...details },
  };
}

/** @param at ISO 8601 time of the poll that failed or succeeded again */
export function watchEvent(server: string, type: HealthEvent['type'], data: WatchEventData, at: string): HealthEvent {
  return { id: factId('evt', server, watchKey(data), type, data.failingSince), type, timestamp: at, data };
}

/** @param at ISO 8601 time of the observation */
export function incidentEvent(server: string, type: IncidentEvent['type'], data: IncidentEventData, at: string) {
  return { id: factId('evt', server, type, data.cause, data.failingSince), type, timestamp: at, data };
}

/** @param at ISO 8601 time of the poll that noticed it */
export function expiryEvent(server: string, watch: Watch, validUntil: string, at: string): ExpiryEvent {
  const { mailbox, direction } = watch;
  const type = 'watch.verification_expiring';
  const message =
    'the verification of this mailbox ends soon, and polling does not prolong it; verify it again by e-mail: npm run notifier -- watch verify MAILBOX';
  const data = { mailbox, direction, message, validUntil };
  return { id: factId('evt', server, watchKey(watch), type, validUntil), type, timestamp: at, data };
}

/** The bytes of an event, built once and stored: every channel and repetition carries the same. */
export const eventBody = (event: NotifierEvent<EventType, object>): string => JSON.stringify(event);

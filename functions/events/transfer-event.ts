import { createHash } from 'node:crypto';
import {
  eventTypeOf,
  type State,
  type TransferEventType,
  type Watch,
  watchKey,
} from '#functions/transfers/transfer.ts';

interface TransferEventData extends Watch {
  readonly trackingId: string;
  /** The state now; for `transfer.unlisted` and `transfer.listed_again` the last one told. */
  readonly state: State;
  /** The state before, published or stored by the baseline; null when this is the first the notifier sees of the transfer. */
  readonly previousState: State | null;
  /** Counts the events of this transfer, without a gap; the higher one is the newer fact. */
  readonly sequence: number;
}

/** What keeps a poll from doing all of its work, for a person to read. */
export interface WatchProblem {
  /** One word for logs and filters. */
  readonly cause: string;
  /** What is wrong and what to do about it, in one line. */
  readonly message: string;
}

/** How many watches there are, of how many mailboxes, and the first three of these in alphabetical order. */
export interface Size {
  readonly watches: number;
  readonly mailboxes: number;
  readonly examples: readonly string[];
}

/** Why the polls of one watch fail, or failed when operators were told. */
export interface WatchEventData extends Watch, WatchProblem {
  /** ISO 8601 time of the first failed poll in the row. */
  readonly failingSince: string;
}

/** The same of several watches with one cause. */
export interface IncidentEventData extends WatchProblem, Size {
  /** ISO 8601 time of the first failed poll of any of them. */
  readonly failingSince: string;
}

/** That the verification of a watched mailbox ends soon. */
interface ExpiryEventData extends Watch {
  /** What ends and what to do about it. */
  readonly message: string;
  /** ISO 8601 time at which the mailbox ceases to be watchable. */
  readonly validUntil: string;
}

/** The published record of a change in the envelope of Standard Webhooks. */
export interface NotifierEvent<Type extends string, Data> {
  /** Derived from the fact, so every repetition has the same. */
  readonly id: string;
  readonly type: Type;
  /** ISO 8601 time at which the change was noticed. */
  readonly timestamp: string;
  readonly data: Data;
}

export type TransferEvent = NotifierEvent<TransferEventType, TransferEventData>;
export type HealthEvent = NotifierEvent<'watch.failing' | 'watch.recovered', WatchEventData>;
export type ExpiryEvent = NotifierEvent<'watch.verification_expiring', ExpiryEventData>;
export type IncidentEvent = NotifierEvent<'watch.many_failing' | 'watch.many_recovered', IncidentEventData>;
export type WatchEvent = HealthEvent | ExpiryEvent | IncidentEvent;

export interface Change extends Omit<TransferEventData, keyof Watch> {
  /** That the server no longer lists it, or lists it again though that was told; a change of its state has an event of its own. */
  readonly news?: 'transfer.unlisted' | 'transfer.listed_again' | undefined;
}

/**
 * The event that tells of a change.
 *
 * @param server origin of the Cryptshare Server, for example `https://cryptshare.example.com`
 * @param observedAt ISO 8601
 */
export function transferEvent(server: string, watch: Watch, change: Change, observedAt: string): TransferEvent {
  const { trackingId, state, previousState, sequence } = change;
  const { mailbox, direction } = watch;
  return {
    id: eventsOf(trackingId) + hashText([server, watchKey(watch), trackingId, sequence, state]).slice(subjectLength),
    type: change.news ?? eventTypeOf(state),
    timestamp: observedAt,
    data: { trackingId, mailbox, direction, state, previousState, sequence },
  };
}

/** The event that tells that the polls of a watch have begun to fail, or succeed again, as a poll at `at`, ISO 8601, has found. */
export const watchEvent = (
  server: string,
  type: HealthEvent['type'],
  data: WatchEventData,
  at: string,
): HealthEvent => ({ id: factId('evt', server, watchKey(data), type, data.failingSince), type, timestamp: at, data });

/** The same of several watches that fail for one cause. */
export const incidentEvent = (
  server: string,
  type: IncidentEvent['type'],
  data: IncidentEventData,
  at: string,
): IncidentEvent => ({ id: factId('evt', server, type, data.cause, data.failingSince), type, timestamp: at, data });

/** The event that tells that a verification ends soon, as a poll at `at`, ISO 8601, has noticed. */
export function expiryEvent(
  server: string,
  { mailbox, direction }: Watch,
  validUntil: string,
  at: string,
): ExpiryEvent {
  const type = 'watch.verification_expiring';
  const message =
    'the verification of this mailbox ends soon, and polling does not prolong it; verify it again by e-mail: npm run notifier -- watch verify MAILBOX';
  const data = { mailbox, direction, message, validUntil };
  return { id: factId('evt', server, watchKey(data), type, validUntil), type, timestamp: at, data };
}

/** The bytes of an event: made once, stored, and the same on every channel and every repetition. */
export const eventBody = (event: NotifierEvent<string, object>): string => JSON.stringify(event);

export const parseEventBody = (body: string): TransferEvent | WatchEvent => JSON.parse(body);

/** An id derived from a fact: a prefix, `_`, and 128 bits of the fact's hash in base 36. */
export const factId = (prefix: string, ...fact: readonly (string | number)[]): string => `${prefix}_${hashText(fact)}`;

/** Letters of an id of a transfer's event, after `evt_`, that stand for the transfer: 62 bits, and 67 are left for the fact. */
const subjectLength = 12;

/** What the ids of all events about a transfer begin with, so that they can be stored, and found, together. */
export const eventsOf = (trackingId: string): string => `evt_${hashText([trackingId]).slice(-subjectLength)}`;

/** 128 bits of a hash in base 36: 25 letters and digits. */
function hashText(fact: readonly (string | number)[]): string {
  const digest = createHash('sha256').update(JSON.stringify(fact)).digest('hex');
  return BigInt(`0x${digest.slice(0, 32)}`)
    .toString(36)
    .padStart(25, '0');
}

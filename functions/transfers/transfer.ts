/** `sent`: transfers the mailbox has sent; `received`: transfers it has received. */
export type Direction = 'sent' | 'received';

/** One mailbox in one direction: the unit that is polled. */
export interface Watch {
  readonly mailbox: string;
  readonly direction: Direction;
}

/** State as this project compares, stores and publishes it, see {@link canonicalState}. */
export type State = string;

const eventTypes = {
  PROCESSING: 'transfer.processing',
  ACTIVE: 'transfer.active',
  FAILED: 'transfer.failed',
  DELETED_BY_EXPIRATION: 'transfer.deleted_by_expiration',
  DELETED_BY_REVOCATION: 'transfer.deleted_by_revocation',
  DELETED_BY_ADMIN: 'transfer.deleted_by_admin',
  DELETED_BY_SECURITY: 'transfer.deleted_by_security',
} as const;

type KnownState = keyof typeof eventTypes;

export type TransferEventType =
  | (typeof eventTypes)[KnownState]
  | 'transfer.unlisted'
  | 'transfer.listed_again'
  /** State unknown to this version; its raw text is in `state`. */
  | 'transfer.state_changed';

/** Longest state kept, in characters: enough for any documented state, short enough for every channel. */
const maxStateLength = 64;

/** Longest tracking id accepted, in characters; DynamoDB's sort key holds 1,024 bytes. */
const maxTrackingIdLength = 200;

const isKnown = (state: string): state is KnownState => Object.hasOwn(eventTypes, state);

/** State without its spelling: upper case, with `_` for `-` and space. */
export const comparableState = (raw: string): string => raw.trim().toUpperCase().replaceAll(/[\s-]/g, '_');

/**
 * Canonical spelling of a state. The vendor documents two (`Deleted_by_expiration` in prose, `DELETED_BY_EXPIRATION` on
 * the wire), so case, `-`, space and `_` make no difference. A state outside the vendor's page on transfer polling
 * keeps its raw text, without control characters, which SNS refuses, and cut to 64 characters.
 */
export function canonicalState(raw: string): State {
  // Cut first: half a surrogate pair is a control character, too.
  const text = raw.trim().slice(0, maxStateLength).replaceAll(/\p{C}/gu, ' ').trim();
  const known = comparableState(text);
  return isKnown(known) ? known : text;
}

export const sameState = (a: State, b: State): boolean => a === b || comparableState(a) === comparableState(b);

/** True when a transfer in this state has ended: the vendor documents no way back. */
export const isFinal = (state: State): boolean => /^(?:FAILED$|DELETED_)/.test(comparableState(state));

/** True when the server's filter `active=true` should let this state through. */
export const isActive = (state: State): boolean => sameState(state, 'ACTIVE');

export const eventTypeOf = (state: State): TransferEventType =>
  isKnown(state) ? eventTypes[state] : 'transfer.state_changed';

/** True for a `trackingId` that can be a key: 1 to 200 printable ASCII characters, otherwise opaque. */
export function isTrackingId(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > maxTrackingIdLength) return false;
  // A regular expression here would cost as much as parsing the row.
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return true;
}

/** The key of a watch in the table: `<direction>#<mailbox>`. */
export const watchKey = ({ direction, mailbox }: Watch): string => `${direction}#${mailbox}`;

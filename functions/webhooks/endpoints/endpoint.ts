import type { EndpointCause } from '#functions/events/endpoint-event.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import type { Format } from './format.ts';

/** `paused` by an operator, or `disabled` by an operator or because it failed for too long. */
export type EndpointStatus = 'active' | 'paused' | 'disabled';

/** What operators were told about a failing endpoint. */
export interface EndpointHealth {
  /** ISO 8601 time of the first failed attempt since the last success. */
  readonly failingSince: string;
  /** What they were told is wrong. */
  readonly cause: EndpointCause;
  /** Unix time in milliseconds at which they were warned that it will be disabled. */
  readonly warnedAt?: number;
}

/** A webhook subscriber, without its secrets. */
export interface Endpoint {
  readonly name: string;
  /** Event types; `transfer.*` stands for all that begin so. */
  readonly types: readonly string[];
  /** Only events of these mailboxes, whatever their case. */
  readonly mailboxes?: readonly string[] | undefined;
  readonly directions?: readonly string[] | undefined;
  readonly status: EndpointStatus;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly format: Format;
  /** Milliseconds before each retry. */
  readonly retryDelays: readonly number[];
  /** Attempts under way at the same time. */
  readonly maxInFlight: number;
  /** It stands in the configuration file. */
  readonly isDeclared?: boolean;
  /** Origin of its URL; the rest may hold a token. */
  readonly origin: string;
  /** URL, headers and signing secrets, encrypted. */
  readonly encrypted: string;
  /** Counts its changes. */
  readonly rev: number;
  readonly health?: EndpointHealth | undefined;
  /** Why it is disabled, in words. */
  readonly disabledBecause?: string;
  /** Bodies of events about this endpoint that are not known to be published. */
  readonly pending?: readonly string[] | undefined;
}

/** What only the sender may know of an endpoint. */
export interface EndpointSecrets {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Signing secrets, the newest first. */
  readonly secrets: readonly SigningSecret[];
}

/** A secret that requests are signed with. */
export interface SigningSecret {
  /** `whsec_…` or, for ed25519, `whsk_…`. */
  readonly secret: string;
  /** Unix time in milliseconds at which its use ends; the current secret has none. */
  readonly until?: number;
}

/** What an endpoint may ask for: something of certain types, about certain transfers. */
export interface Subject {
  readonly types: readonly string[];
  readonly mailbox?: string | undefined;
  readonly direction?: string | undefined;
}

/** Whether an endpoint wants to get something. Filters on mailbox and direction let pass what has neither. */
export function isWanted(
  { types, mailboxes, directions }: Pick<Endpoint, 'types' | 'mailboxes' | 'directions'>,
  subject: Subject,
): boolean {
  const { mailbox, direction } = subject;
  return (
    subject.types.some((type) => isOfType(type, types)) &&
    (!mailboxes || !mailbox || mailboxes.some((wanted) => addressKey(wanted) === addressKey(mailbox))) &&
    (!directions || !direction || directions.includes(direction))
  );
}

/** @param patterns types; `transfer.*` stands for all that begin so */
export const isOfType = (type: string, patterns: readonly string[]): boolean =>
  patterns.some((one) => (one.endsWith('.*') ? type.startsWith(one.slice(0, -1)) : type === one));

/** The secrets to sign with at an instant, the newest first. */
export const currentSecrets = ({ secrets }: EndpointSecrets, now: number): string[] =>
  secrets.filter(({ until }) => until === undefined || until > now).map(({ secret }) => secret);

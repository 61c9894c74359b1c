import type { EndpointCause } from '#functions/events/endpoint-event.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import type { Format } from './format.ts';

/** An operator pauses an endpoint; an operator or a long series of failures disables it. */
export type EndpointStatus = 'active' | 'paused' | 'disabled';

/** The last notice to operators about a failing endpoint. */
export interface EndpointHealth {
  /** ISO 8601 time of the first failed attempt since the last success. */
  readonly failingSince: string;
  readonly cause: EndpointCause;
  /** Unix time in milliseconds of the warning that the endpoint will be disabled. */
  readonly warnedAt?: number;
}

/** A webhook subscriber, without its secrets. */
export interface Endpoint {
  readonly name: string;
  /** Event types; `transfer.*` matches every type with that prefix. */
  readonly types: readonly string[];
  /** Filter on mailboxes, case-insensitive. */
  readonly mailboxes?: readonly string[] | undefined;
  readonly directions?: readonly string[] | undefined;
  readonly status: EndpointStatus;
  readonly createdAt: string;
  readonly format: Format;
  /** Milliseconds before each retry. */
  readonly retryDelaysMs: readonly number[];
  readonly maxInFlight: number;
  readonly isDeclared?: boolean;
  /** Origin of its URL; the path and query may hold a token. */
  readonly origin: string;
  /** URL, headers and signing secrets, encrypted. */
  readonly encrypted: string;
  readonly rev: number;
  readonly health?: EndpointHealth | undefined;
  readonly disabledBecause?: string;
  /** Bodies of events about this endpoint whose publication is not confirmed. */
  readonly pending?: readonly string[] | undefined;
}

/** The parts of an endpoint that are stored encrypted. */
export interface EndpointSecrets {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly SigningSecret[];
}

export interface SigningSecret {
  /** `whsec_…` or, for ed25519, `whsk_…`. */
  readonly secret: string;
  /** Unix time in milliseconds of its last use; the current secret has none. */
  readonly until?: number;
}

/** The properties of an event or notice that endpoints filter on. */
export interface Subject {
  readonly types: readonly string[];
  readonly mailbox?: string | undefined;
  readonly direction?: string | undefined;
}

/** True when an endpoint subscribes to a subject. A filter passes a subject that lacks its property. */
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

/** @param patterns types; `transfer.*` matches every type with that prefix */
export const isOfType = (type: string, patterns: readonly string[]): boolean =>
  patterns.some((one) => (one.endsWith('.*') ? type.startsWith(one.slice(0, -1)) : type === one));

/** The signing secrets valid at an instant, the newest first. */
export const currentSecrets = ({ secrets }: EndpointSecrets, now: number): string[] =>
  secrets.filter(({ until }) => until === undefined || until > now).map(({ secret }) => secret);

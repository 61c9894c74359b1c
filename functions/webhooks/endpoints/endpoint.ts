import * as r from '#functions/dynamodb/row-reader.ts';
import { isOfType } from '#functions/events/catalogue.ts';
import { isEndpointCause } from '#functions/events/endpoint-event.ts';
import type { DataKey } from '#functions/lambda/data-key.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import { formats } from './format.ts';
import { readerFields } from './reader.ts';
import type { TemplateParts } from './template.ts';

/** The last report to operators about a failing endpoint. */
const health = r.object({
  /** ISO 8601 time of the first failed attempt since the last success. */
  failingSince: r.text,
  cause: r.that(isEndpointCause, 'a cause'),
  /** Unix time in milliseconds of the warning that the endpoint will be disabled. */
  warnedAt: r.optional(r.number),
});

export type EndpointHealth = r.ReadBy<typeof health>;

const texts = r.list(r.text);

/** A webhook subscriber, without its secrets. */
export const endpointOf = r.rowOf({
  name: r.text,
  types: texts,
  /** Filter on mailboxes, case-insensitive. */
  mailboxes: r.optional(texts),
  reader: r.optional(readerFields),
  directions: r.optional(texts),
  /** An operator pauses an endpoint; an operator or a long series of failures disables it. */
  status: r.oneOf(['active', 'paused', 'disabled']),
  createdAt: r.text,
  format: r.oneOf(formats),
  retryDelaysMs: r.list(r.number),
  maxInFlight: r.number,
  isDeclared: r.optional(r.flag),
  /** Origin of its URL, whose path and query may hold a token; of an e-mail address `mailto:` alone. */
  origin: r.text,
  /** {@link EndpointSecrets}, encrypted. */
  encrypted: r.text,
  rev: r.number,
  health: r.optional(health),
  disabledBecause: r.optional(r.text),
  /** Bodies of events about this endpoint whose publication is not confirmed. */
  pending: r.optional(texts),
});

export type Endpoint = ReturnType<typeof endpointOf>;

/** The parts of an endpoint that are stored encrypted. */
export interface EndpointSecrets extends TemplateParts {
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

/** The properties of an event that endpoints filter on. */
export interface Subject {
  readonly types: readonly string[];
  readonly mailbox?: string | undefined;
  readonly direction?: string | undefined;
}

/** True when an endpoint subscribes to a subject. A filter passes a subject that lacks its property. */
export function isWanted(endpoint: Pick<Endpoint, 'types' | 'mailboxes' | 'directions'>, subject: Subject): boolean {
  const { mailboxes, directions } = endpoint;
  const { types, mailbox, direction } = subject;
  return (
    types.some((type) => isOfType(type, endpoint.types)) &&
    (!mailboxes || !mailbox || mailboxes.some((wanted) => addressKey(wanted) === addressKey(mailbox))) &&
    (!directions || !direction || directions.includes(direction))
  );
}

/** The signing secrets valid at an instant, the newest first. */
export const currentSecrets = ({ secrets }: EndpointSecrets, now: number): string[] =>
  secrets.filter(({ until }) => until === undefined || until > now).map(({ secret }) => secret);

/** Encryption context of an endpoint's secrets; they cannot be decrypted under another name. */
export const encryptionContext = (endpoint: string): string => `endpoint ${endpoint}`;

/** Encryption context of an endpoint's answers, which may echo tokens of the request. */
export const answerContext = (endpoint: string): string => `answer of ${endpoint}`;

export const secretsOf = (dataKey: DataKey, { name, encrypted }: Endpoint): EndpointSecrets =>
  JSON.parse(dataKey.decrypt(encrypted, encryptionContext(name)));

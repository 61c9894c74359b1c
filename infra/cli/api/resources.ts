import type { VerificationMethod } from '#functions/cryptshare/verification.ts';
import type { DeliveryStatus } from '#functions/webhooks/deliveries/delivery.ts';
import type { EndpointStatus } from '#functions/webhooks/endpoints/endpoint.ts';
import type { PostFailure } from '#functions/webhooks/http/client.ts';

/** One page of a list; `next` is the cursor of the page after it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export type Direction = 'sent' | 'received';

export interface WatchHealth {
  readonly failingSince: string;
  readonly incompleteSince?: string;
  readonly isAnnounced?: boolean;
  readonly problem: { readonly cause: string; readonly message: string };
}

export interface WatchResource {
  readonly mailbox: string;
  readonly direction: Direction;
  readonly isDeclared?: boolean;
  readonly isDisabled?: boolean;
  /** Poll interval in milliseconds, if not the general one. */
  readonly every?: number;
  /** Poll interval in milliseconds while the watch has not changed for an hour. */
  readonly quietEvery?: number;
  readonly health?: WatchHealth;
  readonly verification?: { readonly method: VerificationMethod; readonly validUntil?: string };
  /** ISO 8601 time of the first complete listing. */
  readonly baselineAt?: string;
  /** Transfers of the first complete listing, and the number stored so far. */
  readonly baselineProgress?: { readonly stored: number; readonly transfers: number };
  /** Transfers in the snapshot. */
  readonly count?: number;
}

/** Results of adding many watches, in their order. */
export interface BatchOfWatches {
  /** `isAdded` is false for a watch that existed. */
  readonly items: readonly { readonly mailbox: string; readonly direction: Direction; readonly isAdded: boolean }[];
}

export interface TransferResource {
  readonly trackingId: string;
  readonly state: string;
  /** ISO 8601 time at which a poll found this state. */
  readonly since: string;
  readonly firstSeenAt: string;
  readonly isListed: boolean;
}

export interface PollFacts {
  readonly outcome: 'unchanged' | 'changed' | 'baseline' | 'superseded' | 'failed';
  readonly transfers: number;
  readonly changed: number;
  readonly published: number;
  readonly problem?: { readonly cause: string; readonly message: string };
}

/** Verification of a mailbox, and the methods available to it. */
export interface VerificationResource {
  readonly isVerified: boolean;
  readonly methods: readonly VerificationMethod[];
  readonly method?: VerificationMethod;
  readonly validUntil?: string;
}

export interface NewVerification {
  readonly mailbox: string;
  readonly method: VerificationMethod;
  readonly validUntil?: string;
}

export interface EndpointResource {
  readonly name: string;
  readonly status: EndpointStatus;
  readonly createdAt: string;
  /** Address without parts that may be tokens. */
  readonly url: string;
  readonly types: readonly string[];
  readonly mailboxes?: readonly string[];
  readonly directions?: readonly string[];
  readonly format: string;
  readonly headerNames: readonly string[];
  /** Milliseconds before each retry. */
  readonly retryDelays: readonly number[];
  readonly maxInFlight: number;
  readonly isDeclared?: boolean;
  readonly health?: { readonly failingSince: string; readonly cause: string };
  /** Failed attempts since the last success. */
  readonly failures?: { readonly count: number; readonly since: string };
  /** Undefined while it is closed. */
  readonly circuitBreaker?: { readonly state: 'open' | 'half-open'; readonly openUntil: string };
  readonly disabledBecause?: string;
  readonly publicKey?: string;
}

/** An endpoint with its secret, which the API shows only once. */
export interface EndpointWithSecret {
  readonly endpoint: EndpointResource;
  readonly secret?: string;
  readonly publicKey?: string;
}

export interface EventResource {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface AttemptResource {
  readonly attempt: number;
  readonly startedAt: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly outcome: string;
  readonly cause?: string;
  /** Failure of a request without an answer; `code` is the system's. */
  readonly failure?: PostFailure;
  readonly code?: string;
  readonly status?: number;
  /** Beginning of the answer's body. */
  readonly response?: string;
}

export interface DeliveryResource {
  readonly event: string;
  readonly endpoint: string;
  readonly status: DeliveryStatus;
  readonly attempt: number;
  readonly nextAttemptAt?: string;
  readonly reason?: string;
  readonly eventAt: string;
  /** Type of the event. */
  readonly type?: string;
  readonly attempts?: readonly AttemptResource[];
}

export interface EventWithDeliveries extends EventResource {
  readonly deliveries: readonly DeliveryResource[];
  readonly hasMoreDeliveries?: boolean;
}

/** A count; `more` when counting stopped early. */
export interface Counted {
  readonly count: number;
  readonly more?: boolean;
}

/** The notifier's tables, queues and topics; `problem` is the reason why one does not answer. */
export interface ServicesResource {
  readonly tables: readonly { readonly name: string; readonly problem?: string }[];
  readonly queues: readonly {
    readonly name: string;
    readonly waiting: number;
    readonly underWay: number;
    readonly problem?: string;
  }[];
  readonly topics: readonly {
    readonly name: string;
    readonly subscriptions: number;
    readonly unconfirmed: number;
    readonly problem?: string;
  }[];
}

export interface StatusResource {
  readonly version: string;
  /** Origin of the Cryptshare Server. */
  readonly server: string;
  readonly watches: { readonly all: number; readonly failing: number; readonly disabled: number };
  readonly endpoints: Readonly<Record<EndpointStatus | 'failing', number>>;
  readonly deliveries: {
    readonly waiting: Counted;
    readonly held: Counted;
    /** Milliseconds for which the oldest due delivery has been due. */
    readonly oldestOverdueMs: number;
  };
}

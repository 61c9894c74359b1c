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

/** What keeps a watch from being polled well, as the operator API tells it. */
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
  /** Milliseconds between two polls, if not as for all. */
  readonly every?: number;
  /** The same while it has not changed for an hour. */
  readonly quietEvery?: number;
  readonly health?: WatchHealth;
  readonly verification?: { readonly method: VerificationMethod; readonly validUntil?: string };
  /** ISO 8601 time of the first complete listing. */
  readonly baselineAt?: string;
  /** Transfers of the first complete listing, and how many of them are stored. */
  readonly baselineProgress?: { readonly stored: number; readonly transfers: number };
  /** Transfers in the snapshot. */
  readonly count?: number;
}

/** What came of adding many watches, in their order. */
export interface BatchOfWatches {
  /** One that is not added was there already. */
  readonly items: readonly { readonly mailbox: string; readonly direction: Direction; readonly isAdded: boolean }[];
}

/** A transfer as the notifier knows it. */
export interface TransferResource {
  readonly trackingId: string;
  readonly state: string;
  /** ISO 8601 time at which it was found in that state. */
  readonly since: string;
  readonly firstSeenAt: string;
  /** The server lists it still. */
  readonly isListed: boolean;
}

/** What a poll did. */
export interface PollFacts {
  readonly outcome: 'unchanged' | 'changed' | 'baseline' | 'superseded' | 'failed';
  readonly transfers: number;
  readonly changed: number;
  readonly published: number;
  readonly problem?: { readonly cause: string; readonly message: string };
}

/** What is known of a mailbox's verification, and how it can be verified. */
export interface VerificationResource {
  readonly isVerified: boolean;
  readonly methods: readonly VerificationMethod[];
  readonly method?: VerificationMethod;
  readonly validUntil?: string;
}

/** A mailbox that has just been verified. */
export interface NewVerification {
  readonly mailbox: string;
  readonly method: VerificationMethod;
  readonly validUntil?: string;
}

export interface EndpointResource {
  readonly name: string;
  readonly status: EndpointStatus;
  readonly createdAt: string;
  /** Without what may be a token. */
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
  /** Attempts that have failed since the last one that succeeded. */
  readonly failures?: { readonly count: number; readonly since: string };
  /** Missing while it is closed. */
  readonly circuitBreaker?: { readonly state: 'open' | 'half-open'; readonly openUntil: string };
  readonly disabledBecause?: string;
  readonly publicKey?: string;
}

/** An endpoint with what is shown this once. */
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

/** One request that was made for a delivery. */
export interface AttemptResource {
  readonly attempt: number;
  readonly startedAt: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly outcome: string;
  readonly cause?: string;
  /** What went wrong on the way, where nothing was answered, with the system's code for it. */
  readonly failure?: PostFailure;
  readonly code?: string;
  /** HTTP status that was answered. */
  readonly status?: number;
  /** The beginning of what was answered. */
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
  /** Of the event. */
  readonly type?: string;
  readonly attempts?: readonly AttemptResource[];
}

/** An event with what became of it. */
export interface EventWithDeliveries extends EventResource {
  readonly deliveries: readonly DeliveryResource[];
  /** These are not all of them. */
  readonly hasMoreDeliveries?: boolean;
}

/** A number that was counted only so far. */
export interface Counted {
  readonly count: number;
  readonly more?: boolean;
}

/** What the notifier's tables, queues and topics say; `problem` is why one does not answer. */
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

/** How everything is doing. */
export interface StatusResource {
  readonly version: string;
  /** Origin of the Cryptshare Server. */
  readonly server: string;
  readonly watches: { readonly all: number; readonly failing: number; readonly disabled: number };
  readonly endpoints: Readonly<Record<EndpointStatus | 'failing', number>>;
  readonly deliveries: {
    readonly waiting: Counted;
    readonly held: Counted;
    /** Milliseconds for which the one that has been due for longest has been due. */
    readonly oldestOverdueMs: number;
  };
}

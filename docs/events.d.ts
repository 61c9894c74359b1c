// Events of Transfer Notifier. Copy this file into your project: it needs no other.
// Later versions may add types and fields: ignore those that you do not know.

/** Every event; `type` tells which it is. */
export type NotifierEvent =
  | TransferProcessing
  | TransferActive
  | TransferFailed
  | TransferDeletedByExpiration
  | TransferDeletedByRevocation
  | TransferDeletedByAdmin
  | TransferDeletedBySecurity
  | TransferDownloaded
  | TransferDownloadedByAll
  | TransferOverdue
  | TransferProblem
  | TransferProblemResolved
  | TransferUnlisted
  | TransferListedAgain
  | TransferStateChanged
  | WatchFailing
  | WatchRecovered
  | WatchManyFailing
  | WatchManyRecovered
  | WatchVerificationExpiring
  | EndpointFailing
  | EndpointDisabled
  | EndpointRecovered
  | NotifierTest;

export interface TransferProcessing {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.processing';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'PROCESSING';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string | null;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferActive {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.active';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'ACTIVE';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string | null;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferFailed {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.failed';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'FAILED';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string | null;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferDeletedByExpiration {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.deleted_by_expiration';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'DELETED_BY_EXPIRATION';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string | null;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferDeletedByRevocation {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.deleted_by_revocation';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'DELETED_BY_REVOCATION';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string | null;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferDeletedByAdmin {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.deleted_by_admin';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'DELETED_BY_ADMIN';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string | null;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferDeletedBySecurity {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.deleted_by_security';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'DELETED_BY_SECURITY';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string | null;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferDownloaded {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.downloaded';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'ACTIVE';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: 'ACTIVE';
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
    /** number of the recipient within this transfer and watch, from 1; it stays the same */
    recipient: number;
    /** how many recipients the transfer has; 1 in a received watch, which sees itself alone */
    recipients: number;
    /** how many of them have downloaded or viewed something */
    downloadedBy: number;
    /** downloaded, or viewed for a look at the content in the browser */
    method: 'downloaded' | 'viewed';
    /** when, by the server's clock, cut to the minute; missing if the server gives no usable time */
    downloadedAt?: string;
  };
}

export interface TransferDownloadedByAll {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.downloaded_by_all';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'ACTIVE';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: 'ACTIVE';
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
    /** how many recipients the transfer has; 1 in a received watch, which sees itself alone */
    recipients: number;
    /** how many of them have downloaded or viewed something */
    downloadedBy: number;
  };
}

export interface TransferOverdue {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.overdue';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'ACTIVE';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: 'ACTIVE';
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
    /** when the transfer ends */
    expiresAt: string;
    /** how many recipients the transfer has; 1 in a received watch, which sees itself alone */
    recipients: number;
    /** how many of them have downloaded or viewed something */
    downloadedBy: number;
  };
}

export interface TransferProblem {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.problem';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'ACTIVE';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: 'ACTIVE';
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
    /** all present problems */
    problems: (
      | 'recipient_not_notified'
      | 'sender_not_notified'
      | 'files_removed'
      | 'message_not_created'
      | 'other')[];
  };
}

export interface TransferProblemResolved {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.problem_resolved';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: 'ACTIVE';
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: 'ACTIVE';
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferUnlisted {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.unlisted';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: string;
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferListedAgain {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.listed_again';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: string;
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface TransferStateChanged {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'transfer.state_changed';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the server's name for the transfer: 1 to 200 printable ASCII characters; do not interpret them */
    trackingId: string;
    mailbox: string;
    direction: 'sent' | 'received';
    /** the current state; in transfer.unlisted and transfer.listed_again the last announced state */
    state: string;
    /** the last known state, spelt like state; null when the notifier sees the transfer for the first time */
    previousState: string | null;
    /** counts the events of this transfer, of all types: starts at 1 and has no gap */
    sequence: number;
  };
}

export interface WatchFailing {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'watch.failing';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    mailbox: string;
    direction: 'sent' | 'received';
    /** the kind of problem in one word, see the schema */
    cause:
      | 'token_invalid'
      | 'client_id_rejected'
      | 'not_licensed'
      | 'forbidden'
      | 'version_unsupported'
      | 'major_version_gone'
      | 'not_verified'
      | 'verification_ended'
      | 'verification_refused'
      | 'code_rejected'
      | 'endpoint_missing'
      | 'throttled'
      | 'server_fault'
      | 'request_rejected'
      | 'redirected'
      | 'malformed_answer'
      | 'answer_too_large'
      | 'listing_too_large'
      | 'timeout'
      | 'out_of_time'
      | 'certificate_untrusted'
      | 'unreachable'
      | 'proxy_failed'
      | 'malformed_rows'
      | 'absences_held'
      | 'server_changed'
      | 'aws_error';
    message: string;
    failingSince: string;
  };
}

export interface WatchRecovered {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'watch.recovered';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    mailbox: string;
    direction: 'sent' | 'received';
    /** the kind of problem in one word, see the schema */
    cause:
      | 'token_invalid'
      | 'client_id_rejected'
      | 'not_licensed'
      | 'forbidden'
      | 'version_unsupported'
      | 'major_version_gone'
      | 'not_verified'
      | 'verification_ended'
      | 'verification_refused'
      | 'code_rejected'
      | 'endpoint_missing'
      | 'throttled'
      | 'server_fault'
      | 'request_rejected'
      | 'redirected'
      | 'malformed_answer'
      | 'answer_too_large'
      | 'listing_too_large'
      | 'timeout'
      | 'out_of_time'
      | 'certificate_untrusted'
      | 'unreachable'
      | 'proxy_failed'
      | 'malformed_rows'
      | 'absences_held'
      | 'server_changed'
      | 'aws_error';
    message: string;
    failingSince: string;
  };
}

export interface WatchManyFailing {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'watch.many_failing';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the kind of problem in one word, see the schema */
    cause:
      | 'token_invalid'
      | 'client_id_rejected'
      | 'not_licensed'
      | 'forbidden'
      | 'version_unsupported'
      | 'major_version_gone'
      | 'not_verified'
      | 'verification_ended'
      | 'verification_refused'
      | 'code_rejected'
      | 'endpoint_missing'
      | 'throttled'
      | 'server_fault'
      | 'request_rejected'
      | 'redirected'
      | 'malformed_answer'
      | 'answer_too_large'
      | 'listing_too_large'
      | 'timeout'
      | 'out_of_time'
      | 'certificate_untrusted'
      | 'unreachable'
      | 'proxy_failed'
      | 'malformed_rows'
      | 'absences_held'
      | 'server_changed'
      | 'aws_error';
    message: string;
    /** number of watches that fail for this cause */
    watches: number;
    /** number of their mailboxes; a mailbox may be watched in both directions */
    mailboxes: number;
    /** the first three of these mailboxes in alphabetical order */
    examples: string[];
    failingSince: string;
  };
}

export interface WatchManyRecovered {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'watch.many_recovered';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    /** the kind of problem in one word, see the schema */
    cause:
      | 'token_invalid'
      | 'client_id_rejected'
      | 'not_licensed'
      | 'forbidden'
      | 'version_unsupported'
      | 'major_version_gone'
      | 'not_verified'
      | 'verification_ended'
      | 'verification_refused'
      | 'code_rejected'
      | 'endpoint_missing'
      | 'throttled'
      | 'server_fault'
      | 'request_rejected'
      | 'redirected'
      | 'malformed_answer'
      | 'answer_too_large'
      | 'listing_too_large'
      | 'timeout'
      | 'out_of_time'
      | 'certificate_untrusted'
      | 'unreachable'
      | 'proxy_failed'
      | 'malformed_rows'
      | 'absences_held'
      | 'server_changed'
      | 'aws_error';
    message: string;
    /** number of watches that fail for this cause */
    watches: number;
    /** number of their mailboxes; a mailbox may be watched in both directions */
    mailboxes: number;
    /** the first three of these mailboxes in alphabetical order */
    examples: string[];
    failingSince: string;
  };
}

export interface WatchVerificationExpiring {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'watch.verification_expiring';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    mailbox: string;
    direction: 'sent' | 'received';
    message: string;
    validUntil: string;
  };
}

export interface EndpointFailing {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'endpoint.failing';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    endpoint: string;
    /** the kind of problem in one word, see the schema */
    cause:
      | 'http_error'
      | 'timeout'
      | 'unreachable'
      | 'proxy_failed'
      | 'untrusted_certificate'
      | 'forbidden_target'
      | 'throttled'
      | 'gone'
      | 'channel_gone'
      | 'mail_login_refused'
      | 'mail_refused';
    message: string;
    failingSince: string;
    /** only in the second endpoint.failing: when the notifier disables the endpoint unless an attempt succeeds */
    disableAt?: string;
  };
}

export interface EndpointDisabled {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'endpoint.disabled';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    endpoint: string;
    /** the kind of problem in one word, see the schema */
    cause:
      | 'http_error'
      | 'timeout'
      | 'unreachable'
      | 'proxy_failed'
      | 'untrusted_certificate'
      | 'forbidden_target'
      | 'throttled'
      | 'gone'
      | 'channel_gone'
      | 'mail_login_refused'
      | 'mail_refused';
    message: string;
    failingSince: string;
  };
}

export interface EndpointRecovered {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'endpoint.recovered';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    endpoint: string;
    /** the kind of problem in one word, see the schema */
    cause:
      | 'http_error'
      | 'timeout'
      | 'unreachable'
      | 'proxy_failed'
      | 'untrusted_certificate'
      | 'forbidden_target'
      | 'throttled'
      | 'gone'
      | 'channel_gone'
      | 'mail_login_refused'
      | 'mail_refused';
    message: string;
    failingSince: string;
  };
}

export interface NotifierTest {
  /** evt_ and 25 lower-case letters and digits, derived from the fact that the event reports */
  id: string;
  type: 'notifier.test';
  /** when the notifier noticed the change; the server made it earlier and does not say when */
  timestamp: string;
  data: {
    endpoint: string;
    message: string;
  };
}

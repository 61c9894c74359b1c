/** Retrieval of a file. Two may be equal, as the REST API 1.8 document gives them no id. */
export interface Download {
  /** Number of the file, from 1. */
  readonly file: number;
  /** Milliseconds since 1970; null for an entry without a date. */
  readonly at: number | null;
  /** `DOWNLOADED` or `VIEWED` by the REST API 1.8 document, but any text is possible. */
  readonly method: string;
}

export const recipientKinds = ['to', 'cc', 'bcc'] as const;

export type RecipientKind = (typeof recipientKinds)[number];

export interface Recipient {
  /** Recipient's own transfer id, ten letters and digits. */
  id: string;
  mail: string;
  readonly kind: RecipientKind;
  readonly downloads: Download[];
  notificationFailed: boolean;
}

/** Problems of a transfer, besides those of its recipients. */
export interface TransferProblems {
  readonly senderNotNotified: boolean;
  readonly messageNotCreated: boolean;
  /** Numbers of files, from 1. */
  readonly removedFiles: readonly number[];
  /** Texts of further warnings; the REST API shows them as `true`, or by a switch as they are. */
  readonly warnings: readonly string[];
}

export const noProblems: TransferProblems = {
  senderNotNotified: false,
  messageNotCreated: false,
  removedFiles: [],
  warnings: [],
};

/** Transfer in the server's log. Change it only through the {@link TransferStore}; otherwise listings go stale. */
export interface Transfer {
  readonly trackingId: string;
  /** Serial number on this server, in the order of entry. */
  readonly number: number;
  /** Milliseconds since 1970, by the server's clock. */
  readonly sentAt: number;
  /** Number of its files. */
  readonly files: number;
  recipients: readonly Recipient[];
  /** Recipients that the server shows no more, and that may return. */
  vanished: readonly Recipient[];
  sender: string;
  /** Usually a state of the page on transfer polling, in upper case, but any text is possible. */
  state: string;
  /** Milliseconds since 1970; null for a transfer without an end. */
  expiresAt: number | null;
  problems: TransferProblems;
  /** True once removed from the log: gone from listings, and unknown to the Transfer Status endpoint. */
  purged: boolean;
}

/** One retrieval of a transfer's file. Two of them may be equal: the REST API 1.8 document gives them no id. */
export interface Download {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly method: 'DOWNLOADED' | 'VIEWED';
}

/** Somebody to whom a transfer was sent. */
export interface Recipient {
  /** The recipient's own transfer id, ten letters and digits. */
  id: string;
  mail: string;
  readonly kind: 'to' | 'cc' | 'bcc';
  readonly downloads: Download[];
}

/** A transfer in the server's log. Change it through the {@link TransferStore} only, or listings will not show it. */
export interface Transfer {
  readonly trackingId: string;
  /** Counts the transfers of this server, in the order in which they were entered. */
  readonly number: number;
  /** Milliseconds since 1970, by the server's clock. */
  readonly sentAt: number;
  readonly recipients: readonly Recipient[];
  sender: string;
  /** Usually one that the page on transfer polling lists, in upper case, but any text is possible. */
  state: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
  /** Whether it was removed from the log: gone from listings, and unknown to the Transfer Status endpoint. */
  purged: boolean;
}

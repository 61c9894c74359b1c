/** Retrieval of a file. Two may be equal, as the REST API 1.8 document gives them no id. Instants are in epoch ms. */
export interface Download {
  readonly at: number;
  readonly method: 'DOWNLOADED' | 'VIEWED';
}

export interface Recipient {
  /** Recipient's own transfer id, ten letters and digits. */
  id: string;
  mail: string;
  readonly kind: 'to' | 'cc' | 'bcc';
  readonly downloads: Download[];
}

/** Transfer in the server's log. Change it only through the {@link TransferStore}; otherwise listings go stale. */
export interface Transfer {
  readonly trackingId: string;
  /** Serial number on this server, in the order of entry. */
  readonly number: number;
  /** Milliseconds since 1970, by the server's clock. */
  readonly sentAt: number;
  readonly recipients: readonly Recipient[];
  sender: string;
  /** Usually a state of the page on transfer polling, in upper case, but any text is possible. */
  state: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
  /** True once removed from the log: gone from listings, and unknown to the Transfer Status endpoint. */
  purged: boolean;
}

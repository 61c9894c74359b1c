export interface Recipient {
  /** Recipient's own transfer id, ten letters and digits. */
  readonly id: string;
  readonly mail: string;
  readonly kind: 'to' | 'cc' | 'bcc';
}

/** Transfer in the server's log. Change it only through the {@link TransferStore}; otherwise listings go stale. */
export interface Transfer {
  readonly trackingId: string;
  /** Serial number on this server, in the order of entry. */
  readonly number: number;
  /** Milliseconds since 1970, by the server's clock. */
  readonly sentAt: number;
  readonly recipients: readonly Recipient[];
  readonly sender: string;
  /** Usually a state of the page on transfer polling, in upper case, but any text is possible. */
  state: string;
  /** True once removed from the log: gone from listings, and unknown to the Transfer Status endpoint. */
  purged: boolean;
}

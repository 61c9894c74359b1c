import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { ServerClock } from './clock.ts';
import { type PageQuery, TransferLog } from './log.ts';
import type { SeededRandom } from './random.ts';
import type { Switches } from './switches.ts';
import type { Recipient, Transfer } from './transfer.ts';

export interface Addressees {
  readonly sender: string;
  readonly to: readonly string[];
  readonly cc?: readonly string[] | undefined;
  readonly bcc?: readonly string[] | undefined;
}

/** Thrown for a tracking id that no transfer of this server ever had. */
export class UnknownTransferError extends Error {
  override readonly name = 'UnknownTransferError';

  constructor(trackingId: string) {
    super(`No such transfer: ${trackingId}`);
  }
}

/** Thrown for a new state of a failed or deleted transfer while the switch `finalStatesChange` is off. */
export class FinalStateError extends Error {
  override readonly name = 'FinalStateError';

  constructor({ trackingId, state }: Transfer) {
    super(`${trackingId} is ${state} for good; the switch finalStatesChange allows it to change`);
  }
}

export interface TransferStoreParts {
  readonly clock: ServerClock;
  readonly random: SeededRandom;
  readonly switches: Readonly<Switches>;
  readonly onSent: (sender: string) => void;
}

const minuteMs = 60_000;

/** Transfer log of the simulated server, with everything that can happen to a transfer. */
export class TransferStore {
  private readonly parts: TransferStoreParts;
  private readonly byTrackingId = new Map<string, Transfer>();
  private readonly logs = new Map<string, TransferLog>();
  private recipientCount = 0;

  constructor(parts: TransferStoreParts) {
    this.parts = parts;
  }

  /** Sends a transfer: it is `PROCESSING` until {@link setState}. */
  create(addressees: Addressees): Readonly<Transfer> {
    const transfer = this.make(addressees, this.parts.clock.now(), 'PROCESSING');
    for (const log of this.logsOf(transfer)) log.add([transfer]);
    this.parts.onSent(transfer.sender);
    return transfer;
  }

  /** Fills the log with `count` transfers, sent one a minute until a minute ago. */
  seed({ count, state, ...addressees }: Addressees & { count: number; state: string }): readonly Readonly<Transfer>[] {
    const now = this.parts.clock.now();
    const transfers = Array.from({ length: count }, (_, index) =>
      this.make(addressees, now - (count - index) * minuteMs, state),
    );
    if (transfers[0]) for (const log of this.logsOf(transfers[0])) log.add(transfers);
    return transfers;
  }

  find(trackingId: string): Readonly<Transfer> | undefined {
    const transfer = this.byTrackingId.get(trackingId);
    return transfer?.purged ? undefined : transfer;
  }

  page(watch: Watch, query: PageQuery): readonly Readonly<Transfer>[] {
    return this.logs.get(watchKey(watch))?.page(query) ?? [];
  }

  /**
   * Gives a transfer any state, documented or not.
   * @throws FinalStateError, UnknownTransferError
   */
  setState(trackingId: string, state: string): void {
    const transfer = this.get(trackingId);
    const isFinal = transfer.state === 'FAILED' || transfer.state.startsWith('DELETED_BY_');
    if (isFinal && !this.parts.switches.finalStatesChange) throw new FinalStateError(transfer);
    transfer.state = state;
    this.changed(transfer);
  }

  /**
   * Removes a transfer from the log, as the server's automated deletion of log entries does.
   * @throws UnknownTransferError
   */
  purge(trackingId: string): void {
    this.setPurged(this.get(trackingId), true);
  }

  /** @throws UnknownTransferError */
  restore(trackingId: string): void {
    this.setPurged(this.get(trackingId), false);
  }

  private make(addressees: Addressees, sentAt: number, state: string): Transfer {
    const recipients: Recipient[] = [];
    for (const kind of ['to', 'cc', 'bcc'] as const) {
      for (const mail of addressees[kind] ?? []) {
        recipients.push({ id: this.nextRecipientId(), mail, kind });
      }
    }
    const transfer: Transfer = {
      trackingId: `${this.parts.clock.stamp(sentAt)}-${this.parts.random.alphanumerics(8)}`,
      number: this.byTrackingId.size + 1,
      sentAt,
      recipients,
      sender: addressees.sender,
      state,
      purged: false,
    };
    this.byTrackingId.set(transfer.trackingId, transfer);
    return transfer;
  }

  private nextRecipientId(): string {
    this.recipientCount += 1;
    return `R${String(this.recipientCount).padStart(9, '0')}`;
  }

  private get(trackingId: string): Transfer {
    const transfer = this.byTrackingId.get(trackingId);
    if (!transfer) throw new UnknownTransferError(trackingId);
    return transfer;
  }

  private setPurged(transfer: Transfer, purged: boolean): void {
    transfer.purged = purged;
    this.changed(transfer);
  }

  private changed(transfer: Transfer): void {
    for (const log of this.logsOf(transfer)) log.changed();
  }

  private logsOf({ sender, recipients }: Transfer): readonly TransferLog[] {
    const received = new Set(recipients.map(({ mail }) => mail));
    return [
      this.logOf({ mailbox: sender, direction: 'sent' }),
      ...[...received].map((mailbox) => this.logOf({ mailbox, direction: 'received' })),
    ];
  }

  private logOf(watch: Watch): TransferLog {
    const key = watchKey(watch);
    let log = this.logs.get(key);
    if (!log) {
      log = new TransferLog(this.parts.switches);
      this.logs.set(key, log);
    }
    return log;
  }
}

import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { remember } from '#infra/bounded/remember.ts';
import type { SharedParts } from './clock.ts';
import { type PageQuery, TransferLog } from './log.ts';
import { type RecipientChange, recipientsAfter } from './recipient-changes.ts';
import { dayMs } from './switches.ts';
import { noProblems, type Recipient, recipientKinds, type Transfer, type TransferProblems } from './transfer.ts';

interface NewTransfer {
  readonly sender: string;
  readonly to: readonly string[];
  readonly cc?: readonly string[] | undefined;
  readonly bcc?: readonly string[] | undefined;
  /** Number of files. @default 1 */
  readonly files?: number | undefined;
}

/** Retrieval of a file by a recipient. */
interface DownloadOptions {
  /** Number of the file, from 1. @default 1 */
  readonly file?: number | undefined;
  /** `DOWNLOADED`, `VIEWED` or any other text. @default 'DOWNLOADED' */
  readonly method?: string | undefined;
  /** `null` for an entry without a date. @default the server's time */
  readonly at?: Date | null | undefined;
  /** Number of equal entries. @default 1 */
  readonly times?: number | undefined;
}

/** All problems of a transfer; what is left out is no problem. */
type Problems = Partial<TransferProblems> & {
  /** Addresses of recipients. */
  readonly recipientsNotNotified?: readonly string[] | undefined;
};

/** Thrown for a transfer that cannot change; `statusCode` is that of the control interface. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  readonly statusCode: 404 | 409;

  constructor(statusCode: 404 | 409, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

interface TransferStoreParts extends SharedParts {
  readonly onSent: (sender: string) => void;
}

/** Purged transfers that can be restored, the latest: a life of transfers may go on for ever. */
export const mostPurged = 10_000;

const retention = 30 * dayMs;
const minuteMs = 60_000;

/** Transfer log of the simulated server, with everything that can happen to a transfer. */
export class TransferStore {
  private readonly parts: TransferStoreParts;
  private readonly byTrackingId = new Map<string, Transfer>();
  private readonly logs = new Map<string, TransferLog>();
  private readonly purged = new Map<string, Transfer>();
  private transferCount = 0;
  private recipientCount = 0;
  private deletedUsers = 0;
  private lastCleanUp = '';

  constructor(parts: TransferStoreParts) {
    this.parts = parts;
  }

  /** Sends a transfer: it is `PROCESSING` until {@link setState}, and expires after 30 days. */
  create(wanted: NewTransfer): Readonly<Transfer> {
    const transfer = this.make(wanted, this.parts.clock.now(), 'PROCESSING');
    for (const log of this.logsOf(transfer)) log.add([transfer]);
    this.parts.onSent(transfer.sender);
    return transfer;
  }

  /** Fills the log with `count` transfers, sent one a minute until a minute ago. */
  seed({ count, state, ...wanted }: NewTransfer & { count: number; state: string }): readonly Readonly<Transfer>[] {
    const now = this.parts.clock.now();
    const transfers = Array.from({ length: count }, (_, index) =>
      this.make(wanted, now - (count - index) * minuteMs, state),
    );
    if (transfers[0]) for (const log of this.logsOf(transfers[0])) log.add(transfers);
    return transfers;
  }

  find(trackingId: string): Readonly<Transfer> | undefined {
    this.cleanUpOncePerDay();
    const transfer = this.byTrackingId.get(trackingId);
    return transfer?.purged ? undefined : transfer;
  }

  /** All transfers that are in the log or can be restored, the newest first; `from` counts from 0. */
  newest(from: number, count: number): readonly Readonly<Transfer>[] {
    return [...this.byTrackingId.values()].reverse().slice(from, from + count);
  }

  /** Finds a transfer, purged or not. */
  any(trackingId: string): Readonly<Transfer> | undefined {
    return this.byTrackingId.get(trackingId);
  }

  page(watch: Watch, query: PageQuery): readonly Readonly<Transfer>[] {
    this.cleanUpOncePerDay();
    return this.logs.get(watchKey(watch))?.page(query) ?? [];
  }

  /**
   * Gives a transfer any state, documented or not.
   * @throws TransferError 404, and 409 for a final state while the switch `finalStatesChange` is off
   */
  setState(trackingId: string, state: string): void {
    const transfer = this.get(trackingId);
    const isFinal = transfer.state === 'FAILED' || transfer.state.startsWith('DELETED_BY_');
    if (isFinal && !this.parts.switches.finalStatesChange) {
      const message = `${trackingId} is ${transfer.state} for good; the switch finalStatesChange allows it to change`;
      throw new TransferError(409, message);
    }
    this.change(transfer, { state });
  }

  /**
   * Gives a transfer another end, or none.
   * @throws TransferError 404
   */
  moveExpiry(trackingId: string, to: Date | null): void {
    this.get(trackingId).expiresAt = to?.getTime() ?? null;
  }

  /**
   * Records a download, or equal ones, by every recipient with this address.
   * @throws TransferError 404 for an unknown transfer, recipient or file
   */
  download(trackingId: string, mail: string, options: DownloadOptions = {}): void {
    const { file = 1, method = 'DOWNLOADED', at, times = 1 } = options;
    const transfer = this.get(trackingId);
    if (file > transfer.files) throw new TransferError(404, `${trackingId} has no file ${file}`);
    const download = { file, method, at: at === null ? null : (at?.getTime() ?? this.parts.clock.now()) };
    for (const { downloads } of this.recipientsWith(transfer, mail)) {
      for (let count = 0; count < times; count += 1) downloads.push(download);
    }
  }

  /**
   * Gives a transfer these problems, and no others.
   * @throws TransferError 404 for an unknown transfer or recipient
   */
  setProblems(trackingId: string, { recipientsNotNotified = [], ...problems }: Problems): void {
    const transfer = this.get(trackingId);
    const failed = new Set(recipientsNotNotified.flatMap((mail) => this.recipientsWith(transfer, mail)));
    for (const recipient of transfer.recipients) recipient.notificationFailed = failed.has(recipient);
    transfer.problems = { ...noProblems, ...problems };
  }

  /**
   * Changes the recipients that the server shows. A mailbox keeps its listing of the transfer, as a recipient or not.
   * @throws TransferError 404 for an unknown transfer or recipient
   */
  changeRecipients(trackingId: string, ...changes: readonly RecipientChange[]): void {
    const transfer = this.get(trackingId);
    for (const change of changes) {
      const before = new Set(this.logsOf(transfer));
      const after = recipientsAfter(transfer, change, () => this.nextRecipientId());
      if (!after) throw new TransferError(404, `${trackingId} has no such recipient: ${change.mail}`);
      Object.assign(transfer, after);
      for (const log of this.logsOf(transfer)) if (!before.has(log)) log.add([transfer]);
    }
  }

  /**
   * Removes a transfer from the log, as the server's automated deletion of log entries does. Once 10,000 others were
   * removed after it, it is forgotten.
   * @throws TransferError 404
   */
  purge(trackingId: string): void {
    this.takeOut(this.get(trackingId));
  }

  /** @throws TransferError 404 */
  restore(trackingId: string): void {
    this.change(this.get(trackingId), { purged: false });
    this.purged.delete(trackingId);
  }

  /**
   * Deletes a person's user data: a proxy address replaces theirs in transfers, and as the owner of the log.
   * @returns proxy address; its format is not documented
   */
  deleteUserData(mailbox: string): string {
    this.deletedUsers += 1;
    const proxy = `deleted-user-${this.deletedUsers}@proxy.invalid`;
    for (const direction of ['sent', 'received'] as const) {
      const log = this.logs.get(watchKey({ mailbox, direction }));
      if (!log) continue;
      this.logs.delete(watchKey({ mailbox, direction }));
      this.logs.set(watchKey({ mailbox: proxy, direction }), log);
      for (const transfer of log.transfers) this.replaceAddress(transfer, mailbox, proxy);
    }
    return proxy;
  }

  private replaceAddress(transfer: Transfer, mail: string, proxy: string): void {
    if (transfer.sender === mail) transfer.sender = proxy;
    for (const recipient of [...transfer.recipients, ...transfer.vanished]) {
      if (recipient.mail !== mail) continue;
      recipient.mail = proxy;
      if (!this.parts.switches.deletedUserKeepsRecipientId) recipient.id = this.nextRecipientId();
    }
  }

  private make({ sender, files = 1, ...mails }: NewTransfer, sentAt: number, state: string): Transfer {
    const recipients = recipientKinds.flatMap((kind) => (mails[kind] ?? []).map((mail) => this.recipient(kind, mail)));
    this.transferCount += 1;
    const transfer: Transfer = {
      trackingId: `${this.parts.clock.stamp(sentAt)}-${this.parts.random.alphanumerics(8)}`,
      number: this.transferCount,
      sentAt,
      files,
      recipients,
      vanished: [],
      sender,
      state,
      expiresAt: sentAt + retention,
      problems: noProblems,
      purged: false,
    };
    this.byTrackingId.set(transfer.trackingId, transfer);
    return transfer;
  }

  private recipient(kind: Recipient['kind'], mail: string): Recipient {
    return { id: this.nextRecipientId(), mail, kind, downloads: [], notificationFailed: false };
  }

  private nextRecipientId(): string {
    this.recipientCount += 1;
    return `R${String(this.recipientCount).padStart(9, '0')}`;
  }

  private get(trackingId: string): Transfer {
    const transfer = this.byTrackingId.get(trackingId);
    if (!transfer) throw new TransferError(404, `No such transfer: ${trackingId}`);
    return transfer;
  }

  private recipientsWith(transfer: Transfer, mail: string): readonly Recipient[] {
    const found = transfer.recipients.filter((recipient) => recipient.mail === mail);
    if (found.length === 0) throw new TransferError(404, `${transfer.trackingId} has no such recipient: ${mail}`);
    return found;
  }

  private takeOut(transfer: Transfer): void {
    this.change(transfer, { purged: true });
    const forgotten = remember(this.purged, transfer.trackingId, transfer, mostPurged);
    const oldest = forgotten && this.byTrackingId.get(forgotten);
    if (!oldest) return;
    this.byTrackingId.delete(oldest.trackingId);
    for (const log of this.logsOf(oldest)) log.forget(oldest);
  }

  private change(transfer: Transfer, changes: Partial<Transfer>): void {
    Object.assign(transfer, changes);
    for (const log of this.logsOf(transfer)) log.changed();
  }

  private logsOf({ sender, recipients, vanished }: Transfer): readonly TransferLog[] {
    const received = new Set([...recipients, ...vanished].map(({ mail }) => mail));
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

  private cleanUpOncePerDay(): void {
    const { clock, switches } = this.parts;
    if (switches.purgeAfterDays === null) return;
    const today = clock.stamp(clock.now()).slice(0, 8);
    if (today === this.lastCleanUp) return;
    this.lastCleanUp = today;
    const oldest = clock.now() - switches.purgeAfterDays * dayMs;
    for (const transfer of this.byTrackingId.values()) {
      if (!transfer.purged && (transfer.expiresAt ?? oldest) < oldest) this.takeOut(transfer);
    }
  }
}

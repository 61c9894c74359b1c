import type { Switches } from './switches.ts';
import type { Transfer } from './transfer.ts';

/** Which part of a mailbox to answer; pages count from 1. Without `active`, active and inactive transfers. */
export interface PageQuery {
  readonly page: number;
  readonly pageSize: number;
  readonly active?: boolean;
}

type LogSwitches = Pick<Switches, 'order' | 'activeIncludesProcessing'>;

/**
 * The transfers of one mailbox in one direction. A filtered and ordered view of them is made once after a change, so
 * that a page costs its own length, however large the mailbox is.
 */
export class TransferLog {
  /** All of them, purged or not, in the order in which they were entered. */
  readonly transfers: Transfer[] = [];
  private readonly switches: LogSwitches;
  private readonly views = new Map<string, readonly Transfer[]>();

  constructor(switches: LogSwitches) {
    this.switches = switches;
  }

  /** Enters transfers, which may be older than those already there. */
  add(transfers: readonly Transfer[]): void {
    for (const transfer of transfers) this.transfers.push(transfer);
    this.changed();
  }

  /** To be called after a transfer was purged, restored or changed its state. */
  changed(): void {
    this.views.clear();
  }

  /** The transfers on one page, none if it lies beyond the last one. */
  page({ page, pageSize, active }: PageQuery): readonly Transfer[] {
    return this.view(active).slice((page - 1) * pageSize, page * pageSize);
  }

  private view(active: boolean | undefined): readonly Transfer[] {
    const { order, activeIncludesProcessing } = this.switches;
    const key = JSON.stringify([active, order, activeIncludesProcessing]);
    const isActive = ({ state }: Transfer) =>
      state === 'ACTIVE' || (activeIncludesProcessing && state === 'PROCESSING');
    let view = this.views.get(key);
    if (!view) {
      view = this.transfers
        .filter((transfer) => !transfer.purged && (active === undefined || isActive(transfer) === active))
        .sort(order === 'shuffled' ? byRandomPart : newestFirst);
      this.views.set(key, view);
    }
    return view;
  }
}

const newestFirst = (a: Transfer, b: Transfer) => b.sentAt - a.sentAt || b.number - a.number;

/** Shuffled, yet the same from page to page: otherwise no client could ever see every transfer. */
const byRandomPart = (a: Transfer, b: Transfer) => (a.trackingId.slice(-8) < b.trackingId.slice(-8) ? -1 : 1);

import type { Switches } from './switches.ts';
import type { Transfer } from './transfer.ts';

/** Page of a listing, counted from 1; without `active`, it has active and inactive transfers. */
export interface PageQuery {
  readonly page: number;
  readonly pageSize: number;
  readonly active?: boolean;
}

/**
 * Transfers of one mailbox in one direction. It builds each filtered and ordered view once after a change. So the cost
 * of a page does not grow with the mailbox.
 */
export class TransferLog {
  /** All transfers, purged or not, in the order of entry; those forgotten are left out. */
  readonly transfers: Transfer[] = [];
  private readonly switches: Readonly<Switches>;
  private readonly views = new Map<string, readonly Transfer[]>();

  constructor(switches: Readonly<Switches>) {
    this.switches = switches;
  }

  add(transfers: readonly Transfer[]): void {
    for (const transfer of transfers) this.transfers.push(transfer);
    this.changed();
  }

  /** Forgets a transfer that was purged. */
  forget(transfer: Transfer): void {
    const place = this.transfers.indexOf(transfer);
    if (place >= 0) this.transfers.splice(place, 1);
  }

  /** Drops the views; call it after a transfer was purged, restored or changed its state. */
  changed(): void {
    this.views.clear();
  }

  /** Reads one page; beyond the last page it is empty. */
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

/** Shuffled in one order for all pages; otherwise no client could see every transfer. */
const byRandomPart = (a: Transfer, b: Transfer) => (a.trackingId.slice(-8) < b.trackingId.slice(-8) ? -1 : 1);

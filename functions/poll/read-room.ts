/**
 * Transfers that visits of snapshots may have in memory at the same time, over all polls of a process: some 75 MB of the poll
 * function's 256. A mailbox that has more is visited by itself.
 */
const usualRoom = 50_000;

/** The most transfers of a plan that needs no room: all of those under way at the same time are not worth counting. */
const smallVisit = 1000;

/** Lets visits of snapshots begin when there is room for them, one after the other. */
export class ReadRoom {
  private readonly size: number;
  private taken = 0;
  private readonly waiting: { readonly transfers: number; readonly begin: () => void }[] = [];

  constructor(size = usualRoom) {
    this.size = size;
  }

  /**
   * Runs a plan of some transfers as soon as there is room for them, a small one at once. Of the others none overtakes
   * another, so that a large one has its turn, too.
   */
  async run<T>(transfers: number, plan: () => Promise<T>): Promise<T> {
    if (transfers <= smallVisit) return plan();
    const share = Math.min(transfers, this.size);
    await new Promise<void>((begin) => {
      this.waiting.push({ transfers: share, begin });
      this.beginNext();
    });
    try {
      return await plan();
    } finally {
      this.taken -= share;
      this.beginNext();
    }
  }

  private beginNext(): void {
    for (let next = this.waiting[0]; next && this.taken + next.transfers <= this.size; next = this.waiting[0]) {
      this.waiting.shift();
      this.taken += next.transfers;
      next.begin();
    }
  }
}

/** Transfers in memory for the read plans of a process: some 75 MB of the function's 256. A larger plan runs alone. */
const usualRoom = 50_000;

/** Largest plan, in transfers, that runs at once: all of these together take too little memory to count. */
const smallPlan = 1000;

/** Queue of read plans that start in order, as memory becomes free. */
export class ReadRoom {
  private readonly size: number;
  private taken = 0;
  private readonly waiting: { readonly transfers: number; readonly begin: () => void }[] = [];

  constructor(size = usualRoom) {
    this.size = size;
  }

  /** Runs a small plan at once, others when there is room. They keep their order, so that a large one gets its turn. */
  async run<T>(transfers: number, plan: () => Promise<T>): Promise<T> {
    if (transfers <= smallPlan) return plan();
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

import { Cancellation } from '#functions/http/cancellation.ts';

interface Run {
  readonly mailbox: string;
  readonly cut: Cancellation;
  /** By `performance.now()`. */
  readonly beganAt: number;
  timer?: NodeJS.Timeout;
  isOverdue: boolean;
}

/** Milliseconds before which no request is overdue, and after which every request is. */
export const overdueMs = { shortest: 3000, longest: 15_000 } as const;

/**
 * In between, a request is overdue after this many times the median of the latest answers. It is not overdue before
 * this many times the longest of the very last. These show a server that has just become slow for all.
 */
const slowness = 10;
const remembered = 15;
const margin = 2;
const veryLast = 4;

const noMailbox = '';

/**
 * Queue of requests to one server, with a limit on those in flight. Hanging requests do not block others. A mailbox
 * whose request is overdue is *held up* until an answer comes in the usual time. Its requests never take the last slot.
 * An overdue request is cut off when another mailbox waits and no slot is free.
 *
 * While the server is slow for all, no request is overdue, because the usual time follows from the latest answers.
 * Without an answer since a request began, the server may be slow or the mailbox may hang. Then one request at a time
 * counts as overdue, so that another can find out.
 */
export class Slots {
  /** Held-up mailboxes, with the number of their overdue requests in a row. */
  private readonly heldUp = new Map<string, number>();
  private readonly running = new Set<Run>();
  private readonly waiting: { readonly mailbox: string; readonly start: (run: Run) => void }[] = [];
  private readonly listeners = new Set<{ readonly mailbox: string; readonly tell: () => void }>();
  private readonly shares = new Map<string, number>();
  /** Milliseconds that the latest answers to listings took. */
  private latest: number[] = [];
  /** Times by `performance.now()`: when the last of these came, and when a request last became overdue. */
  private answeredAt = Number.NEGATIVE_INFINITY;
  private overdueAt = Number.NEGATIVE_INFINITY;
  private readonly all: number;
  private readonly shortestMs: number;
  private readonly most: () => number;

  /**
   * @param all requests in flight while no share is set
   * @param shortest milliseconds before which no request is overdue
   * @param most upper limit on requests in flight, whatever the shares; a higher one counts as soon as a request ends
   */
  constructor(all: number, shortest: number = overdueMs.shortest, most = () => all) {
    this.all = all;
    this.shortestMs = shortest;
    this.most = most;
  }

  /** Sets a share of the slots; while there are shares, their sum limits the requests in flight. */
  share(name: string, slots: number): void {
    this.shares.set(name, slots);
    this.next();
  }

  endShare(name: string): void {
    this.shares.delete(name);
    this.next();
  }

  /** True when the last request for a mailbox was overdue. */
  isHeldUp(mailbox = noMailbox): boolean {
    return this.heldUp.has(mailbox);
  }

  /** Resolves when a mailbox is held up (at once if it already is), or when `work` for it is over. */
  async untilHeldUp(mailbox: string, work: Promise<unknown>): Promise<void> {
    if (this.heldUp.has(mailbox)) return;
    const { promise, resolve: tell } = Promise.withResolvers<void>();
    const listener = { mailbox, tell };
    this.listeners.add(listener);
    work.finally(tell).catch(() => undefined);
    await promise;
    this.listeners.delete(listener);
  }

  /** Sends a request in its turn, and cancels `cut` to cut it off. Listings define the usual time. */
  async run<T>(mailbox = noMailbox, send: (cut: Cancellation) => Promise<T>, isListing = true): Promise<T> {
    const { promise: turn, resolve: start } = Promise.withResolvers<Run>();
    this.waiting.push({ mailbox, start });
    this.next();
    this.cutOffOverdue();
    const run = await turn;
    this.judge(run);
    try {
      const answer = await send(run.cut);
      if (isListing) this.answered(performance.now() - run.beganAt);
      if (!run.isOverdue) this.heldUp.delete(mailbox);
      return answer;
    } finally {
      clearTimeout(run.timer);
      this.running.delete(run);
      this.next();
    }
  }

  private get overdueAfterMs(): number {
    const usual = this.latest.toSorted((a, b) => a - b)[Math.floor(this.latest.length / 2)] ?? 0;
    const slowestRecentMs = Math.max(0, ...this.latest.slice(-veryLast));
    return Math.min(overdueMs.longest, Math.max(this.shortestMs, slowness * usual, margin * slowestRecentMs));
  }

  private answered(took: number): void {
    this.latest = [...this.latest, took].slice(-remembered);
    this.answeredAt = performance.now();
    for (const run of this.running) this.judge(run);
  }

  /** Marks a request as overdue, or sets a timer to look again. */
  private judge(run: Run): void {
    clearTimeout(run.timer);
    if (run.isOverdue) return;
    const hasNoAnswerSince = this.answeredAt < run.beganAt;
    const due = Math.max(run.beganAt + this.overdueAfterMs, hasNoAnswerSince ? this.overdueAt + this.shortestMs : 0);
    const left = Math.min(due, run.beganAt + overdueMs.longest) - performance.now();
    if (left > 0) run.timer = setTimeout(() => this.judge(run), Math.ceil(left));
    else this.overdue(run);
  }

  private get limit(): number {
    const slots = this.shares.size === 0 ? this.all : [...this.shares.values()].reduce((sum, share) => sum + share, 0);
    return Math.min(slots, this.most());
  }

  private overdue(run: Run): void {
    run.isOverdue = true;
    this.overdueAt = performance.now();
    this.heldUp.set(run.mailbox, (this.heldUp.get(run.mailbox) ?? 0) + 1);
    for (const { mailbox, tell } of this.listeners) if (mailbox === run.mailbox) tell();
    this.cutOffOverdue();
  }

  /** Starts waiting requests: mailboxes with the fewest overdue requests first, then in order of arrival. */
  private next(): void {
    const overdueInRow = (mailbox: string) => this.heldUp.get(mailbox) ?? 0;
    for (;;) {
      const ready = this.waiting.filter(({ mailbox }) => this.mayBegin(mailbox));
      const [waiter] = ready.sort((a, b) => overdueInRow(a.mailbox) - overdueInRow(b.mailbox));
      if (!waiter) return;
      this.waiting.splice(this.waiting.indexOf(waiter), 1);
      const { mailbox } = waiter;
      const run = { mailbox, cut: new Cancellation(), beganAt: performance.now(), isOverdue: false };
      this.running.add(run);
      waiter.start(run);
    }
  }

  private mayBegin(mailbox: string): boolean {
    const { limit, running } = this;
    if (running.size >= limit) return false;
    if (!this.heldUp.has(mailbox)) return true;
    const hanging = [...running].filter((run) => this.heldUp.has(run.mailbox));
    return hanging.length < Math.max(1, limit - 1);
  }

  /** Cuts off an overdue request for each waiting request of a mailbox that is not held up. */
  private cutOffOverdue(): void {
    if (this.running.size < this.limit) return;
    const wanted = this.waiting.filter(({ mailbox }) => !this.heldUp.has(mailbox)).length;
    const overdue = [...this.running].filter(({ isOverdue }) => isOverdue);
    for (const { cut } of overdue.slice(0, wanted)) cut.cancel();
  }
}

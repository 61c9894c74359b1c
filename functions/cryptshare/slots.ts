import { Cancellation } from '#functions/http/cancellation.ts';

interface Run {
  readonly mailbox: string;
  readonly cut: Cancellation;
  /** By `performance.now()`. */
  readonly began: number;
  timer: NodeJS.Timeout | undefined;
  isOverdue: boolean;
}

/** Milliseconds before which no request is overdue, and after which each is. */
export const patience = { shortest: 3000, longest: 15_000 } as const;

/**
 * In between, a request is overdue after this many times the time that half of the latest answers took, and not before
 * this many times the longest of the very last ones: a server that has just become slow for all shows in these.
 */
const slowness = 10;
const remembered = 15;
const margin = 2;
const veryLast = 4;

const noMailbox = '';

/**
 * The turns of requests to one server. No more are under way than may be, and those that hang do not keep others from
 * their turn: a mailbox whose request is overdue is *held up* until one is answered in the usual time. Its requests never
 * take the last slot, and one that is overdue is cut off when another mailbox waits and no slot is free. While the server
 * is slow for all, none is overdue, for what is usual follows from the latest answers. Where none has come since a request
 * began, the server may have become slow or the mailbox may hang: then one request at a time is taken for overdue, to let
 * another find out.
 */
export class Slots {
  /** Mailboxes that are held up, with the number of their overdue requests in a row. */
  private readonly heldUp = new Map<string, number>();
  private readonly running = new Set<Run>();
  private readonly waiting: { readonly mailbox: string; readonly start: (run: Run) => void }[] = [];
  private readonly listeners = new Set<{ readonly mailbox: string; readonly tell: () => void }>();
  private readonly shares = new Map<string, number>();
  /** Milliseconds that the latest answers to listings took. */
  private latest: number[] = [];
  /** When the last of them came, and when a request was last taken for overdue, by `performance.now()`. */
  private answeredAt = Number.NEGATIVE_INFINITY;
  private overdueAt = Number.NEGATIVE_INFINITY;
  private isCareful = false;
  private mostAtOnce = Number.POSITIVE_INFINITY;
  private readonly all: number;
  private readonly shortest: number;

  /**
   * @param all requests under way at the same time while nothing has a share of its own
   * @param shortest milliseconds before which no request is overdue
   */
  constructor(all: number, shortest: number = patience.shortest) {
    this.all = all;
    this.shortest = shortest;
  }

  /** Has requests sent one at a time: one finds out as well as many whether the server answers again. */
  set careful(isCareful: boolean) {
    this.isCareful = isCareful;
    this.next();
  }

  /** The most requests under way at the same time, whatever shares there are. */
  set most(requests: number) {
    this.mostAtOnce = requests;
    this.next();
  }

  /** Sets a share of the slots: while there are shares, as many requests are under way as all of them together allow. */
  share(name: string, slots: number): void {
    this.shares.set(name, slots);
    this.next();
  }

  endShare(name: string): void {
    this.shares.delete(name);
    this.next();
  }

  /** Whether the last request for a mailbox was overdue. */
  isHeldUp(mailbox: string = noMailbox): boolean {
    return this.heldUp.has(mailbox);
  }

  /** Resolves once a mailbox is held up, at once if it is, or `work` for it is over. */
  async untilHeldUp(mailbox: string, work: Promise<unknown>): Promise<void> {
    if (this.heldUp.has(mailbox)) return;
    const { promise, resolve: tell } = Promise.withResolvers<void>();
    const listener = { mailbox, tell };
    this.listeners.add(listener);
    work.finally(tell).catch(() => undefined);
    await promise;
    this.listeners.delete(listener);
  }

  /**
   * Has a request sent when it is its turn; `cut` is cancelled when it is cut off. The answer to a listing shows how
   * long they take.
   */
  async run<T>(
    mailbox: string = noMailbox,
    send: (cut: Cancellation) => Promise<T>,
    isListing: boolean = true,
  ): Promise<T> {
    const { promise: turn, resolve: start } = Promise.withResolvers<Run>();
    this.waiting.push({ mailbox, start });
    this.next();
    this.makeRoom();
    const run = await turn;
    this.judge(run);
    try {
      const answer = await send(run.cut);
      if (isListing) this.answered(performance.now() - run.began);
      if (!run.isOverdue) this.heldUp.delete(mailbox);
      return answer;
    } finally {
      clearTimeout(run.timer);
      this.running.delete(run);
      this.next();
    }
  }

  private get patience(): number {
    const usual = this.latest.toSorted((a, b) => a - b)[Math.floor(this.latest.length / 2)] ?? 0;
    const now = Math.max(0, ...this.latest.slice(-veryLast));
    return Math.min(patience.longest, Math.max(this.shortest, slowness * usual, margin * now));
  }

  private answered(took: number): void {
    this.latest = [...this.latest, took].slice(-remembered);
    this.answeredAt = performance.now();
    for (const run of this.running) this.judge(run);
  }

  /** Takes a request for overdue once it is, and looks again then until it is. */
  private judge(run: Run): void {
    clearTimeout(run.timer);
    if (run.isOverdue) return;
    const now = performance.now();
    const isAlone = this.answeredAt < run.began;
    const due = Math.max(run.began + this.patience, isAlone ? this.overdueAt + this.shortest : 0);
    const left = Math.min(due, run.began + patience.longest) - now;
    if (left > 0) run.timer = setTimeout(() => this.judge(run), Math.ceil(left));
    else this.overdue(run);
  }

  private get limit(): number {
    if (this.isCareful) return 1;
    const slots = this.shares.size === 0 ? this.all : [...this.shares.values()].reduce((sum, share) => sum + share, 0);
    return Math.min(slots, this.mostAtOnce);
  }

  private overdue(run: Run): void {
    run.isOverdue = true;
    this.overdueAt = performance.now();
    this.heldUp.set(run.mailbox, this.overdueInRow(run.mailbox) + 1);
    for (const { mailbox, tell } of this.listeners) if (mailbox === run.mailbox) tell();
    this.makeRoom();
  }

  private overdueInRow(mailbox: string): number {
    return this.heldUp.get(mailbox) ?? 0;
  }

  /** Begins what may begin: what hung least often first, otherwise in the order in which it has come. */
  private next(): void {
    for (;;) {
      const ready = this.waiting.filter(({ mailbox }) => this.mayBegin(mailbox));
      const least = Math.min(...ready.map(({ mailbox }) => this.overdueInRow(mailbox)));
      const waiter = ready.find(({ mailbox }) => this.overdueInRow(mailbox) === least);
      if (!waiter) return;
      this.waiting.splice(this.waiting.indexOf(waiter), 1);
      const { mailbox } = waiter;
      const run = { mailbox, cut: new Cancellation(), began: performance.now(), timer: undefined, isOverdue: false };
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

  /** Cuts off as many overdue requests as others wait for a slot. */
  private makeRoom(): void {
    if (this.running.size < this.limit) return;
    let wanted = this.waiting.filter(({ mailbox }) => !this.heldUp.has(mailbox)).length;
    for (const { cut, isOverdue } of this.running) {
      if (wanted === 0) return;
      if (!isOverdue) continue;
      cut.cancel();
      wanted -= 1;
    }
  }
}

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

export type Slots = ReturnType<typeof slotsFor>;

/**
 * Queue of requests to one server, with a limit on those in flight. Hanging requests do not block others. A mailbox
 * whose request is overdue is *held up* until an answer comes in the usual time. Its requests never take the last slot.
 * An overdue request is cut off when another mailbox waits and no slot is free.
 *
 * While the server is slow for all, no request is overdue, because the usual time follows from the latest answers.
 * Without an answer since a request began, the server may be slow or the mailbox may hang. Then one request at a time
 * counts as overdue, so that another can find out.
 *
 * @param all requests in flight while no share is set
 * @param shortestMs milliseconds before which no request is overdue
 * @param most upper limit on requests in flight, whatever the shares; a higher one counts as soon as a request ends
 */
export function slotsFor(all: number, shortestMs: number = overdueMs.shortest, most = () => all) {
  /** Held-up mailboxes, with the number of their overdue requests in a row. */
  const heldUp = new Map<string, number>();
  const running = new Set<Run>();
  const waiting: { readonly mailbox: string; readonly start: (run: Run) => void }[] = [];
  const listeners = new Set<{ readonly mailbox: string; readonly tell: () => void }>();
  const shares = new Map<string, number>();
  /** Milliseconds that the latest answers to listings took. */
  let latest: number[] = [];
  /** Times by `performance.now()`: when the last of these came, and when a request last became overdue. */
  let answeredAt = Number.NEGATIVE_INFINITY;
  let overdueAt = Number.NEGATIVE_INFINITY;

  /** Sets a share of the slots; while there are shares, their sum limits the requests in flight. */
  function share(name: string, slots: number): void {
    shares.set(name, slots);
    next();
  }

  function endShare(name: string): void {
    shares.delete(name);
    next();
  }

  /** True when the last request for a mailbox was overdue. */
  function isHeldUp(mailbox = noMailbox): boolean {
    return heldUp.has(mailbox);
  }

  /** Resolves when a mailbox is held up (at once if it already is), or when `work` for it is over. */
  async function untilHeldUp(mailbox: string, work: Promise<unknown>): Promise<void> {
    if (heldUp.has(mailbox)) return;
    const { promise, resolve: tell } = Promise.withResolvers<void>();
    const listener = { mailbox, tell };
    listeners.add(listener);
    work.finally(tell).catch(() => undefined);
    await promise;
    listeners.delete(listener);
  }

  /** Sends a request in its turn, and cancels `cut` to cut it off. Listings define the usual time. */
  async function run<T>(mailbox = noMailbox, send: (cut: Cancellation) => Promise<T>, isListing = true): Promise<T> {
    const { promise: turn, resolve: start } = Promise.withResolvers<Run>();
    waiting.push({ mailbox, start });
    next();
    cutOffOverdue();
    const run = await turn;
    judge(run);
    try {
      const answer = await send(run.cut);
      if (isListing) answered(performance.now() - run.beganAt);
      if (!run.isOverdue) heldUp.delete(mailbox);
      return answer;
    } finally {
      clearTimeout(run.timer);
      running.delete(run);
      next();
    }
  }

  function overdueAfterMs(): number {
    const usual = latest.toSorted((a, b) => a - b)[Math.floor(latest.length / 2)] ?? 0;
    const slowestRecentMs = Math.max(0, ...latest.slice(-veryLast));
    return Math.min(overdueMs.longest, Math.max(shortestMs, slowness * usual, margin * slowestRecentMs));
  }

  function answered(took: number): void {
    latest = [...latest, took].slice(-remembered);
    answeredAt = performance.now();
    for (const run of running) judge(run);
  }

  /** Marks a request as overdue, or sets a timer to look again. */
  function judge(run: Run): void {
    clearTimeout(run.timer);
    if (run.isOverdue) return;
    const hasNoAnswerSince = answeredAt < run.beganAt;
    const due = Math.max(run.beganAt + overdueAfterMs(), hasNoAnswerSince ? overdueAt + shortestMs : 0);
    const left = Math.min(due, run.beganAt + overdueMs.longest) - performance.now();
    if (left > 0) run.timer = setTimeout(() => judge(run), Math.ceil(left));
    else overdue(run);
  }

  function limit(): number {
    const slots = shares.size === 0 ? all : [...shares.values()].reduce((sum, share) => sum + share, 0);
    return Math.min(slots, most());
  }

  function overdue(run: Run): void {
    run.isOverdue = true;
    overdueAt = performance.now();
    heldUp.set(run.mailbox, (heldUp.get(run.mailbox) ?? 0) + 1);
    for (const { mailbox, tell } of listeners) if (mailbox === run.mailbox) tell();
    cutOffOverdue();
  }

  /** Starts waiting requests: mailboxes with the fewest overdue requests first, then in order of arrival. */
  function next(): void {
    const overdueInRow = (mailbox: string) => heldUp.get(mailbox) ?? 0;
    for (;;) {
      const ready = waiting.filter(({ mailbox }) => mayBegin(mailbox));
      const [waiter] = ready.sort((a, b) => overdueInRow(a.mailbox) - overdueInRow(b.mailbox));
      if (!waiter) return;
      waiting.splice(waiting.indexOf(waiter), 1);
      const { mailbox } = waiter;
      const run = { mailbox, cut: new Cancellation(), beganAt: performance.now(), isOverdue: false };
      running.add(run);
      waiter.start(run);
    }
  }

  function mayBegin(mailbox: string): boolean {
    if (running.size >= limit()) return false;
    if (!heldUp.has(mailbox)) return true;
    const hanging = [...running].filter((run) => heldUp.has(run.mailbox));
    return hanging.length < Math.max(1, limit() - 1);
  }

  /** Cuts off an overdue request for each waiting request of a mailbox that is not held up. */
  function cutOffOverdue(): void {
    if (running.size < limit()) return;
    const wanted = waiting.filter(({ mailbox }) => !heldUp.has(mailbox)).length;
    const overdue = [...running].filter(({ isOverdue }) => isOverdue);
    for (const { cut } of overdue.slice(0, wanted)) cut.cancel();
  }

  return { share, endShare, isHeldUp, untilHeldUp, run };
}

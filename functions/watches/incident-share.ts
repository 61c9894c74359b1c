import * as r from '#functions/dynamodb/row-reader.ts';
import type { Size } from '#functions/events/transfer-event.ts';
import type { RegisteredWatch } from './polled-watches.ts';
import { type Health, problemFields } from './watch-health.ts';

export type FailingWatch = RegisteredWatch & { readonly health: Health };

export const sizeFields = { watches: r.number, mailboxes: r.number, examples: r.list(r.text) };

const untold = r.object({
  ...sizeFields,
  /** Times at which the first and the last of them began to fail. */
  failingSince: r.text,
  latestSince: r.text,
  /** Problem of most of them. */
  problem: r.object(problemFields),
  /** Times at which the first and last became due, and the first one's own interval. Undefined while none is due. */
  due: r.optional(r.object({ from: r.text, until: r.text, pollIntervalMs: r.optional(r.number) })),
});

export type Untold = r.ReadBy<typeof untold>;

/** Summary of one shard's watches that fail for one cause, for all shards to read. Times are ISO 8601. */
export const failingShare = r.object({
  all: r.object(sizeFields),
  /** Watches that an open incident has told. */
  told: r.number,
  /** The others; undefined when there are none. */
  untold: r.optional(untold),
});

export type FailingShare = r.ReadBy<typeof failingShare>;

/** Span of an open incident: it has told the watches that became due within. */
type Told = { readonly from: string; readonly until: string } | undefined;

/** Most examples of an incident, as the event's schema has them: a mail names three in one line. */
const mostExamples = 3;

const isShared = ({ health }: FailingWatch): boolean => health.sharedAt !== undefined;

const isToldBy = (open: Told, { health: { sharedAt = '' } }: FailingWatch): boolean =>
  open !== undefined && sharedAt >= open.from && sharedAt <= open.until;

/** True when operators must be told of a watch, together with others if there are any. */
export const isDue = (open: Told, watch: FailingWatch): boolean => isShared(watch) && !isToldBy(open, watch);

/**
 * Sums up watches that fail for one cause; `open` is its incident, unless that is over.
 *
 * @example a watch that begins to fail gives `{ all: { watches: 1, … }, told: 0, untold: { watches: 1, … } }`
 */
export function shareOf(open: Told, watches: readonly FailingWatch[]): FailingShare {
  const untold = watches.filter((watch) => !watch.health.isAnnounced || isDue(open, watch));
  const told = watches.filter((watch) => isToldBy(open, watch)).length;
  if (untold.length === 0) return { all: sizeOf(watches), told };
  const alike = [...Map.groupBy(untold, ({ health }) => health.problem.message).values()];
  const since = untold.map(({ health }) => health.failingSince).toSorted();
  const due = untold.filter(isShared).toSorted((a, b) => (a.health.sharedAt! < b.health.sharedAt! ? -1 : 1));
  const [first, last] = [due[0], due.at(-1)];
  return {
    all: sizeOf(watches),
    told,
    untold: {
      ...sizeOf(untold),
      failingSince: since[0]!,
      latestSince: since.at(-1)!,
      problem: alike.toSorted((a, b) => b.length - a.length)[0]![0]!.health.problem,
      ...(first && { due: { from: first.health.sharedAt!, until: last!.health.sharedAt!, ...intervalOf(first) } }),
    },
  };
}

const intervalOf = ({ pollIntervalMs }: RegisteredWatch) => (pollIntervalMs === undefined ? {} : { pollIntervalMs });

/** Corrects a share that its shard wrote before an incident told of these watches: they count as told. */
export function sinceTold(open: Told, share: FailingShare): FailingShare {
  const { all, told, untold } = share;
  const isTold = untold?.due && open && untold.due.from >= open.from && untold.due.until <= open.until;
  return isTold ? { all, told: told + 1 } : share;
}

/**
 * Adds up sizes. Both directions of a mailbox are in the same shard, so no mailbox counts twice.
 *
 * @example sumOf([one, other]) // { watches: 3, mailboxes: 2, examples: ['alice@example.com', 'bob@example.com'] }
 */
export const sumOf = (sizes: readonly Size[]): Size => ({
  watches: sizes.reduce((sum, { watches }) => sum + watches, 0),
  mailboxes: sizes.reduce((sum, { mailboxes }) => sum + mailboxes, 0),
  examples: sizes
    .flatMap(({ examples }) => examples)
    .toSorted()
    .slice(0, mostExamples),
});

function sizeOf(watches: readonly RegisteredWatch[]): Size {
  const mailboxes = [...new Set(watches.map(({ mailbox }) => mailbox))].toSorted();
  return { watches: watches.length, mailboxes: mailboxes.length, examples: mailboxes.slice(0, mostExamples) };
}

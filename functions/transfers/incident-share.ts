import type { Health } from './health.ts';
import type { Trouble } from './trouble.ts';
import type { RegisteredWatch } from './watches.ts';

/** A watch that fails. */
export type FailingWatch = RegisteredWatch & { readonly health: Health };

/** How many watches there are, of how many mailboxes, and the first of these. */
export interface Size {
  readonly watches: number;
  readonly mailboxes: number;
  readonly examples: readonly string[];
}

/**
 * What the watches of one shard that fail for one cause amount to: all that other shards have to know of them. Times are
 * ISO 8601.
 */
export interface FailingShare {
  readonly all: Size;
  /** Those that an open incident has told. */
  readonly told: number;
  /** The others; undefined when there are none. */
  readonly untold?: Untold;
}

/** Watches that operators have not been told about. */
export interface Untold extends Size {
  /** When the first and the last of them began to fail. */
  readonly failingSince: string;
  readonly latestSince: string;
  /** What most of them fail for, and how many these are. */
  readonly trouble: Trouble;
  readonly alike: number;
  /** Of those that operators are to be told about; undefined when there are none. */
  readonly due?: Due;
}

/** When the first and the last watch became due to be told, and the interval of the first, if it has one of its own. */
export interface Due {
  readonly from: string;
  readonly until: string;
  readonly every?: number;
}

/** The times between which watches became due that an open incident has told. */
export interface Told {
  readonly from: string;
  readonly until: string;
}

/** Examples that operators get. */
const mostExamples = 3;

const isShared = ({ health }: FailingWatch): boolean => health.sharedAt !== undefined;

/** Whether an incident has told of a watch. */
export const isToldBy = (open: Told | undefined, { health: { sharedAt = '' } }: FailingWatch): boolean =>
  open !== undefined && sharedAt >= open.from && sharedAt <= open.until;

/** Whether operators are to be told of a watch: together with others, if there are any. */
export const isDue = (open: Told | undefined, watch: FailingWatch): boolean =>
  isShared(watch) && !isToldBy(open, watch);

/**
 * What failing watches amount to.
 *
 * @param open the incident that operators know, unless it is over
 * @param watches that fail for its cause, at least one
 */
export function shareOf(open: Told | undefined, watches: readonly FailingWatch[]): FailingShare {
  const untold = watches.filter((watch) => !watch.health.isAnnounced || isDue(open, watch));
  const told = watches.filter((watch) => isToldBy(open, watch)).length;
  if (untold.length === 0) return { all: sizeOf(watches), told };
  const [most] = [...Map.groupBy(untold, ({ health }) => health.trouble.message).values()].toSorted(
    (a, b) => b.length - a.length,
  );
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
      trouble: most![0]!.health.trouble,
      alike: most!.length,
      ...(first && {
        due: {
          from: first.health.sharedAt!,
          until: last!.health.sharedAt!,
          ...(first.every !== undefined && { every: first.every }),
        },
      }),
    },
  };
}

/**
 * What the shares of several shards amount to. A share is as old as the last tick of its shard: what has been told since
 * counts as told.
 *
 * @param open the incident that operators know, unless it is over
 * @param shares at least one
 */
export function joined(open: Told | undefined, shares: readonly FailingShare[]): FailingShare {
  return shares.map((share) => sinceTold(open, share)).reduce(both);
}

function sinceTold(open: Told | undefined, { all, told, untold }: FailingShare): FailingShare {
  const due = untold?.due;
  if (!due || !open || due.from < open.from || due.until > open.until) return { all, told, ...(untold && { untold }) };
  return { all, told: told + 1 };
}

const both = (a: FailingShare, b: FailingShare): FailingShare => ({
  all: sum(a.all, b.all),
  told: a.told + b.told,
  ...((a.untold ?? b.untold) && {
    untold: a.untold && b.untold ? bothUntold(a.untold, b.untold) : (a.untold ?? b.untold!),
  }),
});

function bothUntold(a: Untold, b: Untold): Untold {
  const [most, fewer] = a.alike >= b.alike ? [a, b] : [b, a];
  const isSame = most.trouble.message === fewer.trouble.message;
  const due = a.due && b.due ? bothDue(a.due, b.due) : (a.due ?? b.due);
  return {
    ...sum(a, b),
    failingSince: [a.failingSince, b.failingSince].toSorted()[0]!,
    latestSince: [a.latestSince, b.latestSince].toSorted()[1]!,
    trouble: most.trouble,
    alike: most.alike + (isSame ? fewer.alike : 0),
    ...(due && { due }),
  };
}

const bothDue = (a: Due, b: Due): Due => ({
  ...(a.from <= b.from ? a : b),
  until: [a.until, b.until].toSorted()[1]!,
});

/** Both directions of a mailbox are in the same shard, so none is counted twice. */
const sum = (a: Size, b: Size): Size => ({
  watches: a.watches + b.watches,
  mailboxes: a.mailboxes + b.mailboxes,
  examples: [...a.examples, ...b.examples].toSorted().slice(0, mostExamples),
});

function sizeOf(watches: readonly RegisteredWatch[]): Size {
  const mailboxes = [...new Set(watches.map(({ mailbox }) => mailbox))].toSorted();
  return { watches: watches.length, mailboxes: mailboxes.length, examples: mailboxes.slice(0, mostExamples) };
}

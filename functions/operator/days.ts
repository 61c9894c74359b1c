import { dayParts, type EventKind } from '../webhooks/delivery.ts';
import type { IndexRange } from '../webhooks/index-walk.ts';
import { indexes } from '../webhooks/waiting.ts';

/** From where to where a list of events goes. */
export interface Span {
  /** ISO 8601; from the first on, before the second. */
  readonly from: string;
  readonly until: string;
  /** The first place in the index, unless it is that of `from`. */
  readonly first?: string;
}

/**
 * The days in which events, or notices, are listed, each of them once.
 *
 * @param now Unix time in milliseconds
 */
export function daysOf(
  kind: EventKind,
  { from, until, first = from }: Span,
  now: number,
  isDescending: boolean,
): IndexRange[] {
  const days = dayParts(kind, from, until, now).map(
    (part): IndexRange => ({
      index: indexes.byDay,
      partition: ['day', part],
      sort: ['listedAt', first, until],
      isDescending,
      // What is told of an event twice after a crash stands side by side.
      isOncePerSortKey: true,
    }),
  );
  return isDescending ? days.reverse() : days;
}

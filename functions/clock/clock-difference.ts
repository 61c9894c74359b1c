import type { IncomingHttpHeaders } from 'node:http';

/** Difference in milliseconds at which a clock is called wrong: a smaller one may come of answers that took their time. */
export const wrongClock = 60_000;

/**
 * Milliseconds by which the clock here is ahead of that of the other side; below 0, it is behind. Told by the answer's
 * `Date` (RFC 9110, 6.6.1), to the second; undefined when the answer does not tell, or comes from a cache.
 *
 * @param now Unix time in milliseconds at which the answer came
 */
export function clockDifference({ date, age }: IncomingHttpHeaders, now: number): number | undefined {
  const theirs = date === undefined || age !== undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(theirs) ? undefined : now - theirs;
}

/** How wrong the clock here is by `the server’s`, for example; undefined while it is right, or nothing is known of it. */
export function clockWords(difference: number | undefined, whose: string): string | undefined {
  if (difference === undefined || Math.abs(difference) < wrongClock) return undefined;
  return `the clock here is ${spoken(Math.abs(difference))} ${difference > 0 ? 'ahead of' : 'behind'} ${whose}`;
}

function spoken(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

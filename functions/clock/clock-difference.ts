import type { IncomingHttpHeaders } from 'node:http';

/** Milliseconds from which a clock counts as wrong; slow answers may cause smaller differences. */
export const wrongClockMs = 60_000;

/**
 * Milliseconds by which the clock here is ahead of the other side's. The answer came at `now`, in Unix milliseconds.
 * Its `Date` (RFC 9110, 6.6.1) is exact to a second. Undefined without `Date`, or from a cache.
 */
export function clockDifference({ date, age }: IncomingHttpHeaders, now: number): number | undefined {
  const theirs = date === undefined || age !== undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(theirs) ? undefined : now - theirs;
}

/** Error of the clock here in words, relative to `whose`, such as `the server’s`; undefined while right or unknown. */
export function clockWords(difference: number | undefined, whose: string): string | undefined {
  if (difference === undefined || Math.abs(difference) < wrongClockMs) return undefined;
  return `the clock here is ${spoken(Math.abs(difference))} ${difference > 0 ? 'ahead of' : 'behind'} ${whose}`;
}

function spoken(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

import { httpDateOf } from './http-date.ts';

/** Milliseconds of the longest wish that is told apart: 2^31 s, which RFC 9111 (1.2.2) has stand for all longer ones. */
const longest = 1000 * 2 ** 31;

/**
 * Milliseconds from now that a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110, 10.2.3).
 *
 * @param now tells how far off a date is, where the answer does not say when it was made
 * @param answered the answer's header `Date`: by the same clock as a date in `Retry-After`, whatever that clock shows
 * @returns undefined when there is none that makes sense
 */
export function retryAfterOf(header: string | undefined, now: Date, answered?: string): number | undefined {
  const value = header?.trim() ?? '';
  if (/^\d+$/.test(value)) return Math.min(longest, 1000 * Number(value));
  const until = httpDateOf(value, now);
  if (until === undefined) return undefined;
  const from = (answered === undefined ? undefined : httpDateOf(answered.trim(), now)) ?? now.getTime();
  return Math.min(longest, Math.max(0, until - from));
}

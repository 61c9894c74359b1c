/** Milliseconds of the longest delay that is told apart: 2^31 s, which RFC 9111 (1.2.2) uses for all longer ones. */
const longestMs = 1000 * 2 ** 31;

/**
 * Milliseconds to wait by a `Retry-After` header: seconds or an HTTP date (RFC 9110, 10.2.3). Undefined without a valid
 * one. A date counts from `answered`, the answer's `Date` by the same clock, or else from `now`.
 */
export function retryAfterOf(header: string | undefined, now: Date, answered?: string): number | undefined {
  const value = header?.trim() ?? '';
  if (/^\d+$/.test(value)) return Math.min(longestMs, 1000 * Number(value));
  const until = httpDateOf(value, now);
  if (until === undefined) return undefined;
  const from = (answered === undefined ? undefined : httpDateOf(answered.trim(), now)) ?? now.getTime();
  return Math.min(longestMs, Math.max(0, until - from));
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const numeric = ['day', 'hour', 'minute', 'second', 'year'];
const clock = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})';

/** IMF-fixdate, RFC 850 and asctime: a recipient must read all three; a server may send only the first. */
const forms = [
  `^[a-z]{3}, (?<day>\\d{2}) (?<month>[a-z]{3}) (?<year>\\d{4}) ${clock} GMT$`,
  `^[a-z]{6,9}, (?<day>\\d{2})-(?<month>[a-z]{3})-(?<year>\\d{2}) ${clock} GMT$`,
  `^[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \\d]\\d) ${clock} (?<year>\\d{4})$`,
].map((form) => new RegExp(form, 'i'));

/** Unix ms of an HTTP date (RFC 9110, 5.6.7); undefined for other texts. A two-digit year is at most 50 years ahead. */
function httpDateOf(text: string, now: Date): number | undefined {
  const parts = forms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (!parts) return undefined;
  const [day = 0, hour = 0, minute = 0, second = 0, year = 0] = numeric.map((name) => Number(parts[name]));
  const month = months.indexOf(parts.month!.toLowerCase());
  const at = (fullYear: number) => Date.UTC(fullYear, month, day, hour, minute, second);
  // A leap second counts as the second after it.
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined;
  const farthest = new Date(now).setUTCFullYear(now.getUTCFullYear() + 50);
  const century = now.getUTCFullYear() - (now.getUTCFullYear() % 100);
  const inCentury = [century + 100, century, century - 100].map((start) => start + year);
  const fullYear = parts.year!.length === 4 ? year : inCentury.find((one) => at(one) <= farthest)!;
  const isDay = new Date(Date.UTC(fullYear, month, day)).getUTCDate() === day;
  return isDay ? at(fullYear) : undefined;
}

/**
 * Milliseconds from now that a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110, 10.2.3).
 *
 * @returns undefined when there is none that makes sense
 */
export function retryAfterOf(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const value = header.trim();
  if (/^\d{1,12}$/.test(value)) return 1000 * Number(value);
  // Date.parse alone would make a date of almost anything.
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(value)) return undefined;
  const milliseconds = Date.parse(value) - now.getTime();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

/**
 * Rules for stored instants, which are Unix times in milliseconds. A clock that was ahead, or was set back since,
 * leaves instants that cannot be right. They count as unknown, and no process waits for them.
 */

/** Milliseconds by which two right clocks may differ: far more than NTP leaves. An endpoint's lease allows for it. */
export const clockToleranceMs = 5000;

/** True when a stored instant, the present when it was stored, can be right: it is not in the future. */
export const hasBeen = (at: number, now: number): boolean => at <= now + clockToleranceMs;

/** The end of something; undefined when it lies more than `longest` ms ahead, which its writer cannot have meant. */
export const plausibleUntil = (until: number | undefined, now: number, longest: number): number | undefined =>
  until !== undefined && until <= now + longest + clockToleranceMs ? until : undefined;

/** True when an instant is less than `age` milliseconds old; false for an instant in the future. */
export const isRecent = (at: number, now: number, age: number): boolean => hasBeen(at, now) && now - at < age;

/** Monotonic clock in ms for durations and deadlines within a process. Never store it, though it is near Unix time. */
export const steady = (): number => Math.round(performance.timeOrigin + performance.now());

/** Instant of the {@link steady} clock after which no request is sent and nothing new is started. */
export type Deadline = number;

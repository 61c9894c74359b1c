/**
 * Rules for stored instants. A clock that was ahead, or that was set back since, leaves instants behind that cannot be right;
 * what they say is unknown, and no process waits for them. All instants are Unix times in milliseconds.
 */

/** Milliseconds by which the clocks of two machines may differ while both count as right. */
export const tolerance = 5000;

/** Whether an instant that was the present one when it was stored can be right: it is not still to come. */
export const hasBeen = (at: number, now: number): boolean => at <= now + tolerance;

/** The end of something; undefined when it lies further ahead than the `longest` ms that its writer can have meant. */
export const believable = (until: number | undefined, now: number, longest: number): number | undefined =>
  until !== undefined && until <= now + longest + tolerance ? until : undefined;

/** Whether something that was noted at an instant is less than `age` milliseconds old; never if that instant is to come. */
export const isRecent = (at: number, now: number, age: number): boolean => hasBeen(at, now) && now - at < age;

/**
 * Milliseconds of a clock that is never set, for durations and deadlines within a process; it began at about the Unix time,
 * but must not be stored.
 */
export const steady = (): number => Math.round(performance.timeOrigin + performance.now());

/** Milliseconds of the {@link steady} clock after which no request is sent and nothing new is begun. */
export type Deadline = number;

import { believable, hasBeen } from '../instants.ts';
import { longestRetryAfter } from './backoff.ts';

/**
 * How one endpoint is doing, and who may go to it now. All instants are Unix times in milliseconds.
 *
 * A gate lets only so many attempts in at once, closes for a while when the endpoint fails or asks to slow down (a
 * circuit breaker), then lets a single one in to find out, and gives those it turns away a place in a queue.
 */
export interface Gate {
  /** Counts its changes. */
  readonly rev: number;
  /** When it was last changed. */
  readonly changedAt?: number;
  /** Attempts under way, by the batch that makes them; what died there leaves when its time is over. */
  readonly holds: Readonly<Record<string, Hold>>;
  /** Failed attempts in a row. Those that were under way together count as one. */
  readonly failures: number;
  /** Failed attempts since the last success, each counted. */
  readonly failedAttempts: number;
  /** End of the last failure that counted, the first of those that were under way together. */
  readonly failedAt: number;
  /** Start of the first failed attempt since the last success. */
  readonly failingSince?: number;
  /** Nobody enters before this instant; afterwards one at a time until one of those succeeds. */
  readonly closedUntil?: number;
  /** The first free place in the queue. */
  readonly freeAt: number;
  /** Smoothed duration of an attempt, in milliseconds. */
  readonly pace: number;
}

/** Attempts of one batch. */
export interface Hold {
  readonly count: number;
  readonly since: number;
  readonly until: number;
  /** A failure was counted while they were under way; theirs belong to it. */
  readonly isCounted?: boolean;
}

/** How many may enter. */
export interface GateLimits {
  /** Attempts under way at the same time. */
  readonly maxInFlight: number;
  /** Least milliseconds from one attempt to the next. */
  readonly interval: number;
}

/** How an attempt went, as far as the gate is concerned. */
export interface Passage {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly isSuccess: boolean;
  /** The endpoint asks to slow down. */
  readonly slowDown: boolean;
  /** Milliseconds that it asks to be left alone. */
  readonly retryAfter: number | undefined;
}

/** Failures in a row that close the gate. */
export const failuresToClose = 5;

/** Milliseconds for which the gate closes after so many failures; each further one doubles it. */
const closedFirst = 60_000;
const closedLongest = 3_600_000;

/** The same when the endpoint asks to slow down without saying for how long. */
const slowedFirst = 5000;
const slowedLongest = 300_000;

/** Milliseconds from now to the first place in the queue: SQS knows no shorter delay. */
const soonest = 1000;

/** Milliseconds in the queue while a single attempt finds out whether the endpoint is well again. */
const probeWait = 5000;

/** The gate of an endpoint that nothing is known of. */
export const newGate: Gate = { rev: 0, holds: {}, failures: 0, failedAttempts: 0, failedAt: 0, freeAt: 0, pace: 500 };

/**
 * The gate as far as its instants can be right: what was written by a clock that was ahead is forgotten, so that it is open.
 * It is closed for a day at most.
 */
export function believedGate(gate: Gate, now: number): Gate {
  const { changedAt = 0, closedUntil, ...rest } = gate;
  const isAhead = !hasBeen(changedAt, now);
  const until = isAhead ? undefined : believable(closedUntil, now, longestRetryAfter);
  const isUnderWay = ([, { since, until: end }]: [string, Hold]) => end > now && hasBeen(since, now);
  return {
    ...rest,
    changedAt,
    holds: Object.fromEntries(Object.entries(gate.holds).filter(isUnderWay)),
    failedAt: hasBeen(gate.failedAt, now) ? gate.failedAt : 0,
    freeAt: isAhead ? 0 : gate.freeAt,
    ...(until !== undefined && { closedUntil: until }),
  };
}

/** Who may enter. */
export interface Admission {
  readonly gate: Gate;
  /** In the order of those that asked: they enter, or have a place in the queue at this instant. */
  readonly places: readonly (number | 'enter')[];
}

/**
 * Lets attempts in, or gives them a place in the queue.
 *
 * @param hold name of the batch that the attempts belong to
 * @param asking for each attempt, whether it comes back at a place that it was given
 * @param until when those that enter are taken to be over at the latest
 */
export function admit(
  read: Gate,
  hold: string,
  asking: readonly { readonly hasPlace?: boolean }[],
  { maxInFlight, interval }: GateLimits,
  now: number,
  until: number,
): Admission {
  const gate = believedGate(read, now);
  const holds = { ...gate.holds };
  const inFlight = Object.values(holds).reduce((sum, { count }) => sum + count, 0);
  const { closedUntil } = gate;
  const isClosed = closedUntil !== undefined && closedUntil > now;
  const isProbing = closedUntil !== undefined && !isClosed;
  const room = isClosed ? 0 : Math.max(0, (isProbing ? 1 : maxInFlight) - inFlight);
  // An endpoint that has not answered for long is slower than it was ever seen to be.
  const oldest = Math.min(now, ...Object.values(holds).map(({ since }) => since));
  const step = Math.max(interval, Math.max(gate.pace, now - oldest) / maxInFlight);
  const firstPlace = isClosed ? closedUntil : now + (isProbing ? probeWait : Math.max(soonest, interval));
  let { freeAt } = gate;
  let entered = 0;
  const places = asking.map(({ hasPlace = false }) => {
    if (entered < room && (interval === 0 || hasPlace || freeAt <= now)) {
      entered += 1;
      // Who comes back late is no nearer to the next one for that.
      if (interval > 0) freeAt = Math.max(freeAt, now + interval);
      return 'enter';
    }
    const place = Math.ceil(Math.max(firstPlace, freeAt));
    freeAt = place + step;
    return place;
  });
  if (entered > 0) holds[hold] = { count: entered, since: now, until };
  return { gate: { ...gate, rev: gate.rev + 1, changedAt: now, holds, freeAt }, places };
}

/**
 * The gate after the attempts of a batch. Those that were let in together, or while others were under way, are one
 * observation of the endpoint: their failures count once, however far apart they come.
 */
export function leave(gate: Gate, hold: string, passages: readonly Passage[]): Gate {
  const { [hold]: own, ...others } = gate.holds;
  let isCounted = own?.isCounted ?? false;
  let passed = gate;
  for (const passage of passages.toSorted((a, b) => a.endedAt - b.endedAt)) {
    const isFirst = own ? !isCounted : passage.startedAt >= passed.failedAt && !isCounted;
    const counts = !passage.isSuccess && (passed.failures === 0 || isFirst);
    passed = afterPassage(passed, passage, counts);
    isCounted ||= counts;
  }
  const marked = ([name, other]: [string, Hold]) => [name, { ...other, isCounted: true }] as const;
  const isNews = isCounted && !own?.isCounted;
  const holds = isNews ? Object.fromEntries(Object.entries(others).map(marked)) : others;
  const changedAt = Math.max(gate.changedAt ?? 0, ...passages.map(({ endedAt }) => endedAt));
  return { ...passed, rev: gate.rev + 1, changedAt, holds };
}

function afterPassage(gate: Gate, passage: Passage, counts: boolean): Gate {
  const { startedAt, endedAt } = passage;
  const pace = 0.8 * gate.pace + 0.2 * (endedAt - startedAt);
  if (passage.isSuccess) {
    const { failingSince: _, closedUntil, ...rest } = gate;
    // What was under way before tells nothing against a wish to be left alone.
    const staysClosed = closedUntil !== undefined && startedAt < closedUntil;
    return { ...rest, pace, failures: 0, failedAttempts: 0, ...(staysClosed && { closedUntil }) };
  }
  const failures = gate.failures + (counts ? 1 : 0);
  const closedFor = closing(passage, failures);
  return {
    ...gate,
    pace,
    failures,
    failedAttempts: gate.failedAttempts + 1,
    failedAt: counts ? endedAt : gate.failedAt,
    failingSince: gate.failingSince ?? startedAt,
    ...(closedFor > 0 && { closedUntil: Math.max(gate.closedUntil ?? 0, endedAt + closedFor) }),
  };
}

/** Milliseconds for which the gate closes after a failed attempt. */
function closing({ slowDown, retryAfter = 0 }: Passage, failures: number): number {
  if (slowDown)
    return Math.max(Math.min(retryAfter, longestRetryAfter), doubled(slowedFirst, failures - 1, slowedLongest));
  return failures < failuresToClose ? 0 : doubled(closedFirst, failures - failuresToClose, closedLongest);
}

const doubled = (first: number, times: number, longest: number): number => Math.min(first * 2 ** times, longest);

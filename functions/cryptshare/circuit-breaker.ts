import { hasBeen, plausibleUntil } from '#functions/clock/instants.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import type { FailureCause } from './failure.ts';

/** Failures that overload can explain. */
const heavy = ['throttled', 'server_fault', 'timeout', 'unreachable', 'proxy_failed'] as const;

/** Circuit breaker of a server, as far as requests to it tell. */
export const serverCircuit = r.object({
  /** Requests in a row that the server refused or failed because of its load. */
  faults: r.number,
  /** Unix time in milliseconds before which no request is sent. */
  openUntil: r.number,
  /** Unix time in milliseconds of the request that told this; undefined before the first. */
  toldAt: r.optional(r.number),
  cause: r.oneOf(heavy),
  /** The only mailbox that these faults concern: for others the circuit stays closed. */
  mailbox: r.optional(r.text),
});

export type ServerCircuit = r.ReadBy<typeof serverCircuit>;

interface ServerFault extends Pick<ServerCircuit, 'cause' | 'mailbox'> {
  /** Milliseconds of the server's `Retry-After`. */
  readonly retryAfterMs: number | undefined;
}

export const closedCircuit: ServerCircuit = { faults: 0, openUntil: 0, cause: 'throttled' };

/** Faults in a row that open the circuit, and the longest time for which it opens, in milliseconds. */
const rules = {
  ofThrottling: { threshold: 3, longestOpen: 900_000 },
  // A single listing may fail in all of its attempts for reasons of its own.
  ofFailing: { threshold: 6, longestOpen: 300_000 },
} as const;

/** Milliseconds for which the circuit opens first, doubled for each further fault; the vendor documents no limit. */
const firstOpenMs = 30_000;

/** Longest `Retry-After` that counts, in milliseconds: a mistaken one of days must not stop all polls. */
const longestRetryAfterMs = 3_600_000;

/** The cause, if waiting can help against it. */
export const circuitCauseOf = (kind: FailureCause) => heavy.find((cause) => cause === kind);

/** The circuit, or a closed one if its instants cannot be right. A clock that was ahead must not stop requests. */
export function believedCircuit(circuit: ServerCircuit, now: number): ServerCircuit {
  const until = plausibleUntil(circuit.openUntil, now, longestRetryAfterMs);
  return until !== undefined && hasBeen(circuit.toldAt ?? 0, now) ? circuit : closedCircuit;
}

/**
 * The circuit after a further fault. A `Retry-After` opens it for as long, up to 1 h. Without one, the third throttling
 * or the sixth failure in a row opens it for 30 s. Each further one opens it twice as long, up to 15 min and 5 min. Up to
 * a quarter is added at random, so that clients do not retry in step. Failures of one mailbox alone open it only there.
 *
 * @param now Unix time in milliseconds
 * @param chance in [0, 1)
 * @example a 429 with `Retry-After: 9` gives `{ faults: 1, openUntil: now + 9000, toldAt: now, cause: 'throttled' }`
 */
export function circuitAfterFault(circuit: ServerCircuit, fault: ServerFault, now: number, chance: number) {
  const { cause, retryAfterMs, mailbox } = fault;
  const faults = circuit.faults + 1;
  const mayBeItsOwn = cause !== 'throttled' && retryAfterMs === undefined && now >= openForAllUntil(circuit);
  // After a cooldown for all, attribute a repeated failure to its mailbox again.
  const isFirst = circuit.faults === 0 || (circuit.mailbox === undefined && now >= circuit.openUntil);
  const isSame = isFirst || circuit.mailbox === mailbox;
  const { threshold, longestOpen } = cause === 'throttled' ? rules.ofThrottling : rules.ofFailing;
  const doubled = faults < threshold ? 0 : Math.min(longestOpen, firstOpenMs * 2 ** (faults - threshold));
  const rest = retryAfterMs === undefined ? doubled * (1 + chance / 4) : Math.min(retryAfterMs, longestRetryAfterMs);
  const openUntil = Math.max(circuit.openUntil, now + rest);
  return { faults, openUntil, toldAt: now, cause, ...(mayBeItsOwn && isSame && mailbox !== undefined && { mailbox }) };
}

/** The circuit after another fault of requests in flight together: they count once, their longest wait is for all. */
export function circuitAfterSameFault(circuit: ServerCircuit, { retryAfterMs, mailbox }: ServerFault, now: number) {
  const isItsOwn = retryAfterMs === undefined && circuit.mailbox === mailbox;
  const openUntil = Math.max(circuit.openUntil, now + Math.min(retryAfterMs ?? 0, longestRetryAfterMs));
  return { ...circuit, openUntil, toldAt: now, mailbox: isItsOwn ? mailbox : undefined };
}

/**
 * The circuit after an answer, at `now` (Unix ms): a cooldown for all stays, one for a mailbox ends.
 *
 * @example circuitAfterAnswer(circuit, 5000) // { faults: 0, openUntil: 0, cause: 'timeout', toldAt: 5000 }
 */
export function circuitAfterAnswer({ mailbox, ...circuit }: ServerCircuit, now: number): ServerCircuit {
  return { ...circuit, toldAt: now, faults: 0, openUntil: mailbox === undefined ? circuit.openUntil : 0 };
}

/** Unix time in milliseconds before which no mailbox may send. */
export const openForAllUntil = ({ mailbox, openUntil }: ServerCircuit) => (mailbox === undefined ? openUntil : 0);

/** Unix time in milliseconds before which a mailbox may not send; undefined stands for no mailbox. */
export const openUntilFor = (circuit: ServerCircuit, mailbox: string | undefined): number =>
  circuit.mailbox === mailbox ? circuit.openUntil : openForAllUntil(circuit);

import { believable, hasBeen } from '#functions/clock/instants.ts';
import type { FailureCause } from './failure.ts';

/** What a server answers, or does not, when it has more to do than it can. */
const heavy = ['throttled', 'server_fault', 'timeout', 'unreachable', 'proxy_failed'] as const;

/** Why a server is left alone. */
export type CircuitCause = (typeof heavy)[number];

/** How strained a server is, as far as requests to it tell. */
export interface ServerCircuit {
  /** Requests in a row that it refused or failed because of its load. */
  readonly faults: number;
  /** Unix time in milliseconds before which it is left alone. */
  readonly openUntil: number;
  /** Unix time in milliseconds at which a request told this; undefined while none has. */
  readonly toldAt?: number;
  readonly cause: CircuitCause;
  /** The one mailbox that all of these faults concern: for others the server is not left alone. */
  readonly mailbox?: string | undefined;
}

/** One more request that a server refused or failed. */
interface ServerFault extends Pick<ServerCircuit, 'cause' | 'mailbox'> {
  /** Milliseconds that the server has asked to be left alone for. */
  readonly retryAfterMs: number | undefined;
}

export const closedCircuit: ServerCircuit = { faults: 0, openUntil: 0, cause: 'throttled' };

/** Faults in a row before a server is left alone, and the longest time for which it is, in milliseconds. */
const rules = {
  ofThrottling: { threshold: 3, longestOpen: 900_000 },
  // One listing may fail in all of its attempts for reasons of its own.
  ofFailing: { threshold: 6, longestOpen: 300_000 },
} as const;

/** Milliseconds of the first rest, doubled for each further fault. */
const firstOpen = 30_000;

/** Longest time for which a server is left alone because it asks for it, in milliseconds. */
const longestRetryAfter = 3_600_000;

/** The cause, if it is one that rest can help against. */
export const circuitCauseOf = (kind: FailureCause): CircuitCause | undefined => heavy.find((cause) => cause === kind);

/** The circuit as far as its instants can be right: what a clock that was ahead has written causes no rest. */
export function believedCircuit(circuit: ServerCircuit, now: number): ServerCircuit {
  const isRight =
    hasBeen(circuit.toldAt ?? 0, now) && believable(circuit.openUntil, now, longestRetryAfter) !== undefined;
  return isRight ? circuit : closedCircuit;
}

/**
 * The circuit after one more fault. A server that says how long to wait is left alone for as long, up to an hour; one that
 * does not, for 30 s, doubled from fault to fault up to 15 min when it throttles and 5 min when it fails, and up to a
 * quarter more by chance, so that not all come back at once. Failures that all concern one mailbox may be its own.
 *
 * @param now Unix time in milliseconds
 * @param chance a number from 0 to below 1
 */
export function circuitAfterFault(
  circuit: ServerCircuit,
  { cause, retryAfterMs, mailbox }: ServerFault,
  now: number,
  chance: number,
): ServerCircuit {
  const faults = circuit.faults + 1;
  const mayBeItsOwn = cause !== 'throttled' && retryAfterMs === undefined && now >= openForAllUntil(circuit);
  // Once all have rested, one that goes on failing may be the only one that does.
  const isFirst = circuit.faults === 0 || (circuit.mailbox === undefined && now >= circuit.openUntil);
  const isSame = isFirst || circuit.mailbox === mailbox;
  const { threshold, longestOpen } = cause === 'throttled' ? rules.ofThrottling : rules.ofFailing;
  const doubled = faults < threshold ? 0 : Math.min(longestOpen, firstOpen * 2 ** (faults - threshold));
  const rest = retryAfterMs === undefined ? doubled * (1 + chance / 4) : Math.min(retryAfterMs, longestRetryAfter);
  const openUntil = Math.max(circuit.openUntil, now + rest);
  return { faults, openUntil, toldAt: now, cause, ...(mayBeItsOwn && isSame && mailbox !== undefined && { mailbox }) };
}

/**
 * The circuit after a further fault, at a Unix time in milliseconds, of requests that were under way together: they
 * count once. The longest rest that one of them asks for is kept, by all, and what concerns two mailboxes is no matter
 * of one.
 */
export function circuitAfterSameFault(
  circuit: ServerCircuit,
  { retryAfterMs, mailbox }: ServerFault,
  now: number,
): ServerCircuit {
  const { mailbox: only, ...rest } = circuit;
  const openUntil = Math.max(circuit.openUntil, now + Math.min(retryAfterMs ?? 0, longestRetryAfter));
  return {
    ...rest,
    openUntil,
    toldAt: now,
    ...(retryAfterMs === undefined && only === mailbox && only !== undefined && { mailbox }),
  };
}

/**
 * The circuit after an answer: a rest that all were to keep stays, one for the faults of a single mailbox is over. `now`
 * is a Unix time in milliseconds.
 */
export function circuitAfterAnswer({ mailbox, ...circuit }: ServerCircuit, now: number): ServerCircuit {
  return { ...circuit, toldAt: now, faults: 0, openUntil: mailbox === undefined ? circuit.openUntil : 0 };
}

/** Unix time in milliseconds before which the server is left alone for all mailboxes. */
export const openForAllUntil = ({ mailbox, openUntil }: ServerCircuit): number =>
  mailbox === undefined ? openUntil : 0;

/** The same for one mailbox; undefined for requests that concern none. */
export const openUntilFor = (circuit: ServerCircuit, mailbox: string | undefined): number =>
  circuit.mailbox === mailbox ? circuit.openUntil : openForAllUntil(circuit);

import { believable, hasBeen } from '#functions/clock/instants.ts';
import type { FailureCause } from './failure.ts';

/** What a server answers, or does not, when it has more to do than it can. */
const heavy = ['throttled', 'server_fault', 'timeout', 'unreachable', 'proxy_failed'] as const;

/** Why a server is left alone. */
export type StrainCause = (typeof heavy)[number];

/** How strained a server is, as far as requests to it tell. */
export interface Strain {
  /** Requests in a row that it refused or failed because of its load. */
  readonly faults: number;
  /** Unix time in milliseconds before which it is left alone. */
  readonly restsUntil: number;
  /** Unix time in milliseconds at which a request told this; undefined while none has. */
  readonly toldAt?: number;
  readonly cause: StrainCause;
  /** The one mailbox that all of these faults concern: for others the server is not left alone. */
  readonly mailbox?: string | undefined;
}

/** One more request that a server refused or failed. */
interface ServerFault extends Pick<Strain, 'cause' | 'mailbox'> {
  /** Milliseconds that the server has asked to be left alone for. */
  readonly askedRest: number | undefined;
}

export const unstrained: Strain = { faults: 0, restsUntil: 0, cause: 'throttled' };

/** Faults in a row before a server is left alone, and the longest time for which it is, in milliseconds. */
const rules = {
  ofThrottling: { bearable: 3, longestRest: 900_000 },
  // One listing may fail in all of its attempts for reasons of its own.
  ofFailing: { bearable: 6, longestRest: 300_000 },
} as const;

/** Milliseconds of the first rest, doubled for each further fault. */
const firstRest = 30_000;

/** Longest time for which a server is left alone because it asks for it, in milliseconds. */
const longestAskedRest = 3_600_000;

/** The cause, if it is one that rest can help against. */
export const strainCauseOf = (kind: FailureCause): StrainCause | undefined => heavy.find((cause) => cause === kind);

/** The strain as far as its instants can be right: what a clock that was ahead has written causes no rest. */
export function believedStrain(strain: Strain, now: number): Strain {
  const isRight =
    hasBeen(strain.toldAt ?? 0, now) && believable(strain.restsUntil, now, longestAskedRest) !== undefined;
  return isRight ? strain : unstrained;
}

/**
 * The strain after one more fault. A server that says how long to wait is left alone for as long, up to an hour; one that
 * does not, for 30 s, doubled from fault to fault up to 15 min when it throttles and 5 min when it fails, and up to a
 * quarter more by chance, so that not all come back at once. Failures that all concern one mailbox may be its own.
 *
 * @param now Unix time in milliseconds
 * @param chance a number from 0 to below 1
 */
export function strainAfterFault(
  strain: Strain,
  { cause, askedRest, mailbox }: ServerFault,
  now: number,
  chance: number,
): Strain {
  const faults = strain.faults + 1;
  const mayBeItsOwn = cause !== 'throttled' && askedRest === undefined && now >= restForAll(strain);
  // Once all have rested, one that goes on failing may be the only one that does.
  const isFirst = strain.faults === 0 || (strain.mailbox === undefined && now >= strain.restsUntil);
  const isSame = isFirst || strain.mailbox === mailbox;
  const { bearable, longestRest } = cause === 'throttled' ? rules.ofThrottling : rules.ofFailing;
  const doubled = faults < bearable ? 0 : Math.min(longestRest, firstRest * 2 ** (faults - bearable));
  const rest = askedRest === undefined ? doubled * (1 + chance / 4) : Math.min(askedRest, longestAskedRest);
  const restsUntil = Math.max(strain.restsUntil, now + rest);
  return { faults, restsUntil, toldAt: now, cause, ...(mayBeItsOwn && isSame && mailbox !== undefined && { mailbox }) };
}

/**
 * The strain after a further fault, at a Unix time in milliseconds, of requests that were under way together: they
 * count once. The longest rest that one of them asks for is kept, by all, and what concerns two mailboxes is no matter
 * of one.
 */
export function strainAfterSameFault(strain: Strain, { askedRest, mailbox }: ServerFault, now: number): Strain {
  const { mailbox: only, ...rest } = strain;
  const restsUntil = Math.max(strain.restsUntil, now + Math.min(askedRest ?? 0, longestAskedRest));
  return {
    ...rest,
    restsUntil,
    toldAt: now,
    ...(askedRest === undefined && only === mailbox && only !== undefined && { mailbox }),
  };
}

/**
 * The strain after an answer: a rest that all were to keep stays, one for the faults of a single mailbox is over. `now`
 * is a Unix time in milliseconds.
 */
export function strainAfterAnswer({ mailbox, ...strain }: Strain, now: number): Strain {
  return { ...strain, toldAt: now, faults: 0, restsUntil: mailbox === undefined ? strain.restsUntil : 0 };
}

/** Unix time in milliseconds before which the server is left alone for all mailboxes. */
export const restForAll = ({ mailbox, restsUntil }: Strain): number => (mailbox === undefined ? restsUntil : 0);

/** The same for one mailbox; undefined for requests that concern none. */
export const restFor = (strain: Strain, mailbox: string | undefined): number =>
  strain.mailbox === mailbox ? strain.restsUntil : restForAll(strain);

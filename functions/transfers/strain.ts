import type { FailureCause } from './failure.ts';

/** What a server answers, or does not, when it has more to do than it can. */
const heavy = ['throttled', 'server_fault', 'timeout', 'unreachable'] as const satisfies readonly FailureCause[];

/** Why a server is left alone. */
export type StrainCause = (typeof heavy)[number];

/** How strained a server is, as far as requests to it tell. */
export interface Strain {
  /** Requests in a row that it refused or failed because of its load. */
  readonly faults: number;
  /** Unix time in milliseconds before which it is left alone. */
  readonly restsUntil: number;
  /** What went wrong last. */
  readonly cause: StrainCause;
}

/** Of a server that nothing is known of. */
export const unstrained: Strain = { faults: 0, restsUntil: 0, cause: 'throttled' };

/** Faults in a row before a server is left alone, and the longest time for which it is, in milliseconds. */
const rules: Record<StrainCause, { readonly bearable: number; readonly longestRest: number }> = {
  throttled: { bearable: 3, longestRest: 900_000 },
  // One listing may fail in all of its attempts for reasons of its own.
  server_fault: { bearable: 6, longestRest: 300_000 },
  timeout: { bearable: 6, longestRest: 300_000 },
  unreachable: { bearable: 6, longestRest: 300_000 },
};

/** Milliseconds of the first rest, doubled for each further fault. */
const firstRest = 30_000;

/** Longest time for which a server is left alone because it asks for it, in milliseconds. */
const longestAskedRest = 3_600_000;

/** The cause, if it is one that rest can help against. */
export const strainCauseOf = (kind: FailureCause): StrainCause | undefined => heavy.find((cause) => cause === kind);

/**
 * The strain after one more fault. A server that says how long to wait is left alone for as long, up to an hour; one that
 * does not, for 30 s, doubled from fault to fault up to 15 min when it throttles and 5 min when it fails, and up to a
 * quarter more by chance, lest all come back at once.
 *
 * @param askedRest milliseconds that the server has asked for
 * @param now Unix time in milliseconds
 * @param chance a number from 0 to below 1
 */
export function strainAfterFault(
  strain: Strain,
  cause: StrainCause,
  askedRest: number | undefined,
  now: number,
  chance: number,
): Strain {
  const faults = strain.faults + 1;
  const { bearable, longestRest } = rules[cause];
  const doubled = faults < bearable ? 0 : Math.min(longestRest, firstRest * 2 ** (faults - bearable));
  const rest = askedRest === undefined ? doubled * (1 + chance / 4) : Math.min(askedRest, longestAskedRest);
  return { faults, restsUntil: Math.max(strain.restsUntil, now + rest), cause };
}

import meanings from './findings.json' with { type: 'json' };

/** Why there are events about a transfer, or none, each with its meaning; `docs/operations.md` repeats them. */
export type Finding = keyof typeof meanings;

export const findings = /* @__PURE__ */ Object.keys(meanings) as Finding[];

interface Known {
  /** Events in the webhooks table, cut if some were not read, and those in rows of the snapshots alone. */
  readonly events: { readonly stored: number; readonly isCut: boolean; readonly pending: number };
  readonly rows: readonly { readonly sequence: number; readonly observedAt: string }[];
  /** Watches in which it was looked up; undefined where events name them. */
  readonly looked: { readonly watches: number; readonly unfinished: number } | undefined;
  /** Unix ms since which events are kept. */
  readonly keptSince: number;
}

/** @example rows with the sequence 0 alone, and no event, give `baseline` */
export function findingOf({ events, rows, looked, keptSince }: Known): Finding {
  if (events.stored > 0 || (events.isCut && rows.every(({ sequence }) => sequence > 0))) return 'told';
  if (events.pending > 0) return 'not_published_yet';
  const told = rows.filter(({ sequence }) => sequence > 0);
  if (told.some(({ observedAt }) => Date.parse(observedAt) > keptSince)) return 'not_fanned_out_yet';
  if (told.length > 0) return 'expired';
  if (rows.length > 0) return 'baseline';
  if (looked?.watches === 0) return 'not_watched';
  return looked?.unfinished ? 'not_listed_yet' : 'unknown';
}

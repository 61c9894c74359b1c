/** Why there are events about a transfer, or none; docs/operations.md says what each means. */
export const findings = [
  /** There are events about it. */
  'told',
  /** Its event is stored with its row and not yet published. */
  'not_published_yet',
  /** Its event was published, and fan-out has yet to store it. */
  'not_fanned_out_yet',
  /** The first complete listing stored it in silence, and it has not changed since. */
  'baseline',
  /** Its events are older than events are kept. */
  'expired',
  /** No watch that was looked at has it, and one of them has no complete listing yet. */
  'not_listed_yet',
  /** No watch matches the question. */
  'not_watched',
  /** No watch that was looked at has it. */
  'unknown',
] as const;

export type Finding = (typeof findings)[number];

interface Known {
  /** Events in the webhooks table, and events in rows of the snapshots alone. */
  readonly fannedOut: number;
  readonly pending: number;
  /** Rows of the transfer in the snapshots. */
  readonly rows: readonly { readonly sequence: number; readonly observedAt: string }[];
  /** Watches in which it was looked up; undefined where events name them. */
  readonly looked: { readonly watches: number; readonly unfinished: number } | undefined;
  /** Milliseconds for which events are kept. */
  readonly keptForMs: number;
  /** Unix ms. */
  readonly now: number;
}

/** @example rows with the sequence 0 alone, and no event, give `baseline` */
export function findingOf({ fannedOut, pending, rows, looked, keptForMs, now }: Known): Finding {
  if (fannedOut > 0) return 'told';
  if (pending > 0) return 'not_published_yet';
  const told = rows.filter(({ sequence }) => sequence > 0);
  if (told.some(({ observedAt }) => Date.parse(observedAt) + keptForMs > now)) return 'not_fanned_out_yet';
  if (told.length > 0) return 'expired';
  if (rows.length > 0) return 'baseline';
  if (looked?.watches === 0) return 'not_watched';
  return looked?.unfinished ? 'not_listed_yet' : 'unknown';
}

/** Urgency of an event, the least first. */
export const severities = ['info', 'warning', 'alert'] as const;

export type Severity = (typeof severities)[number];

/**
 * All types of events, in each group the most urgent first. Types, filters of webhooks and e-mail, the configuration's
 * schema and severities follow from it. A test compares it with `docs/events.md`. A type of a documented state follows
 * the state's name, see `knownStates` in `functions/transfers/transfer.ts`.
 */
const catalogue = {
  'transfer.failed': { about: 'transfer', severity: 'alert', words: 'failed' },
  'transfer.deleted_by_security': { about: 'transfer', severity: 'alert', words: 'deleted after wrong passwords' },
  'transfer.overdue': { about: 'transfer', severity: 'alert', words: 'about to expire unread' },
  'transfer.problem': { about: 'transfer', severity: 'alert', words: 'in trouble' },
  'transfer.deleted_by_expiration': { about: 'transfer', severity: 'warning', words: 'expired' },
  'transfer.deleted_by_admin': { about: 'transfer', severity: 'warning', words: 'deleted by the administrator' },
  'transfer.deleted_by_revocation': { about: 'transfer', severity: 'warning', words: 'revoked by the sender' },
  'transfer.unlisted': { about: 'transfer', severity: 'warning', words: 'no longer listed' },
  /** State unknown to this version; its raw text is in `state`. */
  'transfer.state_changed': { about: 'transfer', severity: 'warning', words: 'in a state unknown to the notifier' },
  'transfer.listed_again': { about: 'transfer', severity: 'info', words: 'listed again' },
  'transfer.downloaded': { about: 'transfer', severity: 'info', words: 'downloaded' },
  'transfer.downloaded_by_all': { about: 'transfer', severity: 'info', words: 'downloaded by all recipients' },
  'transfer.problem_resolved': { about: 'transfer', severity: 'info', words: 'without problems again' },
  'transfer.active': { about: 'transfer', severity: 'info', words: 'active' },
  'transfer.processing': { about: 'transfer', severity: 'info', words: 'processing' },
  'watch.failing': { about: 'watch', severity: 'alert' },
  'watch.recovered': { about: 'watch', severity: 'info' },
  'watch.many_failing': { about: 'manyWatches', severity: 'alert' },
  'watch.many_recovered': { about: 'manyWatches', severity: 'info' },
  'watch.verification_expiring': { about: 'verification', severity: 'warning' },
  'endpoint.disabled': { about: 'endpoint', severity: 'alert' },
  'endpoint.failing': { about: 'endpoint', severity: 'warning' },
  'endpoint.recovered': { about: 'endpoint', severity: 'info' },
  'notifier.test': { about: 'test', severity: 'info' },
} as const satisfies Record<`${string}.${string}`, Entry>;

/** `about` names the shape of an event's `data`; a transfer's `words` complete "1 transfer …". */
interface Entry {
  readonly about: 'transfer' | 'watch' | 'manyWatches' | 'verification' | 'endpoint' | 'test';
  readonly severity: Severity;
  readonly words?: string;
}

type Catalogue = typeof catalogue;

export type EventType = keyof Catalogue;

/** The event types with one shape of `data`. */
export type EventTypeAbout<About extends Entry['about']> = {
  [Type in EventType]: Catalogue[Type]['about'] extends About ? Type : never;
}[EventType];

/** All types, in each group the most urgent first. */
export const eventTypes = /* @__PURE__ */ Object.keys(catalogue) as EventType[];

/** All that a filter can name: each type, and `transfer.*` for all types that begin with `transfer.`. */
export const typePatterns: readonly string[] = /* @__PURE__ */ patternsOf(eventTypes);

function patternsOf(types: readonly string[]): string[] {
  return [...types, ...new Set(types.map((type) => `${type.slice(0, type.indexOf('.'))}.*`))];
}

/** True for a type among `patterns`, of which `transfer.*` matches every type with that prefix. */
export const isOfType = (type: string, patterns: readonly string[]): boolean =>
  patterns.some((one) => (one.endsWith('.*') ? type.startsWith(one.slice(0, -1)) : type === one));

/** The entry of a type, which another version may have stored: then it is empty. */
export const entryOf = (type: string): Partial<Entry> =>
  Object.hasOwn(catalogue, type) ? catalogue[type as EventType] : {};

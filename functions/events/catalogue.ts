import catalogue from './catalogue.json' with { type: 'json' };

/** Urgency of an event, the least first. */
export const severities = ['info', 'warning', 'alert'] as const;

export type Severity = (typeof severities)[number];

/**
 * All types of events by the shape of their `data`, in each group the most urgent first. Types, filters of webhooks and
 * e-mail, the configuration's schema, severities and the fields that templates may use follow from it. A test compares
 * it with `docs/events.md`. A type of a documented state follows the state's name, see `knownStates` in
 * `functions/transfers/transfer.ts`; `transfer.state_changed` has a state unknown to this version, with its raw text in
 * `state`. A transfer's `words` complete "1 transfer …".
 */
type Catalogue = typeof catalogue;

type About = keyof Catalogue;

/** The event types with one shape of `data`. */
export type EventTypeAbout<Shape extends About> = keyof Catalogue[Shape]['types'];

export type EventType = { [Shape in About]: EventTypeAbout<Shape> }[About];

interface Entry {
  /** Names the shape of an event's `data`. */
  readonly about: About;
  readonly severity: Severity;
  readonly words?: string;
  readonly fields: readonly string[];
}

const entries = /* @__PURE__ */ entriesOf(catalogue);

function entriesOf(shapes: Readonly<Record<string, { fields: string; types: object }>>) {
  const all = Object.entries(shapes).flatMap(([about, { fields, types }]) =>
    Object.entries(types).map(([type, { fields: more = '', ...entry }]) => {
      return [type, { ...entry, about, fields: `${fields} ${more}`.trim().split(' ') }] as [EventType, Entry];
    }),
  );
  return new Map<string, Entry>(all);
}

/** All types, in each group the most urgent first. */
export const eventTypes = /* @__PURE__ */ [...entries.keys()] as EventType[];

/** All that a filter can name: each type, and `transfer.*` for all types that begin with `transfer.`. */
export const typePatterns: readonly string[] = /* @__PURE__ */ patternsOf(eventTypes);

function patternsOf(types: readonly string[]): string[] {
  return [...types, ...new Set(types.map((type) => `${type.slice(0, type.indexOf('.'))}.*`))];
}

/** True for a type among `patterns`, of which `transfer.*` matches every type with that prefix. */
export const isOfType = (type: string, patterns: readonly string[]): boolean =>
  patterns.some((one) => (one.endsWith('.*') ? type.startsWith(one.slice(0, -1)) : type === one));

/** The entry of a type, which another version may have stored: then it is empty. */
export const entryOf = (type: string): Partial<Entry> => entries.get(type) ?? {};

/** Fields of `data` by type; `?` ends the name of a field that some of these events lack. */
export const dataFieldsOf = (type: EventType): readonly string[] => entries.get(type)!.fields;

import { dataFieldsOf, type EventType, entryOf } from '#functions/events/catalogue.ts';
import { factId } from '#functions/events/event-id.ts';

/** The parts of a body that an operator writes; both may hold tokens. */
export interface TemplateParts {
  /** JSON object or array whose texts hold placeholders, for example `{{data.trackingId}}`; its keys hold none. */
  readonly template?: unknown;
  /** Values of placeholders in capital letters, such as a routing key. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

const mostLevels = 16;
/** Characters of a template as JSON: a body for a system, not a page for people. */
const mostCharacters = 8192;

/** An unclosed placeholder counts, so that the check finds it. */
const placeholder = /\{\{(.*?)(?:\}\}|$)/gs;
const alone = /^\{\{([^{}]*)\}\}$/;
const variable = /^[A-Z][A-Z0-9_]*$/;

const nameIn = (inner: string): string => inner.trim().replace(/\?$/, '');

/**
 * Fills in a template, whatever the event has: a missing value is null alone and nothing within a text. Values are not
 * searched for placeholders, so no event can ask for a variable.
 */
export function filledTemplate({ template, variables }: TemplateParts, stored: string): string {
  const { id, type, timestamp, data } = JSON.parse(stored);
  const { severity, words } = entryOf(type);
  const timestampSeconds = Date.parse(timestamp) / 1000;
  const values = new Map<string, unknown>([
    ...Object.entries({ id, type, timestamp, timestampSeconds, severity, words, key: keyOf({ ...data }), data }),
    ...Object.entries({ ...data }).map(([field, value]) => [`data.${field}`, value] as const),
    ...Object.entries({ ...variables }),
  ]);
  return JSON.stringify(JSON.parse(JSON.stringify(template), (_, node) => filled(node, values)));
}

/** A text of a template with values for its placeholders; anything else stays as it is. */
function filled(node: unknown, values: ReadonlyMap<string, unknown>): unknown {
  if (typeof node !== 'string') return node;
  const whole = alone.exec(node)?.[1];
  // A placeholder alone keeps the type of its value.
  if (whole !== undefined) return values.get(nameIn(whole)) ?? null;
  return node.replaceAll(placeholder, (_, inner) => textOf(values.get(nameIn(inner)) ?? ''));
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.join(', ') : JSON.stringify(value);
}

/** A key that all events about one transfer of a watch, one watch or one outage share. Receivers join events by it. */
function keyOf({ mailbox, direction, trackingId, endpoint, watches, cause, failingSince }: Record<string, string>) {
  const outage = mailbox === undefined ? [failingSince ?? '', watches === undefined ? '' : (cause ?? '')] : [];
  return factId('key', mailbox ?? '', direction ?? '', trackingId ?? '', endpoint ?? '', ...outage);
}

/** The texts of a template with their paths; undefined for what is nested too deeply. */
export function textsIn(node: unknown, path = 'template', level = 0): [path: string, text: string | undefined][] {
  if (typeof node === 'string') return [[path, node]];
  if (level > mostLevels) return [[path, undefined]];
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, each]) => textsIn(each, `${path}.${key}`, level + 1));
}

export const variablesIn = (template: unknown): string[] =>
  textsIn(template)
    .flatMap(([, text = '']) => [...text.matchAll(placeholder)].map(([, inner = '']) => nameIn(inner)))
    .filter((name) => variable.test(name));

/** Lists every mistake of a template with its path, for events of these types. */
export function templateProblems({ template, variables = {} }: TemplateParts, types: readonly EventType[]): string[] {
  const texts = textsIn(template);
  const [deep] = texts.find(([, text]) => text === undefined) ?? [];
  if (deep !== undefined) return [`${deep}: expected at most ${mostLevels} levels`];
  if (JSON.stringify(template).length > mostCharacters)
    return [`template: expected at most ${mostCharacters} characters`];
  return texts.flatMap(([path, text = '']) =>
    [...text.matchAll(placeholder)].flatMap(([all, inner = '']) => {
      const problem = all.endsWith('}}') ? problemOf(inner, types, variables) : 'has no end: expected }}';
      return problem === undefined ? [] : [`${path}: ${all} ${problem}`];
    }),
  );
}

function problemOf(inner: string, types: readonly EventType[], variables: object): string | undefined {
  const name = nameIn(inner);
  if (variable.test(name)) return Object.hasOwn(variables, name) ? undefined : 'has no value: give one in variables';
  const lacking = types.filter((type) => !placeholdersOf(type).includes(name));
  // Any endpoint may get a test, so a template may provide for its fields.
  const possible = [...types, 'notifier.test' as const].flatMap(placeholdersOf);
  const isKnown = possible.some((known) => nameIn(known) === name);
  if (lacking.length === 0 || (isKnown && inner.trim().endsWith('?'))) return undefined;
  const remedy = isKnown
    ? `write {{${name}?}} if it may be empty`
    : 'docs/receiving-webhooks.md lists the placeholders';
  return `is not in every event of ${lacking.join(', ')}: ${remedy}`;
}

/** `?` ends the name of a placeholder that some events of a type lack. */
const placeholdersOf = (type: EventType): string[] => [
  ...['id', 'type', 'timestamp', 'timestampSeconds', 'severity', 'key', 'data'],
  ...(entryOf(type).words === undefined ? [] : ['words']),
  ...dataFieldsOf(type).map((field) => `data.${field}`),
];

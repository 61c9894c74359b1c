import type { EventType } from '#functions/events/catalogue.ts';
import { document, schemaTexts } from './event-schemas.ts';

/** Schemas of fields; `false` forbids a field. */
type Fields = Readonly<Record<string, Schema | false>>;

/** The part of JSON Schema that `docs/events.md` uses. */
interface Schema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly properties?: Fields;
  readonly required?: readonly string[];
}

const base = JSON.parse(schemaTexts.find(({ type }) => type === undefined)!.text) as Schema;

const ofTypes = schemaTexts.flatMap(({ type, text }) =>
  type === undefined ? [] : [{ type: type as EventType, schema: JSON.parse(text) as Schema }],
);

/** One JSON Schema (2020-12) of all events, with that of each type under `$defs`, to be copied as a file. */
export function eventsSchema(): object {
  const parts = [base, ...ofTypes.map(({ schema }) => schema)];
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:transfer-notifier:events',
    title: 'Events of Transfer Notifier',
    oneOf: ofTypes.map(({ schema }) => ({ $ref: schema.$id })),
    $defs: Object.fromEntries(parts.map((part) => [part.$id!.replace('urn:transfer-notifier:', ''), part])),
  };
}

/** A schema with what it refers to; its own properties narrow those. */
function resolved(schema: Schema): Schema {
  const { $ref, allOf = [], ...own } = schema;
  const parts = [...($ref === undefined ? [] : [target($ref)]), ...allOf].map(resolved);
  let whole: Schema = {};
  for (const part of [...parts, own]) {
    const properties = narrowed(whole.properties, part.properties);
    const required = [...new Set([...(whole.required ?? []), ...(part.required ?? [])])];
    whole = { ...whole, ...part, properties, required };
  }
  return whole;
}

/** Fields of two lists that both hold: what either forbids is forbidden. */
function narrowed(wide: Fields = {}, narrow: Fields = {}): Fields {
  const fields = new Map(Object.entries(wide));
  for (const [name, one] of Object.entries(narrow)) {
    const other = fields.get(name) ?? {};
    fields.set(name, one && other && { allOf: [other, one] });
  }
  return Object.fromEntries(fields);
}

/** Finds `#/$defs/time` or `urn:transfer-notifier:event#/$defs/time` in the schema of all events. */
function target(reference: string): Schema {
  const path = reference.replace(/^urn:transfer-notifier:event/, '').replace(/^#\/?/, '');
  const found = path === '' ? base : path.split('/').reduce<unknown>((at, part) => Object(at)[part], base);
  if (found === undefined) throw new Error(`docs/events.md has no schema ${reference}`);
  return found as Schema;
}

/** TypeScript of a schema. @param indent blanks before each line of an object */
function typeOf(schema: Schema, about: About, indent: string): string {
  const { const: constant, enum: values, type, items, properties } = resolved(schema);
  if (constant !== undefined) return `'${constant}'`;
  if (values) {
    const line = values.map((value) => `'${value}'`).join(' | ');
    return line.length < 80 ? line : values.map((value) => `\n${indent}  | '${value}'`).join('');
  }
  if (items) return `(${typeOf(items, about, indent)})[]`.replace(/^\((\w+)\)/, '$1');
  if (type === 'object' && properties) return objectOf(resolved(schema), about, indent);
  const names = { string: 'string', integer: 'number', null: 'null', object: 'object' } as const;
  return [type ?? []]
    .flat()
    .map((one) => names[one as keyof typeof names])
    .join(' | ');
}

function objectOf({ properties = {}, required = [] }: Schema, about: About, indent: string): string {
  const lines = Object.entries(properties).flatMap(([name, one]) => {
    if (one === false) return [];
    const comment = about(name);
    const optional = required.includes(name) ? '' : '?';
    const doc = comment === undefined ? '' : `${indent}  /** ${comment} */\n`;
    return [`${doc}${indent}  ${name}${optional}: ${typeOf(one, about, `${indent}  `)};`.replace(': \n', ':\n')];
  });
  return `{\n${lines.join('\n')}\n${indent}}`;
}

/** Words about a field. */
type About = (field: string) => string | undefined;

/** Meanings of fields by their names, from the tables of `docs/events.md`; a name with several meanings has none. */
function meanings(): About {
  const found = new Map<string, string | undefined>([
    ['type', undefined],
    ['data', undefined],
  ]);
  for (const [, names = '', meaning = ''] of document.matchAll(/^\| (`[^|]+`) \|(?:[^|\n]*\|)? ([^|\n]+) \|$/gm)) {
    const words = meaning
      .replace(/, see \[.*?\]\(.*?\)/g, '')
      .replace(/\[(.*?)\]\(.*?\)/g, '$1')
      .replaceAll('`', '');
    for (const [, name = ''] of names.matchAll(/`(\w+)`/g))
      found.set(name, !found.has(name) || found.get(name) === words ? words : undefined);
  }
  return (field) => found.get(field);
}

const nameOf = (type: string): string => type.replace(/(?:^|[._])(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The types of all events in TypeScript, without an import, to be copied as a file. */
export function eventsTypes(): string {
  const about = meanings();
  const events = ofTypes.map(({ type, schema }) => {
    const { properties = {} } = resolved(schema);
    const envelope = { ...resolved(schema), properties };
    return `export interface ${nameOf(type)} ${objectOf(envelope, about, '')}\n`;
  });
  const union = ofTypes.map(({ type }) => `  | ${nameOf(type)}`).join('\n');
  return `// Events of Transfer Notifier. Copy this file into your project: it needs no other.
// Later versions may add types and fields: ignore those that you do not know.

/** Every event; \`type\` tells which it is. */
export type NotifierEvent =
${union};

${events.join('\n')}`;
}

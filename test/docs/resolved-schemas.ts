import type { EventType } from '#functions/events/catalogue.ts';
import { document, schemaTexts } from './event-schemas.ts';

/** Schemas of fields; `false` forbids a field. */
export type Fields = Readonly<Record<string, Schema | false>>;

/** The part of JSON Schema that `docs/events.md` uses. */
export interface Schema {
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

/** The schema of all events. */
export const base = JSON.parse(schemaTexts.find(({ type }) => type === undefined)!.text) as Schema;

/** The schema of each type. */
export const ofTypes = schemaTexts.flatMap(({ type, text }) =>
  type === undefined ? [] : [{ type: type as EventType, schema: JSON.parse(text) as Schema }],
);

/** A schema with what it refers to; its own properties narrow those. */
export function resolved(schema: Schema): Schema {
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
export function target(reference: string): Schema {
  const path = reference.replace(/^urn:transfer-notifier:event/, '').replace(/^#\/?/, '');
  const found = path === '' ? base : path.split('/').reduce<unknown>((at, part) => Object(at)[part], base);
  if (found === undefined) throw new Error(`docs/events.md has no schema ${reference}`);
  return found as Schema;
}

/** Words about a field. */
export type About = (field: string) => string | undefined;

/** Meanings of fields by their names, from the tables of `docs/events.md`; a name with several meanings has none. */
export function meanings(): About {
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

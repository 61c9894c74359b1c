import { base, meanings, ofTypes, resolved, type Schema, target } from './resolved-schemas.ts';

/**
 * Schemas of an AsyncAPI document, which are draft 07: nothing stands beside a `$ref`, there are neither `$defs` nor
 * `unevaluatedProperties`, and a `$ref` leads into the document. So an event is one object that lists all its fields.
 */
export const asyncSchemas = (): Record<string, object> => ({
  ...Object.fromEntries(shared.map((name) => [name, leaf(base.$defs![name]!)])),
  ...Object.fromEntries(ofTypes.map(({ type, schema }) => [type, objectOf(schema)])),
});

const about = meanings();

/** Definitions of one field each; the others are parts of `data`. */
const shared = Object.keys(base.$defs!).filter((name) => base.$defs![name]!.type !== 'object');

function objectOf(schema: Schema): object {
  const { properties = {}, required } = resolved(schema);
  const fields = Object.entries(properties).flatMap(([name, one]) =>
    one ? [[name, fieldOf(name, one)] as const] : [],
  );
  return { type: 'object', properties: Object.fromEntries(fields), required, additionalProperties: false };
}

/** The schema of a field, with its meaning. */
function fieldOf(name: string, schema: Schema): object {
  const isObject = resolved(schema).type === 'object' && Object.keys(resolved(schema).properties ?? {}).length > 0;
  const found = isObject ? objectOf(schema) : leaf(schema);
  const description = about(name);
  if (description === undefined) return found;
  return '$ref' in found ? { description, allOf: [found] } : { description, ...found };
}

/** The schema of a value that is no object. */
function leaf(schema: Schema): object {
  let all: object = {};
  for (const part of partsOf(schema)) all = canMerge(all, part) ? { ...all, ...part } : both(all, part);
  return all;
}

/** The schemas that a value has to keep, the widest first. */
function partsOf({ $ref, allOf = [], items, ...own }: Schema): object[] {
  const name = /#\/\$defs\/(\w+)$/.exec($ref ?? '')?.[1];
  const referred = $ref === undefined ? [] : name ? [{ $ref: `#/components/schemas/${name}` }] : partsOf(target($ref));
  const rest = { ...own, ...(items && { items: leaf(items) }) };
  return [...referred, ...allOf.flatMap(partsOf), ...(Object.keys(rest).length > 0 ? [rest] : [])];
}

/** Keywords of a narrower schema may stand in the wider one, if it has none of them; a type may be one of several. */
const canMerge = (wide: object, narrow: object): boolean =>
  !('$ref' in wide) &&
  Object.entries(narrow).every(([key, value]) => !(key in wide) || isAmong(value, Object(wide)[key]));

const isAmong = (value: unknown, values: unknown): boolean => Array.isArray(values) && values.includes(value);

const both = (wide: object, narrow: object): object =>
  'allOf' in wide ? { allOf: [...(wide.allOf as object[]), narrow] } : { allOf: [wide, narrow] };

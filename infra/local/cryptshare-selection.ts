import type { Fields } from './cryptshare-fields.ts';

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * What a selection leaves of a JSON value: of objects the named properties, of arrays every element, each cut down in
 * the same way. Names that an object does not have are left out, and a value without properties stays as it is.
 */
export function selectFields(value: unknown, fields: Fields): unknown {
  if (Array.isArray(value)) return value.map((element) => selectFields(element, fields));
  if (!isObject(value)) return value;
  const selected: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(fields)) {
    if (Object.hasOwn(value, name)) selected[name] = inner === true ? value[name] : selectFields(value[name], inner);
  }
  return selected;
}

/** The first name of a selection that `sample`, a value with one of everything, does not have. */
export function firstUnknownField(sample: unknown, fields: Fields): string | undefined {
  const object = Array.isArray(sample) ? sample[0] : sample;
  for (const [name, inner] of Object.entries(fields)) {
    if (!isObject(object) || !Object.hasOwn(object, name)) return name;
    const unknown = inner === true ? undefined : firstUnknownField(object[name], inner);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}

import { malformed } from './error.ts';

/**
 * Selection of properties, from the `fields` parameter of the Cryptshare REST API. `true` selects a whole property, a
 * nested selection only the named children.
 *
 * @example
 * const fields: Fields = { trackingId: true, status: { state: true } }; // trackingId,status(state)
 */
export type Fields = { [name: string]: true | Fields };

/** Names, commas and parentheses; whatever else is not a space stands alone. */
const token = /[A-Za-z][A-Za-z0-9]*|[^ ]/g;

/** Nested levels and characters of a selection of fields: far beyond any client, they bound the parser. */
const maxDepth = 20;
const maxLength = 4096;

/**
 * Parses a selection in the grammar of the vendor's page on transfer polling, with spaces around names, commas and
 * parentheses. Names are case sensitive; a repeated name selects the union. Objects of the result have no prototype;
 * otherwise looking up `constructor` would find an inherited property.
 *
 * @throws CryptshareError 400/1004 for anything else, for more than 20 levels and for more than 4,096 characters
 */
export function parseFields(text: string): Fields {
  if (text.length > maxLength) throw malformed('fields');
  const tokens = text.match(token) ?? [];
  let next = 0;
  const accept = (expected: string) => {
    if (tokens[next] !== expected) return false;
    next += 1;
    return true;
  };
  const selection = (depth: number): Fields => {
    const fields: Fields = Object.create(null);
    do {
      const name = tokens[next] ?? '';
      if (depth > maxDepth || !/^[A-Za-z]/.test(name)) throw malformed('fields');
      next += 1;
      include(fields, name, accept('(') ? children(depth + 1) : true);
    } while (accept(','));
    return fields;
  };
  const children = (depth: number) => {
    const selected = selection(depth);
    if (!accept(')')) throw malformed('fields');
    return selected;
  };
  const fields = selection(1);
  if (next < tokens.length) throw malformed('fields');
  return fields;
}

/** Merges a selection below `name` into the present one; a whole subtree includes its parts. */
function include(fields: Fields, name: string, inner: true | Fields): void {
  const present = fields[name];
  if (present === undefined || inner === true) fields[name] = inner;
  else if (present !== true) for (const [child, below] of Object.entries(inner)) include(present, child, below);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * Reduces a JSON value to a selection: objects to the named properties, arrays element by element. It skips names that
 * an object lacks, and keeps values without properties.
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

/** Finds the first name of a selection that is missing in `sample`, a value with all possible properties. */
export function firstUnknownField(sample: unknown, fields: Fields): string | undefined {
  const object = Array.isArray(sample) ? sample[0] : sample;
  for (const [name, inner] of Object.entries(fields)) {
    if (!isObject(object) || !Object.hasOwn(object, name)) return name;
    const unknown = inner === true ? undefined : firstUnknownField(object[name], inner);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}

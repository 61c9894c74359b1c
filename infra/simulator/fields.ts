/**
 * Selection of properties, from the `fields` parameter of the Cryptshare REST API: `true` selects a whole property, a
 * nested selection only the named children.
 *
 * @example
 * const fields: Fields = { trackingId: true, status: { state: true } }; // trackingId,status(state)
 */
export type Fields = { readonly [name: string]: true | Fields };

type FieldsUnderConstruction = { [name: string]: true | FieldsUnderConstruction };

const nextName = /[A-Za-z][A-Za-z0-9]*/y;
/** Nested levels and characters of a selection of fields: far beyond any client, they bound the parser. */
const maxDepth = 20;
const maxLength = 4096;

/**
 * Thrown by {@link parseFields} for invalid text. `position` is the zero-based index of the first wrong character,
 * `expected` names what belongs there.
 */
export class FieldsSyntaxError extends Error {
  override readonly name = 'FieldsSyntaxError';
  readonly position: number;
  readonly expected: string;

  constructor(position: number, expected: string) {
    super(`Expected ${expected} at position ${position} of the fields`);
    this.position = position;
    this.expected = expected;
  }
}

/**
 * Parses a selection in the grammar of the vendor's page on transfer polling, with spaces around names, commas and
 * parentheses. Names are case sensitive; a repeated name selects the union. Objects of the result have no prototype;
 * otherwise looking up `constructor` would find an inherited property.
 *
 * @throws FieldsSyntaxError for anything else, for more than 20 levels and for more than 4,096 characters.
 */
export function parseFields(text: string): Fields {
  if (text.length > maxLength) throw new FieldsSyntaxError(maxLength, 'the end');
  let position = 0;

  const skipSpaces = () => {
    while (text[position] === ' ') position += 1;
  };
  const accept = (character: string) => {
    if (text[position] !== character) return false;
    position += 1;
    return true;
  };
  const name = () => {
    nextName.lastIndex = position;
    const match = nextName.exec(text);
    if (!match) throw new FieldsSyntaxError(position, 'a name');
    position = nextName.lastIndex;
    return match[0];
  };
  const children = (depth: number) => {
    if (depth > maxDepth) throw new FieldsSyntaxError(position, `at most ${maxDepth} levels`);
    const selected = selection(depth);
    if (!accept(')')) throw new FieldsSyntaxError(position, '"," or ")"');
    return selected;
  };
  const selection = (depth: number): FieldsUnderConstruction => {
    const fields: FieldsUnderConstruction = Object.create(null);
    do {
      skipSpaces();
      const field = name();
      skipSpaces();
      include(fields, field, accept('(') ? children(depth + 1) : true);
      skipSpaces();
    } while (accept(','));
    return fields;
  };

  const fields = selection(1);
  if (position < text.length) throw new FieldsSyntaxError(position, '"," or the end');
  return fields;
}

/** Merges a selection below `name` into the present one; a whole subtree includes its parts. */
function include(fields: FieldsUnderConstruction, name: string, inner: true | FieldsUnderConstruction): void {
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

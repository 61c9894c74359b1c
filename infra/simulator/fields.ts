/** Selection of properties: `true` selects a whole property, a nested selection only the named children. */
export type Fields = { readonly [name: string]: true | Fields };

/** Thrown by {@link parseFields} for invalid text. */
export class FieldsSyntaxError extends Error {
  override readonly name = 'FieldsSyntaxError';
}

/**
 * Parses the `fields` parameter, in the grammar of the vendor's page on transfer polling.
 *
 * @example parseFields('trackingId,status(state)'); // { trackingId: true, status: { state: true } }
 * @throws FieldsSyntaxError
 */
export function parseFields(text: string): Fields {
  const tokens = text.match(/[A-Za-z][A-Za-z0-9]*|\S/g) ?? [];
  const accept = (token: string): boolean => tokens[0] === token && tokens.shift() !== undefined;
  const selection = (): Fields => {
    const fields: Record<string, true | Fields> = {};
    do {
      const name = tokens.shift() ?? '';
      if (!/^[A-Za-z]/.test(name)) throw new FieldsSyntaxError(`expected a name, got "${name}"`);
      const isNested = accept('(');
      fields[name] = isNested ? selection() : true;
      if (isNested && !accept(')')) throw new FieldsSyntaxError('expected ")"');
    } while (accept(','));
    return fields;
  };
  const fields = selection();
  if (tokens.length > 0) throw new FieldsSyntaxError(`expected the end, got "${tokens[0]}"`);
  return fields;
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

import { type About, base, meanings, ofTypes, resolved, type Schema } from './resolved-schemas.ts';

/** One JSON Schema (2020-12) of all events, with that of each type under `$defs`, to be copied as a file. */
export function eventsSchema(): object {
  const parts = [base, ...ofTypes.map(({ schema }) => schema)];
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:transfer-notifier:events',
    title: 'Events of Transfer Notifier',
    oneOf: ofTypes.map(({ schema }) => ({ $ref: schema.$id })),
    $defs: Object.fromEntries(parts.map((part) => [part.$id!.replace('urn:transfer-notifier:', ''), typed(part)])),
  };
}

/** A schema in which each part with properties or a pattern has its type, as strict validators want it. */
function typed(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  const entries = Object.entries(part).map(([name, value]) => [name, typed(value)]);
  const isObject = 'unevaluatedProperties' in part || ('properties' in part && typeof part.properties === 'object');
  const type = isObject ? 'object' : 'pattern' in part && typeof part.pattern === 'string' && 'string';
  return { ...(type && !('type' in part) && { type }), ...Object.fromEntries(entries) };
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

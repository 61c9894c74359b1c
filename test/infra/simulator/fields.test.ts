import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Fields, FieldsSyntaxError, parseFields, selectFields } from '#infra/simulator/fields.ts';

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,11}$/);
const { selection } = fc.letrec<{ selection: Fields }>((tie) => ({
  selection: fc.dictionary(name, fc.oneof({ maxDepth: 5 }, fc.constant(true as const), tie('selection')), {
    minKeys: 1,
    maxKeys: 4,
    noNullPrototype: true,
  }),
}));

const written = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, inner]) => (inner === true ? name : `${name}(${written(inner)})`))
    .join(',');

describe('parseFields', () => {
  it('reads any selection, with and without spaces', () => {
    fc.assert(
      fc.property(selection, (fields) => {
        expect(parseFields(written(fields))).toEqual(fields);
        expect(parseFields(` ${written(fields).replaceAll(/[,()]/g, '  $& ')} `)).toEqual(fields);
      }),
    );
  });

  it.each(['   ', 'a()', 'a,', 'a(b c)', 'a(b', 'status.state', 'a)'])('throws FieldsSyntaxError for %j', (text) => {
    expect(() => parseFields(text)).toThrow(FieldsSyntaxError);
  });
});

describe('selectFields', () => {
  it.each<{ what: string; value: unknown; fields: string; selected: unknown }>([
    { what: 'a whole property', value: { a: { b: 1, c: 2 }, d: 3 }, fields: 'a', selected: { a: { b: 1, c: 2 } } },
    {
      what: 'named children of each element',
      value: [{ a: [{ b: 1, c: 2 }, { c: 3 }] }],
      fields: 'a(b)',
      selected: [{ a: [{ b: 1 }, {}] }],
    },
    { what: 'null as it is', value: { a: null }, fields: 'a(b)', selected: { a: null } },
    { what: 'no inherited property', value: {}, fields: 'constructor,toString', selected: {} },
  ])('selects $what', ({ value, fields, selected }) => {
    expect(selectFields(value, parseFields(fields))).toEqual(selected);
  });
});

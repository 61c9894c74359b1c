import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Fields, firstUnknownField, parseFields, selectFields } from '#infra/simulator/protocol/fields.ts';

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

  it.each<[string, Fields]>([
    ['status(state),status(warnings)', { status: { state: true, warnings: true } }],
    ['status,status(state)', { status: true }],
    ['status(state),status', { status: true }],
    ['a(b(c)),a(b(d),e)', { a: { b: { c: true, d: true }, e: true } }],
    ['toString(name),toString(length)', { toString: { name: true, length: true } } as never],
  ])('reads %s as the union of its parts', (text, fields) => {
    expect(parseFields(text)).toEqual(fields);
  });

  it.each(['   ', 'a()', 'a,\tb', 'a(b c)', 'a(b', 'a)', '1a', 'status.state', 'a('.repeat(21), 'a('.repeat(100_000)])(
    'refuses %.20j with 400/1004',
    (text) => {
      expect(() => parseFields(text)).toThrow(expect.objectContaining({ status: 400, code: 1004 }));
    },
  );

  it('reads 20 levels', () => {
    const text = `${'a('.repeat(19)}a${')'.repeat(19)}`;
    expect(written(parseFields(text))).toBe(text);
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

describe('firstUnknownField', () => {
  it.each([
    { fields: 'a(b(c))', unknown: undefined },
    { fields: 'a,x', unknown: 'x' },
    { fields: 'a(b(c,y))', unknown: 'y' },
    { fields: 'a(b(c(z)))', unknown: 'z' },
    { fields: 'constructor', unknown: 'constructor' },
  ])('finds $unknown in $fields', ({ fields, unknown }) => {
    expect(firstUnknownField({ a: { b: [{ c: null }] } }, parseFields(fields))).toBe(unknown);
  });
});

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Fields, firstUnknownField, parseFields, selectFields } from '#infra/simulator/fields.ts';

describe('selectFields', () => {
  test.each<{ description: string; value: unknown; fields: Fields; selected: unknown }>([
    {
      description: 'a whole subtree',
      value: { a: { b: 1, c: 2 }, d: 3 },
      fields: { a: true },
      selected: { a: { b: 1, c: 2 } },
    },
    {
      description: 'part of a subtree',
      value: { a: { b: 1, c: 2 } },
      fields: { a: { b: true } },
      selected: { a: { b: 1 } },
    },
    {
      description: 'through arrays',
      value: [{ a: [{ b: 1, c: 2 }, { c: 3 }] }],
      fields: { a: { b: true } },
      selected: [{ a: [{ b: 1 }, {}] }],
    },
    { description: 'null as it is', value: { a: null }, fields: { a: { b: true } }, selected: { a: null } },
    {
      description: 'nothing that is inherited',
      value: {},
      fields: parseFields('constructor,toString'),
      selected: {},
    },
  ])('takes $description', ({ value, fields, selected }) => {
    expect(selectFields(value, fields)).toEqual(selected);
  });

  it('changes nothing when applied again', () => {
    const fields = { a: true, b: { a: true } } as const;
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const once = selectFields(value, fields);
        expect(selectFields(once, fields)).toEqual(once);
      }),
    );
  });
});

describe('firstUnknownField', () => {
  const sample = { a: { b: [{ c: null }] } };

  test.each<{ fields: Fields; unknown: string | undefined }>([
    { fields: { a: { b: { c: true } } }, unknown: undefined },
    { fields: { a: true, x: true }, unknown: 'x' },
    { fields: { a: { b: { c: true, y: true } } }, unknown: 'y' },
    { fields: { a: { b: { c: { z: true } } } }, unknown: 'z' },
    { fields: parseFields('constructor'), unknown: 'constructor' },
  ])('finds $unknown in $fields', ({ fields, unknown }) => {
    expect(firstUnknownField(sample, fields)).toBe(unknown);
  });
});

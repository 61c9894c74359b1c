import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Fields, FieldsSyntaxError, parseFields } from '#infra/simulator/fields.ts';

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,11}$/);
const { selection } = fc.letrec<{ selection: Fields }>((tie) => ({
  selection: fc.dictionary(name, fc.oneof({ maxDepth: 5 }, fc.constant(true as const), tie('selection')), {
    minKeys: 1,
    maxKeys: 4,
    noNullPrototype: true,
  }),
}));

const syntaxErrorOf = (text: string): FieldsSyntaxError => {
  try {
    parseFields(text);
  } catch (error) {
    if (error instanceof FieldsSyntaxError) return error;
    throw error;
  }
  throw new Error(`Parsed without complaint: ${text}`);
};

const written = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, inner]) => (inner === true ? name : `${name}(${written(inner)})`))
    .join(',');

describe('parseFields', () => {
  it("reads the examples of the vendor's page on transfer polling", () => {
    expect(parseFields('trackingId, status(sender(email), recipients, state), transfer(recipients)')).toEqual({
      trackingId: true,
      status: { sender: { email: true }, recipients: true, state: true },
      transfer: { recipients: true },
    });
    expect(
      parseFields('status(state), transfer(recipients(to, cc), expirationDate, securityMode(config(passwordMode)))'),
    ).toEqual({
      status: { state: true },
      transfer: {
        recipients: { to: true, cc: true },
        expirationDate: true,
        securityMode: { config: { passwordMode: true } },
      },
    });
  });

  it('reads what was written in its grammar without spaces', () => {
    fc.assert(
      fc.property(selection, (fields) => {
        expect(parseFields(written(fields))).toEqual(fields);
      }),
    );
  });

  it('allows spaces around every name, comma and parenthesis', () => {
    fc.assert(
      fc.property(selection, (fields) => {
        const spaced = written(fields).replaceAll(/[,()]/g, '  $& ');
        expect(parseFields(` ${spaced} `)).toEqual(fields);
      }),
    );
  });

  test.each([
    { text: 'status(state),status(warnings)', fields: { status: { state: true, warnings: true } } },
    { text: 'status,status(state)', fields: { status: true } },
    { text: 'status(state),status', fields: { status: true } },
    { text: 'a(b(c)),a(b(d),e)', fields: { a: { b: { c: true, d: true }, e: true } } },
    { text: 'state,State', fields: { state: true, State: true } },
  ])('reads $text', ({ text, fields }) => {
    expect(parseFields(text)).toEqual(fields);
  });

  test.each([
    { text: '', position: 0, expected: 'a name' },
    { text: '   ', position: 3, expected: 'a name' },
    { text: 'a,', position: 2, expected: 'a name' },
    { text: 'a()', position: 2, expected: 'a name' },
    { text: 'a(b', position: 3, expected: '"," or ")"' },
    { text: 'a(b c)', position: 4, expected: '"," or ")"' },
    { text: 'a b', position: 2, expected: '"," or the end' },
    { text: 'a)', position: 1, expected: '"," or the end' },
    { text: 'status.state', position: 6, expected: '"," or the end' },
    { text: 'a,\tb', position: 2, expected: 'a name' },
    { text: '__proto__', position: 0, expected: 'a name' },
  ])('says where "$text" stops being a selection', ({ text, position, expected }) => {
    expect(syntaxErrorOf(text)).toMatchObject({ position, expected });
  });

  it('selects a property called constructor only if asked to', () => {
    expect(parseFields('trackingId').constructor).toBeUndefined();
    expect(parseFields('constructor,constructor(name)')).toEqual({ constructor: true });
  });

  it('refuses more than 20 levels, however many there are', () => {
    const nested = (levels: number) => `${'a('.repeat(levels - 1)}a${')'.repeat(levels - 1)}`;
    expect(written(parseFields(nested(20)))).toBe(nested(20));
    expect(syntaxErrorOf(nested(21)).expected).toBe('at most 20 levels');
    expect(syntaxErrorOf('a('.repeat(100_000))).toMatchObject({ position: 4096 });
  });

  it('throws nothing but FieldsSyntaxError, whatever the text', () => {
    const almostFields = fc
      .array(fc.constantFrom('a', 'Z', '9', ' ', ',', '(', ')', '_', '.'))
      .map((it) => it.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), almostFields), (text) => {
        try {
          parseFields(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FieldsSyntaxError);
        }
      }),
    );
  });
});

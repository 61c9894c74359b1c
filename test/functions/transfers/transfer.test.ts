import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { canonicalState, isTrackingId, sameState } from '#functions/transfers/transfer.ts';

const documented = [
  ['PROCESSING', 'Processing'],
  ['ACTIVE', 'Active'],
  ['FAILED', 'Failed'],
  ['DELETED_BY_EXPIRATION', 'Deleted_by_expiration'],
  ['DELETED_BY_REVOCATION', 'Deleted_by_revocation'],
  ['DELETED_BY_ADMIN', 'Deleted_by_admin'],
  ['DELETED_BY_SECURITY', 'Deleted_by_security'],
] as const;

/** Any text that JSON can carry, lone surrogates included. */
const utf16 = fc.array(fc.nat(0xffff), { maxLength: 64 }).map((units) => String.fromCharCode(...units));

describe('canonicalState', () => {
  test.each(documented)('knows %s by its spelling on the wire and in prose', (state, prose) => {
    expect(canonicalState(state)).toBe(state);
    expect(canonicalState(prose)).toBe(state);
  });

  test.each([
    { how: 'hyphens', raw: 'Deleted-by-admin', state: 'DELETED_BY_ADMIN' },
    { how: 'spaces', raw: 'deleted by admin', state: 'DELETED_BY_ADMIN' },
    { how: 'mixed separators', raw: 'DELETED-BY admin', state: 'DELETED_BY_ADMIN' },
    { how: 'lower case', raw: 'active', state: 'ACTIVE' },
    { how: 'space around it', raw: ' \tACTIVE\n', state: 'ACTIVE' },
  ])('knows a documented state written with $how', ({ raw, state }) => {
    expect(canonicalState(raw)).toBe(state);
  });

  test.each([
    { what: 'a state nobody documented', raw: 'Quarantined-for review', kept: 'Quarantined-for review' },
    { what: 'UNKNOWN', raw: 'UNKNOWN', kept: 'UNKNOWN' },
    { what: 'Pending', raw: 'Pending', kept: 'Pending' },
    { what: 'the name of an inherited property', raw: 'toString', kept: 'toString' },
    { what: 'other scripts and emoji', raw: 'Überprüft 🔒', kept: 'Überprüft 🔒' },
    { what: 'a state with space around it', raw: '  On hold ', kept: 'On hold' },
    { what: 'exactly 64 characters', raw: 'x'.repeat(64), kept: 'x'.repeat(64) },
    { what: 'the first 64 of 65 characters', raw: `${'x'.repeat(64)}y`, kept: 'x'.repeat(64) },
  ])('keeps $what raw', ({ raw, kept }) => {
    expect(canonicalState(raw)).toBe(kept);
  });

  test.each([
    { what: 'a control character', raw: 'a\u0000b' },
    { what: 'a line break', raw: 'a\r\nb' },
    { what: 'a lone high surrogate', raw: 'a\ud83db' },
    { what: 'a lone low surrogate', raw: 'a\udd12b' },
    { what: 'an invisible format character', raw: 'a\u200bb' },
  ])('removes $what', ({ raw }) => {
    expect(canonicalState(raw)).toMatch(/^a +b$/);
  });

  it('gives a text of at most 64 characters without control characters, whatever the server says', () => {
    fc.assert(
      fc.property(utf16, (raw) => {
        const state = canonicalState(raw);
        expect(state.length).toBeLessThanOrEqual(64);
        expect(state).not.toMatch(/\p{C}/u);
      }),
    );
  });

  it('is the same state as the raw text for anything printable', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{1,64}$/), (raw) => {
        expect(sameState(canonicalState(raw), raw)).toBe(true);
      }),
    );
  });
});

describe('sameState', () => {
  test.each([
    { a: 'ACTIVE', b: 'Active', same: true },
    { a: 'On hold', b: 'ON_HOLD', same: true },
    { a: 'On-hold', b: 'on hold', same: true },
    { a: 'ACTIVE', b: 'FAILED', same: false },
    { a: 'ONHOLD', b: 'ON_HOLD', same: false },
  ])('"$a" and "$b": $same', ({ a, b, same }) => {
    expect(sameState(a, b)).toBe(same);
    expect(sameState(b, a)).toBe(same);
  });
});

describe('isTrackingId', () => {
  test.each([
    { what: "a tracking id in the vendor's format", value: '20240522-065711-H8UoUSI6', ok: true },
    { what: 'any printable ASCII', value: '!~#/"', ok: true },
    { what: 'one character', value: 'x', ok: true },
    { what: '200 characters', value: 'x'.repeat(200), ok: true },
    { what: '201 characters', value: 'x'.repeat(201), ok: false },
    { what: 'an empty text', value: '', ok: false },
    { what: 'a space', value: 'a b', ok: false },
    { what: 'a line break at the end', value: 'a\n', ok: false },
    { what: 'DEL', value: 'a\u007f', ok: false },
    { what: 'an umlaut', value: 'ä', ok: false },
    { what: 'a number', value: 20240522, ok: false },
    { what: 'null', value: null, ok: false },
    { what: 'undefined', value: undefined, ok: false },
    { what: 'an array of one text', value: ['x'], ok: false },
  ])('$what: $ok', ({ value, ok }) => {
    expect(isTrackingId(value)).toBe(ok);
  });
});

test.each([
  ['half a surrogate pair where it was cut', `${'x'.repeat(63)}😀`, 'x'.repeat(63)],
  ['an invisible character behind a known state', 'ACTIVE\u200b', 'ACTIVE'],
  ['nothing but characters that nobody sees', ' \u0000 ', ''],
])('no state keeps %s', (_, raw, state) => {
  expect(canonicalState(raw)).toBe(state);
});

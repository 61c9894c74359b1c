import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
  it.each(documented)('recognizes %s by its spelling on the wire and in prose', (state, prose) => {
    expect([canonicalState(state), canonicalState(prose)]).toEqual([state, state]);
  });

  it.each([
    { what: 'mixed separators', raw: 'DELETED-BY admin', state: 'DELETED_BY_ADMIN' },
    { what: 'lower case', raw: 'active', state: 'ACTIVE' },
    { what: 'space around a state', raw: ' \tACTIVE\n', state: 'ACTIVE' },
    { what: 'an invisible character behind a state', raw: 'ACTIVE\u200b', state: 'ACTIVE' },
    { what: 'an undocumented state', raw: 'Quarantined-for review', state: 'Quarantined-for review' },
    { what: 'the name of an inherited property', raw: 'toString', state: 'toString' },
    { what: 'other scripts and emoji', raw: 'Überprüft 🔒', state: 'Überprüft 🔒' },
    { what: 'space around an undocumented state', raw: '  On hold ', state: 'On hold' },
    { what: '64 characters', raw: 'x'.repeat(64), state: 'x'.repeat(64) },
    { what: '65 characters, by their first 64', raw: `${'x'.repeat(64)}y`, state: 'x'.repeat(64) },
    { what: 'half a surrogate pair at the cut', raw: `${'x'.repeat(63)}😀`, state: 'x'.repeat(63) },
    { what: 'invisible characters alone', raw: ' \u0000 ', state: '' },
  ])('reads $what', ({ raw, state }) => {
    expect(canonicalState(raw)).toBe(state);
  });

  it('replaces control characters, lone surrogates and invisible ones by spaces', () => {
    for (const raw of ['a\u0000b', 'a\r\nb', 'a\ud83db', 'a\udd12b', 'a\u200bb']) {
      expect(canonicalState(raw)).toMatch(/^a +b$/);
    }
  });

  it('returns at most 64 characters without control characters for any text', () => {
    fc.assert(
      fc.property(utf16, (raw) => {
        const state = canonicalState(raw);
        expect(state.length).toBeLessThanOrEqual(64);
        expect(state).not.toMatch(/\p{C}/u);
      }),
    );
  });

  it('returns the same state as the raw text for anything printable', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{1,64}$/), (raw) => {
        expect(sameState(canonicalState(raw), raw)).toBe(true);
      }),
    );
  });
});

describe('sameState', () => {
  it.each([
    { a: 'ACTIVE', b: 'Active', same: true },
    { a: 'On-hold', b: 'ON_HOLD', same: true },
    { a: 'ACTIVE', b: 'FAILED', same: false },
    { a: 'ONHOLD', b: 'ON_HOLD', same: false },
  ])('is $same for "$a" and "$b"', ({ a, b, same }) => {
    expect([sameState(a, b), sameState(b, a)]).toEqual([same, same]);
  });
});

describe('isTrackingId', () => {
  it.each([
    { what: "the vendor's format", value: '20240522-065711-H8UoUSI6', ok: true },
    { what: 'any printable ASCII', value: '!~#/"', ok: true },
    { what: '200 characters', value: 'x'.repeat(200), ok: true },
    { what: '201 characters', value: 'x'.repeat(201), ok: false },
    { what: 'an empty text', value: '', ok: false },
    { what: 'a space', value: 'a b', ok: false },
    { what: 'a line break at the end', value: 'a\n', ok: false },
    { what: 'DEL', value: 'a\u007f', ok: false },
    { what: 'an umlaut', value: 'ä', ok: false },
    { what: 'a number', value: 20240522, ok: false },
    { what: 'undefined', value: undefined, ok: false },
    { what: 'an array of one text', value: ['x'], ok: false },
  ])('is $ok for $what', ({ value, ok }) => {
    expect(isTrackingId(value)).toBe(ok);
  });
});

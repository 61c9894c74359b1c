import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressKey } from '#functions/transfers/address-key.ts';
import { address, addressPattern, addressProblem } from '#functions/transfers/mailbox-address.ts';
import { existing, refused } from './mailbox-addresses.ts';

describe('address', () => {
  it.each(existing)('takes %s', (text) => {
    expect(address.safeParse(text)).toEqual({ success: true, data: text });
    expect(addressPattern.test(text)).toBe(true);
    expect(addressPattern.test(addressKey(text))).toBe(true);
  });

  it.each(refused)('refuses %j with its reason', (text, because) => {
    const { error } = address.safeParse(text);
    const reason = expect.stringMatching(/^expected an e-mail address, but ./);
    expect(error?.issues.map(({ message }) => message)).toEqual([reason]);
    expect(error?.issues[0]?.message.replace('expected an e-mail address, but ', '')).toEqual(because);
  });

  it('refuses what is no text', () => {
    for (const value of [undefined, null, 1, {}, ['alice@example.com']]) {
      expect(address.safeParse(value).error?.issues[0]?.message).toBe('expected an e-mail address');
    }
  });

  it('composes combining marks', () => {
    expect(address.parse('jo\u0308rg@mu\u0308nchen.de')).toBe('jörg@münchen.de');
  });

  const piece = fc.oneof(
    fc.constantFrom('@', '.', '-', 'xn--', '%', '/', 'ü', '例', '\u200b'),
    fc.string({ unit: 'binary' }),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const candidate = fc.oneof(
    text,
    fc.emailAddress(),
    fc.tuple(text, text).map(([a, b]) => `${a}@${b}.com`),
  );

  it('returns what can stand in a path, on one line of a terminal and in a key, and takes it again', () => {
    fc.assert(
      fc.property(candidate, (given) => {
        const { data } = address.safeParse(given);
        if (data === undefined) return;
        expect(decodeURIComponent(encodeURIComponent(data))).toBe(data);
        expect(data).toMatch(/^[^\p{C}\p{Z}]+$/u);
        expect(Buffer.byteLength(data)).toBeLessThanOrEqual(254);
        expect(address.parse(data)).toBe(data);
        expect(addressPattern.test(data)).toBe(true);
        expect(addressKey(addressKey(data))).toBe(addressKey(data));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes every address of a generator for the standards', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (given) => {
        expect(addressProblem(given)).toBeUndefined();
      }),
    );
  });
});

describe('addressKey', () => {
  it.each([
    ['Alice@Example.COM', 'alice@example.com'],
    ['alice@MÜNCHEN.de', 'alice@xn--mnchen-3ya.de'],
    ['alice@XN--MNCHEN-3YA.de', 'alice@münchen.de'],
    ['JO\u0308RG@example.com', 'jörg@example.com'],
  ])('is the same for %s and %s', (one, other) => {
    expect(addressKey(one)).toBe(addressKey(other));
  });

  it.each([
    ['alice@example.com', 'bob@example.com'],
    ['jörg@example.com', 'jorg@example.com'],
    ['alice@münchen.de', 'alice@munchen.de'],
  ])('tells %s from %s', (one, other) => {
    expect(addressKey(one)).not.toBe(addressKey(other));
  });
});

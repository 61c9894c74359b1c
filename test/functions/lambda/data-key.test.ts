import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { DataKey, DataKeyError, DecryptionError } from '#functions/lambda/data-key.ts';

const base64 = Buffer.alloc(32, 0xab).toString('base64');
const key = new DataKey(base64);
const prefix = 'encrypted1.';

/** Any text that has UTF-8 bytes. */
const anyText = fc.string({ unit: 'binary' });
const bytesIn = (encrypted: string): Buffer => Buffer.from(encrypted.slice(prefix.length), 'base64url');

function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('expected an error');
}

describe('decrypt', () => {
  it('finds what was encrypted', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, context) => {
        expect(new DataKey(base64).decrypt(key.encrypt(text, context), context)).toBe(text);
      }),
    );
  });

  it('reads IV, tag and as many bytes as the text has, and none of the text in the open', () => {
    const encrypted = key.encrypt('a very secret text', 'a');
    expect(encrypted).toMatch(/^encrypted1\.[\w-]+$/);
    expect(bytesIn(encrypted)).toHaveLength(12 + 16 + 18);
    expect(bytesIn(encrypted).toString('latin1')).not.toContain('secret');
  });

  it('reads another text for each encryption of the same one', () => {
    const encrypted = Array.from({ length: 100 }, () => key.encrypt('hello', 'a'));
    expect(new Set(encrypted).size).toBe(100);
    expect(new Set(encrypted.map((text) => bytesIn(text).subarray(0, 12).toString('hex'))).size).toBe(100);
  });

  it('refuses a text with any one byte changed', () => {
    const bytes = bytesIn(key.encrypt('a very secret text', 'a'));
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index]! ^= 1 << (index % 8);
      expect(() => key.decrypt(prefix + changed.toString('base64url'), 'a')).toThrow(DecryptionError);
    }
  });

  it('refuses a text with any one character changed, left out or added, even if that changes no byte', () => {
    // 18 bytes and 28 before them leave spare bits in the last character.
    const encrypted = key.encrypt('a very secret text', 'a');
    const characters = fc.constantFrom(...'AZaz09-_+/=!. \n');
    fc.assert(
      fc.property(fc.nat(encrypted.length), characters, fc.nat(1), (at, character, replaced) => {
        const changed = encrypted.slice(0, at) + character + encrypted.slice(at + replaced);
        if (changed !== encrypted) expect(() => key.decrypt(changed, 'a')).toThrow(DecryptionError);
      }),
      { numRuns: 2000 },
    );
    for (let index = 0; index < encrypted.length; index += 1) {
      expect(() => key.decrypt(encrypted.slice(0, index) + encrypted.slice(index + 1), 'a')).toThrow(DecryptionError);
    }
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const opened = [...last].filter((character) => {
      try {
        return key.decrypt(encrypted.slice(0, -1) + character, 'a');
      } catch {
        return false;
      }
    });
    expect(opened).toEqual([encrypted.at(-1)]);
  });

  it('refuses another context', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (text, context, other) => {
        fc.pre(context !== other);
        expect(() => key.decrypt(key.encrypt(text, context), other)).toThrow(DecryptionError);
      }),
    );
  });

  it('refuses another key', () => {
    const other = new DataKey(randomBytes(32).toString('base64'));
    expect(() => other.decrypt(key.encrypt('hello', 'a'), 'a')).toThrow(DecryptionError);
  });

  test.each([
    { what: 'nothing', text: '' },
    { what: 'the prefix alone', text: prefix },
    { what: 'something else', text: 'hello' },
    { what: 'too few bytes', text: prefix + Buffer.alloc(27).toString('base64url') },
    { what: 'another version', text: key.encrypt('hello', 'a').replace(prefix, 'encrypted2.') },
    { what: 'no version', text: key.encrypt('hello', 'a').slice(prefix.length) },
  ])('refuses $what', ({ text }) => {
    expect(() => key.decrypt(text, 'a')).toThrow(DecryptionError);
  });

  it('repeats neither the encrypted nor the open text in an error', () => {
    const encrypted = key.encrypt('a very secret text', 'a');
    // Of the last two letters some bits stand for nothing.
    const changed = `${encrypted.slice(0, -4)}${encrypted.at(-4) === 'A' ? 'B' : 'A'}${encrypted.slice(-3)}`;
    const other = new DataKey(randomBytes(32).toString('base64'));
    for (const error of [errorOf(() => key.decrypt(changed, 'a')), errorOf(() => other.decrypt(encrypted, 'a'))]) {
      expect(error).toBeInstanceOf(DecryptionError);
      const told = inspect(error) + JSON.stringify(error);
      expect(told).not.toContain(encrypted.slice(prefix.length, -2));
      expect(told).not.toContain('secret text');
      expect(told).not.toContain(base64);
    }
  });
});

describe('DataKey', () => {
  test.each([0, 1, 16, 31, 33, 64])(
    'refuses %i bytes, which it does not repeat, with the way to make a right key',
    (length) => {
      const wrong = Buffer.alloc(length, 0xcd).toString('base64');
      const error = errorOf(() => new DataKey(wrong));
      expect(error).toBeInstanceOf(DataKeyError);
      expect(error.message).toContain('openssl rand -base64 32');
      expect(error.message).toContain(`got ${length}`);
      if (wrong) expect(inspect(error)).not.toContain(wrong);
    },
  );

  it('accepts the line break at the end that openssl prints', () => {
    expect(new DataKey(`${base64}\n`).decrypt(key.encrypt('hello', 'a'), 'a')).toBe('hello');
  });

  it('shows no key in JSON, inspection or text', () => {
    const shown = [
      JSON.stringify(key),
      JSON.stringify({ key }),
      inspect(key, { showHidden: true, depth: null }),
      String(key),
    ];
    for (const text of shown) {
      expect(text).not.toContain(base64);
      expect(text.toLowerCase()).not.toMatch(/abab|ab ab|171/);
    }
    expect(Reflect.ownKeys(key)).toEqual([]);
  });
});

import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import {
  newPrivateKey,
  newSecret,
  publicKeyOf,
  SecretError,
  secretProblem,
  sign,
  signatureHeader,
} from '#functions/webhooks/http/signature.ts';
import {
  accepts,
  anyBody,
  anyId,
  anySecret,
  anySeed,
  body,
  bytesIn,
  headersOf,
  id,
  isSignedBy,
  privateKeyOf,
  secret,
  secretOf,
  seedKey,
  timestamp,
  wholeKey,
} from './signed-messages.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: timestamp * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a private key', () => {
  it('signs any message so that its public key verifies it, and no message with another byte', () => {
    fc.assert(
      fc.property(anySeed, anyId, anyBody, (seed, event, payload) => {
        const key = privateKeyOf(seed);
        const signature = sign(key, event, timestamp, payload);
        expect(isSignedBy(publicKeyOf(key), signature, `${event}.${timestamp}.${payload}`)).toBe(true);
        expect(isSignedBy(publicKeyOf(key), signature, `${event}.${timestamp}.${payload} `)).toBe(false);
      }),
    );
  });

  it('means the same in both spellings', () => {
    const whole = newPrivateKey();
    const seed = privateKeyOf(bytesIn(whole).subarray(0, 32));
    expect(sign(seed, id, timestamp, body)).toBe(sign(whole, id, timestamp, body));
    expect(publicKeyOf(seed)).toBe(publicKeyOf(whole));
  });

  it('is made anew each time, with its public key in the second half', () => {
    const key = newPrivateKey();
    expect(secretProblem(key)).toBeUndefined();
    expect(bytesIn(key)).toHaveLength(64);
    expect(bytesIn(key).subarray(32)).toEqual(bytesIn(publicKeyOf(key)));
    expect(newPrivateKey()).not.toBe(key);
  });

  test.each([secretOf(24), secretOf(32), 'hello', ''])('is the only thing with a public key: %s has none', (text) => {
    expect(() => publicKeyOf(text)).toThrow(SecretError);
  });
});

it('makes a new secret of 32 random bytes', () => {
  const made = newSecret();
  expect(secretProblem(made)).toBeUndefined();
  expect(bytesIn(made)).toHaveLength(32);
  expect(newSecret()).not.toBe(made);
});

describe('a secret', () => {
  const urlSafe = secretOf(32, 0xfb).replaceAll('+', '-').replaceAll('/', '_');
  const swapped = privateKeyOf(Buffer.concat([bytesIn(seedKey), bytesIn(publicKeyOf(wholeKey))]));
  const malformed = [
    { what: 'nothing', text: '', problem: /whsec_ or whsk_/ },
    { what: 'no prefix', text: secret.slice(6), problem: /whsec_ or whsk_/ },
    { what: 'a prefix in capitals', text: secret.replace('whsec_', 'WHSEC_'), problem: /whsec_ or whsk_/ },
    { what: 'a public key', text: publicKeyOf(wholeKey), problem: /whsec_ or whsk_/ },
    { what: 'a space before it', text: ` ${secret}`, problem: /whsec_ or whsk_/ },
    { what: 'the prefix alone', text: 'whsec_', problem: /base64/ },
    { what: 'the prefix of a private key alone', text: 'whsk_', problem: /base64/ },
    { what: 'url-safe base64', text: urlSafe, problem: /standard base64/ },
    { what: 'no padding', text: secretOf(32).replace('=', ''), problem: /padded/ },
    { what: 'too much padding', text: `${secret}=`, problem: /padded/ },
    { what: 'spare bits', text: secretOf(32).replace('s=', 't='), problem: /base64/ },
    { what: 'a line break after it', text: `${secret}\n`, problem: /base64/ },
    { what: '23 bytes', text: secretOf(23), problem: /24 to 64 bytes, got 23/ },
    { what: '65 bytes', text: secretOf(65), problem: /24 to 64 bytes, got 65/ },
    { what: 'a private key of 31 bytes', text: privateKeyOf(Buffer.alloc(31, 1)), problem: /32 or 64 bytes, got 31/ },
    { what: 'a private key of 48 bytes', text: privateKeyOf(Buffer.alloc(48, 1)), problem: /32 or 64 bytes, got 48/ },
    { what: 'a private key of 65 bytes', text: privateKeyOf(Buffer.alloc(65, 1)), problem: /32 or 64 bytes, got 65/ },
    { what: 'the public key of another', text: swapped, problem: /second half/ },
  ];

  test.each(malformed)('with $what is refused, and not repeated', ({ text, problem }) => {
    expect(secretProblem(text)).toMatch(problem);
    for (const use of [() => sign(text, id, timestamp, body), () => signatureHeader([text], id, timestamp, body)]) {
      expect(use).toThrow(SecretError);
      expect(use).toThrow(problem);
    }
    const key = text.replace(/^whs(ec|k)_/, '').trim();
    if (!key) return;
    expect(secretProblem(text)).not.toContain(key);
    try {
      sign(text, id, timestamp, body);
    } catch (error) {
      expect(inspect(error)).not.toContain(key);
    }
  });

  test.each([24, 25, 26, 32, 63, 64])('of %i bytes is accepted', (length) => {
    expect(secretProblem(secretOf(length))).toBeUndefined();
  });

  it('in url-safe base64 is refused whenever it differs from standard base64', () => {
    fc.assert(
      fc.property(anySecret, (key) => {
        const safe = `whsec_${bytesIn(key).toString('base64url')}`;
        if (safe === key) expect(secretProblem(safe)).toBeUndefined();
        else expect(() => sign(safe, id, timestamp, body)).toThrow(SecretError);
      }),
    );
  });

  it('of any text is either refused or signs so that the official library or the public key verifies', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string().map((text) => `whsec_${text}`),
      fc.base64String({ maxLength: 100 }).map((text) => `whsec_${text}`),
      fc.base64String({ maxLength: 100 }).map((text) => `whsk_${text}`),
      anySecret,
      anySeed.map(privateKeyOf),
    );
    fc.assert(
      fc.property(texts, (text) => {
        if (secretProblem(text)) {
          expect(() => sign(text, id, timestamp, body)).toThrow(SecretError);
          return;
        }
        const signature = sign(text, id, timestamp, body);
        const isVerified = text.startsWith('whsec_')
          ? accepts(text, body, headersOf(signature))
          : isSignedBy(publicKeyOf(text), signature, `${id}.${timestamp}.${body}`);
        expect(isVerified).toBe(true);
      }),
    );
  });
});

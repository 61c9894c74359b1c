import { inspect } from 'node:util';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
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
  helloBody,
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

describe('sign', () => {
  test.each([
    {
      vector: 'V1 of standard-webhooks',
      ...{ secret, id, timestamp, body },
      signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    {
      vector: 'V2 of standard-webhooks for Rust',
      ...{ secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', id: 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk' },
      ...{ timestamp: 1_649_367_553, body: '{"email":"test@example.com","username":"test_user"}' },
      signature: 'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
    },
    {
      vector: 'V3 of Svix, seed and public key',
      ...{ secret: wholeKey, id, timestamp, body },
      signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
    },
    {
      vector: 'V4 of Postel',
      ...{ secret: 'whsec_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=', id: 'msg_sigv1_valid' },
      ...{ timestamp: 1_767_225_600, body: helloBody },
      signature: 'v1,vr+LvThz8Z3i85RV0AOZKSAacUBmLcPMtxm8s+cm0oo=',
    },
    {
      vector: 'V5 of Postel, seed alone',
      ...{ secret: seedKey, id: 'msg_sigv1a_valid', timestamp: 1_767_225_600, body: helloBody },
      signature: 'v1a,D3aKPmv3zcRP8a4G4HQkSHa+/+fi/2C1WGAhAUau72YyHwzMmTesRT4Bt0CaqRsCbjgNqHnjpMJjP8oJyNIlAA==',
    },
  ])(
    'makes the published signature of $vector',
    ({ secret: key, id: event, timestamp: at, body: payload, signature }) => {
      expect(secretProblem(key)).toBeUndefined();
      expect(sign(key, event, at, payload)).toBe(signature);
    },
  );

  it('signs any message as the official library does', () => {
    fc.assert(
      fc.property(anySecret, anyId, fc.nat(2 ** 32), anyBody, (key, event, at, payload) => {
        expect(sign(key, event, at, payload)).toBe(new Webhook(key).sign(event, new Date(at * 1000), payload));
      }),
    );
  });

  it('signs any message with a private key so that its public key verifies it, and no message with another byte', () => {
    fc.assert(
      fc.property(anySeed, anyId, anyBody, (seed, event, payload) => {
        const key = privateKeyOf(seed);
        const signature = sign(key, event, timestamp, payload);
        expect(isSignedBy(publicKeyOf(key), signature, `${event}.${timestamp}.${payload}`)).toBe(true);
        expect(isSignedBy(publicKeyOf(key), signature, `${event}.${timestamp}.${payload} `)).toBe(false);
      }),
    );
  });
});

describe('publicKeyOf', () => {
  test.each([
    { what: 'V3', privateKey: wholeKey, publicKey: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=' },
    { what: 'V5', privateKey: seedKey, publicKey: 'whpk_/JR3MPSesBQnpm4FBzMpTZ5SDlRceicSWngGNOCGCic=' },
  ])('finds the published key of $what', ({ privateKey, publicKey }) => {
    expect(publicKeyOf(privateKey)).toBe(publicKey);
  });

  test.each([secretOf(24), secretOf(32), 'hello', ''])('refuses what is no private key: %s', (text) => {
    expect(() => publicKeyOf(text)).toThrow(SecretError);
  });
});

describe('newPrivateKey', () => {
  it('makes another key each time, with its public key in the second half, which means the same as the seed alone', () => {
    const key = newPrivateKey();
    expect(secretProblem(key)).toBeUndefined();
    expect(bytesIn(key)).toHaveLength(64);
    expect(bytesIn(key).subarray(32)).toEqual(bytesIn(publicKeyOf(key)));
    expect(newPrivateKey()).not.toBe(key);
    const seed = privateKeyOf(bytesIn(key).subarray(0, 32));
    expect([sign(seed, id, timestamp, body), publicKeyOf(seed)]).toEqual([
      sign(key, id, timestamp, body),
      publicKeyOf(key),
    ]);
  });
});

describe('newSecret', () => {
  it('makes another 32 random bytes each time', () => {
    const made = newSecret();
    expect(secretProblem(made)).toBeUndefined();
    expect(bytesIn(made)).toHaveLength(32);
    expect(newSecret()).not.toBe(made);
  });
});

describe('secretProblem', () => {
  const urlSafe = secretOf(32, 0xfb).replaceAll('+', '-').replaceAll('/', '_');
  const swapped = privateKeyOf(Buffer.concat([bytesIn(seedKey), bytesIn(publicKeyOf(wholeKey))]));

  test.each([
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
  ])('refuses a secret with $what, as signing does, without repeating it', ({ text, problem }) => {
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

  test.each([24, 25, 26, 32, 63, 64])('accepts a secret of %i bytes', (length) => {
    expect(secretProblem(secretOf(length))).toBeUndefined();
  });

  it('refuses any text, or it signs so that the official library or the public key verifies', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string().map((text) => `whsec_${text}`),
      fc.base64String({ maxLength: 100 }).map((text) => `whsec_${text}`),
      fc.base64String({ maxLength: 100 }).map((text) => `whsk_${text}`),
      anySecret,
      anySecret.map((key) => `whsec_${bytesIn(key).toString('base64url')}`),
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

describe('signatureHeader', () => {
  it('has the signature of every secret, the newest first, with exactly one space between', () => {
    const secrets = [secretOf(32, 1), secretOf(32, 2), wholeKey];
    const header = signatureHeader(secrets, id, timestamp, body);
    expect(header.split(' ')).toEqual(secrets.map((key) => sign(key, id, timestamp, body)));
    expect(header).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}= v1a,[\w+/]{86}==$/);
  });

  it('is accepted by the official library with the new secret and with the old one, and with no third', () => {
    fc.assert(
      fc.property(anyId, anyBody, (event, payload) => {
        const [fresh, old] = [newSecret(), newSecret()];
        const headers = headersOf(signatureHeader([wholeKey, fresh, old], event, timestamp, payload), event);
        expect(accepts(fresh, payload, headers)).toBe(true);
        expect(accepts(old, payload, headers)).toBe(true);
        expect(accepts(newSecret(), payload, headers)).toBe(false);
      }),
    );
  });

  it('throws when one of several secrets is malformed', () => {
    expect(() => signatureHeader([secret, 'whsec_'], id, timestamp, body)).toThrow(SecretError);
  });
});

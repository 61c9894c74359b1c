import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { defaultRetryDelays, nextAttemptAt } from '#functions/webhooks/endpoints/retry-schedule.ts';
import {
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
  body,
  headersOf,
  helloBody,
  id,
  isSignedBy,
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

describe('the published vectors', () => {
  test.each([
    {
      vector: 'V1 of standard-webhooks',
      secret,
      id,
      timestamp,
      body,
      signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    {
      vector: 'V2 of standard-webhooks for Rust',
      secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
      id: 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk',
      timestamp: 1_649_367_553,
      body: '{"email":"test@example.com","username":"test_user"}',
      signature: 'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
    },
    {
      vector: 'V3 of Svix, seed and public key',
      secret: wholeKey,
      id,
      timestamp,
      body,
      signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
    },
    {
      vector: 'V4 of Postel',
      secret: 'whsec_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=',
      id: 'msg_sigv1_valid',
      timestamp: 1_767_225_600,
      body: helloBody,
      signature: 'v1,vr+LvThz8Z3i85RV0AOZKSAacUBmLcPMtxm8s+cm0oo=',
    },
    {
      vector: 'V5 of Postel, seed alone',
      secret: seedKey,
      id: 'msg_sigv1a_valid',
      timestamp: 1_767_225_600,
      body: helloBody,
      signature: 'v1a,D3aKPmv3zcRP8a4G4HQkSHa+/+fi/2C1WGAhAUau72YyHwzMmTesRT4Bt0CaqRsCbjgNqHnjpMJjP8oJyNIlAA==',
    },
  ])('$vector is signed as published', ({ secret: key, id: event, timestamp: at, body: payload, signature }) => {
    expect(secretProblem(key)).toBeUndefined();
    expect(sign(key, event, at, payload)).toBe(signature);
    vi.setSystemTime(at * 1000);
    if (key.startsWith('whsec_')) expect(accepts(key, payload, headersOf(signature, at, event))).toBe(true);
    else expect(isSignedBy(publicKeyOf(key), signature, `${event}.${at}.${payload}`)).toBe(true);
  });

  test.each([
    { what: 'V3', privateKey: wholeKey, publicKey: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=' },
    { what: 'V5', privateKey: seedKey, publicKey: 'whpk_/JR3MPSesBQnpm4FBzMpTZ5SDlRceicSWngGNOCGCic=' },
  ])('the public key of $what is the published one', ({ privateKey, publicKey }) => {
    expect(publicKeyOf(privateKey)).toBe(publicKey);
  });
});

describe('the official library', () => {
  const right = sign(secret, id, timestamp, body);
  const wrong = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=';
  const without = (name: string) =>
    Object.fromEntries(Object.entries(headersOf(right)).filter(([header]) => header !== name));
  const tooFar = 5 * 60 + 1;
  const signedAt = (at: number) => headersOf(sign(secret, id, at, body), at);

  test.each<{ what: string; headers: Record<string, string>; payload?: string }>([
    { what: 'another signature', headers: headersOf(wrong) },
    { what: 'another version', headers: headersOf(right.replace('v1,', 'v2,')) },
    { what: 'a version without signature', headers: headersOf('v1,') },
    { what: 'a truncated signature', headers: headersOf(right.slice(0, 8)) },
    { what: 'no id', headers: without('webhook-id') },
    { what: 'no time stamp', headers: without('webhook-timestamp') },
    { what: 'no signature', headers: without('webhook-signature') },
    { what: 'another id', headers: headersOf(right, timestamp, `${id}x`) },
    { what: 'another time stamp', headers: headersOf(right, timestamp + 1) },
    { what: 'a time stamp that is none', headers: { ...headersOf(right), 'webhook-timestamp': 'hello' } },
    { what: 'a time stamp in milliseconds', headers: signedAt(timestamp * 1000) },
    { what: 'a time stamp too old', headers: signedAt(timestamp - tooFar) },
    { what: 'a time stamp too new', headers: signedAt(timestamp + tooFar) },
    { what: 'a body serialised anew', headers: headersOf(right), payload: JSON.stringify(JSON.parse(body)) },
  ])('refuses $what', ({ headers, payload = body }) => {
    expect(accepts(secret, payload, headers)).toBe(false);
  });

  test.each<{ what: string; headers: Record<string, string> }>([
    { what: 'the signature', headers: headersOf(right) },
    { what: 'a time stamp five minutes old', headers: signedAt(timestamp - tooFar + 1) },
    { what: 'a time stamp five minutes ahead', headers: signedAt(timestamp + tooFar - 1) },
    { what: 'the signature amid others', headers: headersOf(`${wrong} ${right} ${wrong.replace('v1,', 'v2,')}`) },
    {
      what: 'the signature after one of a private key',
      headers: headersOf(signatureHeader([wholeKey, secret], id, timestamp, body)),
    },
  ])('accepts $what', ({ headers }) => {
    expect(accepts(secret, body, headers)).toBe(true);
  });

  it('signs any message just so', () => {
    fc.assert(
      fc.property(anySecret, anyId, fc.nat(2 ** 32), anyBody, (key, event, at, payload) => {
        expect(sign(key, event, at, payload)).toBe(new Webhook(key).sign(event, new Date(at * 1000), payload));
      }),
    );
  });

  it('accepts any signed message, and refuses it with any one bit of the body flipped', () => {
    fc.assert(
      fc.property(anySecret, anyId, fc.uint8Array({ minLength: 1 }), fc.nat(), (key, event, ascii, place) => {
        const bytes = Buffer.from(ascii.map((byte) => byte & 0x7f));
        const payload = bytes.toString();
        const headers = headersOf(sign(key, event, timestamp, payload), timestamp, event);
        expect(accepts(key, payload, headers)).toBe(true);
        bytes[place % bytes.length]! ^= 1 << (place % 7);
        expect(accepts(key, bytes.toString(), headers)).toBe(false);
      }),
    );
  });

  it('accepts ten attempts under one id, each with a fresh time stamp, and no earlier one in its place', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const draws = fc.array(random, { minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(anySecret, anyId, anyBody, draws, (key, event, payload, values) => {
        let at: number | undefined = timestamp * 1000;
        const attempts: { at: number; headers: Record<string, string> }[] = [];
        while (at !== undefined) {
          vi.setSystemTime(at);
          const seconds = Math.floor(at / 1000);
          const headers = headersOf(sign(key, event, seconds, payload), seconds, event);
          expect(accepts(key, payload, headers)).toBe(true);
          for (const earlier of attempts) {
            expect(earlier.headers['webhook-timestamp']).not.toBe(headers['webhook-timestamp']);
            const isFresh = seconds - Math.floor(earlier.at / 1000) <= 5 * 60;
            expect(accepts(key, payload, earlier.headers)).toBe(isFresh);
          }
          attempts.push({ at, headers });
          at = nextAttemptAt({
            attempt: attempts.length,
            retryDelaysMs: defaultRetryDelays,
            retryAfterMs: undefined,
            endedAt: at,
            random: () => values[attempts.length - 1]!,
          });
        }
        expect(attempts).toHaveLength(10);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the header during rotation', () => {
  it('has the signature of every secret, the newest first, with exactly one space between', () => {
    const secrets = [secretOf(32, 1), secretOf(32, 2), wholeKey];
    const header = signatureHeader(secrets, id, timestamp, body);
    expect(header.split(' ')).toEqual(secrets.map((key) => sign(key, id, timestamp, body)));
    expect(header).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}= v1a,[\w+/]{86}==$/);
  });

  it('is the signature alone when there is one secret', () => {
    expect(signatureHeader([secret], id, timestamp, body)).toBe(sign(secret, id, timestamp, body));
  });

  it('is accepted with the new secret and with the old one, and with no third', () => {
    fc.assert(
      fc.property(anyId, anyBody, (event, payload) => {
        const [fresh, old] = [newSecret(), newSecret()];
        const headers = headersOf(signatureHeader([fresh, old], event, timestamp, payload), timestamp, event);
        expect(accepts(fresh, payload, headers)).toBe(true);
        expect(accepts(old, payload, headers)).toBe(true);
        expect(accepts(newSecret(), payload, headers)).toBe(false);
      }),
    );
  });

  it('is not made when one of the secrets is malformed', () => {
    expect(() => signatureHeader([secret, 'whsec_'], id, timestamp, body)).toThrow(SecretError);
  });
});

import { describe, expect, it } from 'vitest';
import {
  endsSoon,
  hasEnded,
  isBusy,
  isPaused,
  longestRenewalMs,
  methodsIn,
  pauseAfter,
  renewalTime,
  type Verification,
} from '#functions/cryptshare/verification.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;
const now = Date.parse('2026-11-24T00:00:00.000Z');
const iso = (time: number) => new Date(time).toISOString();
const verification = (part: Partial<Verification> = {}): Verification => ({
  ...{ mailbox: 'alice@example.com', rev: 1, method: 'client_id', obtainedAt: iso(now) },
  ...part,
});

/** A verification after an attempt that failed, or one that has begun. */
const failedAt = (time: number, failures = 1) =>
  verification({ failures, triedAt: iso(time), retryAt: iso(time + pauseAfter(failures)) });
const begunAt = (time: number) => verification({ busyUntil: iso(time + longestRenewalMs) });

describe('renewalTime', () => {
  it.each([
    ['a third of its life before its end', 12 * hour, 8 * hour],
    ['a day before its end at most', 30 * day, 29 * day],
    ['its end for a token without life', 0, 0],
  ])('is %s', (_, life, renewal) => {
    expect(renewalTime(verification({ validUntil: iso(now + life) }))).toBe(now + renewal);
  });

  it('is undefined, and the token never over, when its end is unknown', () => {
    expect(renewalTime(verification())).toBeUndefined();
    expect(hasEnded(verification(), Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

describe('endsSoon', () => {
  it.each([
    { method: 'email', left: 7 * day, isSoon: true },
    { method: 'email', left: 7 * day + 1, isSoon: false },
    { method: 'client_id', left: day, isSoon: false },
  ] as const)('is $isSoon for a verification by $method with $left ms left', ({ method, left, isSoon }) => {
    expect(endsSoon(verification({ method, validUntil: iso(now + left) }), now)).toBe(isSoon);
  });
});

describe('methodsIn', () => {
  it.each([
    { names: ['CLIENT_ID', 'EMAIL'], methods: ['client_id', 'email'] },
    { names: ['clientId', 'email'], methods: ['client_id', 'email'] },
    { names: ['client-id'], methods: ['client_id'] },
    { names: ['SAML', 7, null], methods: [] },
  ])('understands $names', ({ names, methods }) => {
    expect([...methodsIn(names)]).toEqual(methods);
  });
});

describe('pauseAfter', () => {
  it('doubles from a minute up to an hour', () => {
    expect([1, 2, 3, 20].map(pauseAfter)).toEqual([minute, 2 * minute, 4 * minute, hour]);
  });
});

describe('isBusy', () => {
  it('is true until the longest time of an attempt is over', () => {
    expect([begunAt(now), begunAt(now - minute)].map((one) => isBusy(one, now))).toEqual([true, false]);
  });

  it.each([minute, hour, year])('is false for an attempt that a clock %i ms ahead has dated', (ahead) => {
    expect(isBusy(begunAt(now + ahead), now)).toBe(false);
  });
});

describe('isPaused', () => {
  it('is true until the pause after a failure is over', () => {
    expect([failedAt(now), failedAt(now - minute)].map((one) => isPaused(one, 0, now))).toEqual([true, false]);
    expect(isPaused(failedAt(now - 30 * minute, 20), 0, now)).toBe(true);
  });

  it('is false once the cause was mended after the failure', () => {
    const failed = failedAt(now - 1000);
    const mended = [now - 1001, now - 1000, now];
    expect(mended.map((mendedAt) => isPaused(failed, mendedAt, now))).toEqual([true, false, false]);
  });

  it.each([minute, hour, year])('is false for a failure that a clock %i ms ahead has dated', (ahead) => {
    expect(isPaused(failedAt(now + ahead), 0, now)).toBe(false);
    expect(isPaused(failedAt(now + ahead, 20), 0, now)).toBe(false);
  });

  it('is false for a pause longer than any', () => {
    expect(isPaused(verification({ retryAt: iso(now + year) }), 0, now)).toBe(false);
  });
});

import { expect, test } from 'vitest';
import {
  isBusy,
  isPaused,
  longestRenewalMs,
  pauseAfter,
  type Verification,
} from '#functions/cryptshare/verification.ts';

const now = Date.parse('2026-11-24T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const year = 365 * 24 * hour;
const iso = (at: number) => new Date(at).toISOString();
const verification = (rest: Partial<Verification>): Verification => ({
  ...{ mailbox: 'alice@example.com', rev: 1, method: 'client_id' },
  ...rest,
});

/** A verification as it stands when an attempt has failed, or been begun, at an instant. */
const failedAt = (at: number, failures = 1) =>
  verification({ failures, triedAt: iso(at), retryAt: iso(at + pauseAfter(failures)) });
const begunAt = (at: number) => verification({ busyUntil: iso(at + longestRenewalMs) });

test('no other attempt is made while one is under way, nor before the pause after a failure is over', () => {
  expect([begunAt(now), begunAt(now - minute)].map((one) => isBusy(one, now))).toEqual([true, false]);
  expect([failedAt(now), failedAt(now - minute)].map((one) => isPaused(one, 0, now))).toEqual([true, false]);
  expect(isPaused(failedAt(now - 30 * minute, 20), 0, now)).toBe(true);
});

test('an attempt that failed before its cause was mended puts off no other, and one that failed after does', () => {
  const failed = failedAt(now - 1000);
  expect([now - 1001, now - 1000, now].map((mendedAt) => isPaused(failed, mendedAt, now))).toEqual([
    true,
    false,
    false,
  ]);
});

test.each([minute, hour, year])('what a clock %i ms ahead has begun or put off is put off no longer', (ahead) => {
  expect(isBusy(begunAt(now + ahead), now)).toBe(false);
  expect(isPaused(failedAt(now + ahead), 0, now)).toBe(false);
  expect(isPaused(failedAt(now + ahead, 20), 0, now)).toBe(false);
});

test('a pause longer than any that is ever given is not waited for', () => {
  expect(isPaused(verification({ retryAt: iso(now + year) }), 0, now)).toBe(false);
});

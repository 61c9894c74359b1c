import { describe, expect, test } from 'vitest';
import {
  endsSoon,
  hasEnded,
  methodsIn,
  pauseAfter,
  renewalTime,
  type Verification,
} from '#functions/cryptshare/verification.ts';

const hour = 3_600_000;
const day = 24 * hour;
const obtainedAt = '2026-11-24T00:00:00.000Z';
const start = Date.parse(obtainedAt);
const at = (milliseconds: number) => new Date(start + milliseconds).toISOString();
const verification = (part: Partial<Verification> = {}): Verification => ({
  mailbox: 'alice@example.com',
  rev: 1,
  method: 'client_id',
  obtainedAt,
  ...part,
});

test.each([
  ['a third of its life before its end', 12 * hour, 8 * hour],
  ['a day before its end at most', 30 * day, 29 * day],
  ['at its end when it begins there', 0, 0],
])('a token is renewed %s', (_, life, renewal) => {
  expect(renewalTime(verification({ validUntil: at(life) }))).toBe(start + renewal);
});

test('a token whose end is not known is never due and never over', () => {
  expect(renewalTime(verification())).toBeUndefined();
  expect(hasEnded(verification(), Number.MAX_SAFE_INTEGER)).toBe(false);
});

describe('operators are told of an end', () => {
  test.each([
    ['a week before, when only a person can renew it', 'email', 7 * day, true],
    ['not earlier', 'email', 7 * day + 1, false],
    ['not when the client id renews it by itself', 'client_id', day, false],
  ] as const)('%s', (_, method, left, told) => {
    expect(endsSoon(verification({ method, validUntil: at(left) }), start)).toBe(told);
  });
});

test.each([
  [
    ['CLIENT_ID', 'EMAIL'],
    ['client_id', 'email'],
  ],
  [
    ['clientId', 'email'],
    ['client_id', 'email'],
  ],
  [['client-id'], ['client_id']],
  [['SAML', 7, null], []],
])('methods are understood in every spelling: %j', (names, methods) => {
  expect([...methodsIn(names)]).toEqual(methods);
});

test('attempts that fail come ever more rarely, but once an hour at least', () => {
  expect([1, 2, 3, 20].map(pauseAfter)).toEqual([60_000, 120_000, 240_000, hour]);
});

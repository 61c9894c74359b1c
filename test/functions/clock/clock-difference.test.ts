import { expect, test } from 'vitest';
import { clockDifference, clockWords } from '#functions/clock/clock-difference.ts';

const now = Date.parse('2026-11-24T12:00:00Z');

test.each([
  { headers: { date: 'Tue, 24 Nov 2026 10:59:00 GMT' }, difference: 61 * 60_000 },
  { headers: { date: 'Tue, 24 Nov 2026 12:00:30 GMT' }, difference: -30_000 },
  { headers: {}, difference: undefined },
  { headers: { date: 'yesterday' }, difference: undefined },
  { headers: { date: 'Tue, 24 Nov 2026 10:59:00 GMT', age: '3660' }, difference: undefined },
])(
  'clockDifference finds in an answer with $headers that the clock here is $difference ms ahead',
  ({ headers, difference }) => {
    expect(clockDifference(headers, now)).toBe(difference);
  },
);

test.each([
  [undefined, undefined],
  [59_000, undefined],
  [-59_000, undefined],
  [60_000, 'the clock here is 1 min ahead of the server’s'],
  [-3_660_000, 'the clock here is 61 min behind the server’s'],
  [-2 * 3_600_000, 'the clock here is 2 h behind the server’s'],
  [365 * 86_400_000, 'the clock here is 365 days ahead of the server’s'],
])('clockWords tells a difference of %s ms as: %s', (difference, words) => {
  expect(clockWords(difference, 'the server’s')).toBe(words);
});

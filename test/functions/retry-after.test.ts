import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { retryAfterOf } from '../../functions/retry-after.ts';

const now = new Date('2026-11-24T12:00:00Z');

test.each([
  { what: 'seconds', header: '120', ms: 120_000 },
  { what: 'zero', header: '0', ms: 0 },
  { what: 'seconds with spaces', header: ' 5 ', ms: 5_000 },
  { what: 'an HTTP date', header: 'Tue, 24 Nov 2026 12:00:30 GMT', ms: 30_000 },
  { what: 'a date that has passed', header: 'Tue, 24 Nov 2026 11:00:00 GMT', ms: 0 },
  { what: 'garbage', header: 'soon', ms: undefined },
  { what: 'an empty text', header: '', ms: undefined },
  { what: 'a number beyond all numbers', header: '9'.repeat(400), ms: undefined },
  { what: 'nothing', header: undefined, ms: undefined },
])('Retry-After of $what asks for $ms ms', ({ header, ms }) => {
  expect(retryAfterOf(header, now)).toBe(ms);
});

test.each(['1.5', '-5', 'soon 5', 'in 3000 days', '2026-11-24'])('Retry-After: %s is no time', (header) => {
  expect(retryAfterOf(header, now)).toBeUndefined();
});

it('never asks for less than nothing, nor for something that is no number', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.date().map((date) => (Number.isNaN(date.getTime()) ? 'x' : date.toUTCString())),
      ),
      (header) => {
        const ms = retryAfterOf(header, now);
        if (ms !== undefined) expect(Number.isFinite(ms) && ms >= 0).toBe(true);
      },
    ),
  );
});

import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { retryAfterOf } from '#functions/http/retry-after.ts';

const now = new Date('2026-11-24T12:00:00Z');

test.each([
  { what: 'seconds', header: '120', ms: 120_000 },
  { what: 'zero', header: '0', ms: 0 },
  { what: 'seconds with spaces', header: ' 5 ', ms: 5_000 },
  { what: 'an HTTP date', header: 'Tue, 24 Nov 2026 12:00:30 GMT', ms: 30_000 },
  { what: 'a date that has passed', header: 'Tue, 24 Nov 2026 11:00:00 GMT', ms: 0 },
  { what: 'garbage', header: 'soon', ms: undefined },
  { what: 'an empty text', header: '', ms: undefined },
  { what: 'the obsolete date of RFC 850', header: 'Tuesday, 24-Nov-26 12:02:00 GMT', ms: 120_000 },
  { what: 'the obsolete date of asctime', header: 'Tue Nov 24 12:02:00 2026', ms: 120_000 },
  { what: 'an asctime date with a day of one digit', header: 'Sat Dec  5 12:00:00 2026', ms: 11 * 86_400_000 },
  { what: 'a date on a leap second', header: 'Tue, 24 Nov 2026 12:00:60 GMT', ms: 60_000 },
  { what: 'more seconds than there are in a century', header: '99999999999999', ms: 2 ** 31 * 1000 },
  { what: 'a number beyond all numbers', header: '9'.repeat(400), ms: 2 ** 31 * 1000 },
  { what: 'nothing', header: undefined, ms: undefined },
])('retryAfterOf reads $what as $ms ms', ({ header, ms }) => {
  expect(retryAfterOf(header, now)).toBe(ms);
});

test.each([
  ...['1.5', '-5', '+5', '0x10', '120, 120', 'soon 5', 'in 3000 days', '2026-11-24', '2026-11-24T12:02:00Z'],
  ...['Tue, 24 Nov 2026 25:00:00 GMT', 'Tue, 31 Nov 2026 12:02:00 GMT', 'Tue, 00 Nov 2026 12:02:00 GMT'],
  ...['Tue, 24 Nox 2026 12:02:00 GMT', 'Tue, 24 Nov 2026 12:02:00 CET', 'Tuesday, 30-Feb-26 12:02:00 GMT'],
])('retryAfterOf finds no time in %s', (header) => {
  expect(retryAfterOf(header, now)).toBeUndefined();
});

test.each([
  { year: '26', header: 'Tuesday, 24-Nov-26 12:00:01 GMT', ms: 1000 },
  { year: '76, which is 50 years ahead', header: 'Tuesday, 24-Nov-76 12:00:00 GMT', ms: 1_577_923_200_000 },
  { year: '76, a moment more than 50 years ahead and so 1976', header: 'Tuesday, 24-Nov-76 12:00:01 GMT', ms: 0 },
  { year: '94, which was 1994', header: 'Sunday, 06-Nov-94 08:49:37 GMT', ms: 0 },
])('retryAfterOf reads a year of two digits as at most 50 years ahead: $year', ({ header, ms }) => {
  expect(retryAfterOf(header, now)).toBe(ms);
});

test('retryAfterOf reads a year of two digits as of the next century at the end of one', () => {
  const eve = new Date('2099-12-31T23:59:50Z');
  expect(retryAfterOf('Friday, 01-Jan-00 00:00:00 GMT', eve)).toBe(10_000);
});

test('retryAfterOf counts a date from the date of the answer, so that the clocks may differ', () => {
  const until = 'Tue, 24 Nov 2026 15:02:00 GMT';
  expect(retryAfterOf(until, now, 'Tue, 24 Nov 2026 15:00:00 GMT')).toBe(120_000);
  expect(retryAfterOf(until, now, 'Tuesday, 24-Nov-26 15:00:00 GMT')).toBe(120_000);
  expect(retryAfterOf(until, now, 'some time')).toBe(3 * 3_600_000 + 120_000);
  expect(retryAfterOf('120', now, 'Tue, 24 Nov 2026 15:00:00 GMT')).toBe(120_000);
});

it('retryAfterOf never finds less than zero, nor anything but a number', () => {
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

it('retryAfterOf reads any date of a century in each of the three forms', () => {
  const max = new Date('2076-11-24T12:00:00Z');
  const date = fc.date({ min: new Date('1976-11-25T00:00:00Z'), max, noInvalidDate: true });
  fc.assert(
    fc.property(date, (any) => {
      const [weekday = '', day = '', month = '', year = '', time = ''] = any.toUTCString().replace(',', '').split(' ');
      const ms = Math.max(0, Math.floor(any.getTime() / 1000) * 1000 - now.getTime());
      for (const header of [
        any.toUTCString(),
        `${{ M: 'Monday', W: 'Wednesday', F: 'Friday' }[weekday[0]!] ?? 'Thursday'}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
        `${weekday} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`,
      ]) {
        expect([header, retryAfterOf(header, now)]).toEqual([header, ms]);
      }
    }),
  );
});

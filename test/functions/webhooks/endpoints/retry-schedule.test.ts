import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { defaultRetryDelays, nextAttemptAt, retryDelaysProblem } from '#functions/webhooks/endpoints/retry-schedule.ts';

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
const endedAt = Date.parse('2026-11-24T12:00:00Z');
/** The middle of the jitter: the delay as it stands. */
const middle = () => 0.5;

const milliseconds = (clock: string): number => {
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * second;
};

/** How long after the end of an attempt the next one comes. */
const wait = (attempt: number, retryAfterMs?: number, random = middle): number =>
  nextAttemptAt({ attempt, retryDelaysMs: defaultRetryDelays, retryAfterMs, endedAt, random })! - endedAt;

describe('the schedule of Standard Webhooks 1.0.0', () => {
  const instants = [
    '00:00:05',
    '00:05:05',
    '00:35:05',
    '02:35:05',
    '07:35:05',
    '17:35:05',
    '31:35:05',
    '51:35:05',
    '75:35:05',
  ];

  test.each(instants.map((instant, index) => ({ attempt: index + 1, instant })))(
    'has retry $attempt at $instant when attempts take no time',
    ({ attempt, instant }) => {
      let at = endedAt;
      for (let made = 1; made <= attempt; made += 1) {
        at = nextAttemptAt({
          attempt: made,
          retryDelaysMs: defaultRetryDelays,
          retryAfterMs: undefined,
          endedAt: at,
          random: middle,
        })!;
      }
      expect(at - endedAt).toBe(milliseconds(instant));
    },
  );

  it('is over after ten attempts, whatever the receiver asks for', () => {
    expect(defaultRetryDelays).toHaveLength(instants.length);
    for (const retryAfterMs of [undefined, 0, hour]) {
      const failed = { attempt: 10, retryDelaysMs: defaultRetryDelays, retryAfterMs, endedAt, random: middle };
      expect(nextAttemptAt(failed)).toBeUndefined();
    }
  });

  it('does not get faster, and is a schedule', () => {
    expect([...defaultRetryDelays].sort((a, b) => a - b)).toEqual(defaultRetryDelays);
    expect(retryDelaysProblem(defaultRetryDelays)).toBeUndefined();
  });
});

describe('jitter', () => {
  test.each([
    { random: 0, ms: 4_000 },
    { random: 0.25, ms: 4_500 },
    { random: 0.5, ms: 5_000 },
    { random: 0.75, ms: 5_500 },
    { random: 1 - Number.EPSILON, ms: 6_000 },
  ])('of $random makes $ms ms of five seconds', ({ random, ms }) => {
    expect(wait(1, undefined, () => random)).toBe(ms);
  });

  it('moves a delay by at most a fifth, to a whole millisecond', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const delays = fc.array(fc.integer({ min: second, max: 7 * day }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(delays, fc.nat(19), random, (retryDelaysMs, index, value) => {
        const failed = { attempt: index + 1, retryDelaysMs, retryAfterMs: undefined, endedAt, random: () => value };
        const at = nextAttemptAt(failed);
        const delay = retryDelaysMs[index];
        if (delay === undefined) {
          expect(at).toBeUndefined();
          return;
        }
        expect(Number.isInteger(at)).toBe(true);
        expect(at! - endedAt).toBeGreaterThanOrEqual(Math.floor(0.8 * delay));
        expect(at! - endedAt).toBeLessThanOrEqual(Math.ceil(1.2 * delay));
      }),
    );
  });
});

describe('Retry-After', () => {
  test.each([
    { what: 'larger than the delay is heeded', attempt: 1, retryAfterMs: 60 * second, ms: 60 * second },
    { what: 'smaller than the delay changes nothing', attempt: 2, retryAfterMs: 60 * second, ms: 300 * second },
    { what: 'of zero changes nothing', attempt: 1, retryAfterMs: 0, ms: 5 * second },
    { what: 'of exactly a day is heeded', attempt: 1, retryAfterMs: day, ms: day },
    { what: 'of more than a day counts as a day', attempt: 1, retryAfterMs: day + 1, ms: day },
    { what: 'of a year counts as a day', attempt: 4, retryAfterMs: 365 * day, ms: day },
  ])('$what', ({ attempt, retryAfterMs, ms }) => {
    expect(wait(attempt, retryAfterMs)).toBe(ms);
  });

  it('is compared with the delay after jitter', () => {
    expect(wait(1, 4_500, () => 0)).toBe(4_500);
    expect(wait(1, 5_500, () => 1 - Number.EPSILON)).toBe(6_000);
    expect(wait(9, 365 * day, () => 1 - Number.EPSILON)).toBe(1.2 * day);
  });

  it('up to a day is never undercut', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(2 * day), random, (attempt, retryAfterMs, value) => {
        expect(wait(attempt, retryAfterMs, () => value)).toBeGreaterThanOrEqual(Math.min(retryAfterMs, day));
      }),
    );
  });
});

test.each([
  { what: 'one delay of a second', delays: [second], problem: undefined },
  { what: 'one delay of seven days', delays: [7 * day], problem: undefined },
  { what: 'twenty delays', delays: Array(20).fill(hour), problem: undefined },
  { what: 'no delay', delays: [], problem: /1 to 20 delays, got 0/ },
  { what: 'twenty-one delays', delays: Array(21).fill(hour), problem: /1 to 20 delays, got 21/ },
  { what: 'less than a second', delays: [hour, second - 1], problem: /got 999$/ },
  { what: 'more than seven days', delays: [7 * day + 1], problem: /got 604800001$/ },
  { what: 'half a millisecond', delays: [1000.5], problem: /whole milliseconds, got 1000.5/ },
  { what: 'no number', delays: [Number.NaN], problem: /got NaN/ },
  { what: 'no end', delays: [Number.POSITIVE_INFINITY], problem: /got Infinity/ },
])('$what: $problem', ({ delays, problem }) => {
  if (problem) expect(retryDelaysProblem(delays)).toMatch(problem);
  else expect(retryDelaysProblem(delays)).toBeUndefined();
});

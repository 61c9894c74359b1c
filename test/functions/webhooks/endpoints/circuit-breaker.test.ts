import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  believedBreaker,
  type CircuitBreaker,
  failuresToOpen,
  newBreaker,
  type Observation,
  observe,
  stateOf,
} from '#functions/webhooks/endpoints/circuit-breaker.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.parse('2026-11-24T12:00:00Z');

/** An attempt of half a second that fails, unless told otherwise. */
const attempt = (startedAt: number, change: Partial<Observation> = {}): Observation => ({
  startedAt,
  endedAt: startedAt + 500,
  isSuccess: false,
  slowDown: false,
  retryAfterMs: undefined,
  ...change,
});
const success = { isSuccess: true };
const slowDown = (retryAfterMs?: number) => ({ slowDown: true, retryAfterMs });

/** The breaker after consecutive failures, each as soon as it lets one through, and the end of the last one. */
function failing(times: number, change: Partial<Observation> = {}, from = newBreaker) {
  let breaker = from;
  let at = start;
  for (let made = 0; made < times; made += 1) {
    at = Math.max(at + second, breaker.openUntil ?? 0);
    breaker = observe(breaker, attempt(at, change));
  }
  return { breaker, endedAt: at + 500 };
}

/** What is observed of a breaker at an instant: its state, and for how long it stays open. */
const seen = (breaker: CircuitBreaker, now: number): string => {
  const state = stateOf(breaker, now);
  return state === 'open' ? `open for ${(breaker.openUntil! - now) / second} s` : state;
};

/** A breaker that lets one through at `start` after a number of failures in a row. */
const halfOpen = (failures: number): CircuitBreaker => ({
  ...{ failures, failedAttempts: failures, failedAt: start - hour, failingSince: start - day, openUntil: start },
});
const closed = (failures: number): CircuitBreaker => ({ ...newBreaker, failures, failedAt: start - hour });
/** A breaker that one failure, which has just ended, has opened for so long. */
const opened = (openFor: number): CircuitBreaker => ({ ...closed(1), failedAt: start, openUntil: start + openFor });

test.each<[before: string, attempt: string, after: string, failures: number, CircuitBreaker, Partial<Observation>]>([
  ['closed', 'succeeds', 'closed', 0, closed(0), success],
  ['closed after four failures', 'succeeds', 'closed', 0, closed(4), success],
  ['half-open', 'succeeds', 'closed', 0, halfOpen(7), success],
  ['open', 'began before and succeeds', 'open for 59.5 s', 0, opened(minute), success],
  ['closed', 'fails', 'closed', 1, closed(0), {}],
  ['closed after three failures', 'fails', 'closed', 4, closed(3), {}],
  ['closed after four failures', 'fails', 'open for 60 s', 5, closed(4), {}],
  ['half-open after five failures', 'fails', 'open for 120 s', 6, halfOpen(5), {}],
  ['half-open after six failures', 'fails', 'open for 240 s', 7, halfOpen(6), {}],
  ['half-open after ten failures', 'fails', 'open for 3600 s', 11, halfOpen(10), {}],
  ['half-open after a thousand failures', 'fails', 'open for 3600 s', 1001, halfOpen(1000), {}],
  ['half-open after a single failure, which asked to slow down', 'fails', 'half-open', 2, halfOpen(1), {}],
  ['closed', 'asks to slow down', 'open for 5 s', 1, closed(0), slowDown()],
  ['closed after one failure', 'asks to slow down', 'open for 10 s', 2, closed(1), slowDown()],
  ['half-open after five failures', 'asks to slow down', 'open for 160 s', 6, halfOpen(5), slowDown()],
  ['half-open after a thousand failures', 'asks to slow down', 'open for 300 s', 1001, halfOpen(1000), slowDown()],
  ['closed', 'asks to be left alone for 90 s', 'open for 90 s', 1, closed(0), slowDown(90 * second)],
  ['closed', 'asks to be left alone for a second', 'open for 5 s', 1, closed(0), slowDown(second)],
  ['closed', 'asks to be left alone for two days', 'open for 86400 s', 1, closed(0), slowDown(2 * day)],
  ['open', 'began before and fails', 'open for 59.5 s', 1, opened(minute), {}],
  ['open', 'began before and asks to slow down', 'open for 59.5 s', 1, opened(minute), slowDown()],
  ['open for a little', 'began before and asks for a minute', 'open for 60 s', 1, opened(second), slowDown(minute)],
])(
  'observe a breaker that is %s, and an attempt that %s: it is %s, with %i failures in a row',
  (_, __, after, failures, breaker, change) => {
    const made = attempt(start, change);
    const next = observe(breaker, made);
    expect([seen(next, made.endedAt), next.failures]).toEqual([after, failures]);
  },
);

describe('observe', () => {
  it('opens the breaker at five failures in a row, each begun after the end of the one before', () => {
    expect(failuresToOpen).toBe(5);
    expect(seen(failing(4).breaker, failing(4).endedAt)).toBe('closed');
    expect(seen(failing(5).breaker, failing(5).endedAt)).toBe('open for 60 s');
  });

  it('forgets all failures at a success, so that they are not in a row', () => {
    const before = failing(4);
    const well = observe(before.breaker, attempt(before.endedAt, success));
    expect(well).toMatchObject({ failures: 0, failedAttempts: 0 });
    expect(well).not.toHaveProperty('failingSince');
    expect(stateOf(failing(4, {}, well).breaker, start + hour)).toBe('closed');
  });

  it('keeps the start of the first failure and the number of attempts', () => {
    expect(failing(3).breaker).toMatchObject({ failingSince: start + second, failedAttempts: 3 });
  });

  it('counts failures in flight at the same instant as one, in whatever order they end', () => {
    const spread = fc.record({ before: fc.nat(15 * second), after: fc.nat(15 * second), order: fc.nat() });
    fc.assert(
      fc.property(fc.array(spread, { minLength: 1, maxLength: 100 }), (ends) => {
        const breaker = ends
          .toSorted((one, other) => one.order - other.order)
          .map(({ before, after }) => attempt(start - before, { endedAt: start + after }))
          .reduce(observe, newBreaker);
        expect(breaker).toMatchObject({ failures: 1, failedAttempts: ends.length });
        expect(breaker.openUntil).toBeUndefined();
      }),
    );
  });

  it('counts a failure that begins after the end of one that counted, though others of that time go on', () => {
    const [first, slow] = [attempt(start), attempt(start + 100, { endedAt: start + 10 * second })];
    const breaker = [first, slow, attempt(start + 2 * second)].reduce(observe, newBreaker);
    expect(breaker.failures).toBe(2);
  });

  it('counts a burst of ten 429 as one failure, which opens the breaker for 5 s from the last of them', () => {
    const burst = Array.from({ length: 10 }, (_, index) =>
      attempt(start + index, { ...slowDown(), endedAt: start + second }),
    );
    const breaker = burst.reduce(observe, newBreaker);
    expect([seen(breaker, start + second), breaker.failures]).toEqual(['open for 5 s', 1]);
  });

  it('opens for the longest that the answers of one burst wish', () => {
    const wishes = [2 * second, minute, 7 * second];
    const burst = wishes.map((wish) => attempt(start, slowDown(wish)));
    expect(seen(burst.reduce(observe, newBreaker), start + 500)).toBe('open for 60 s');
  });
});

it('stays open for as long as it was told, whatever succeeds that began before, and lets one through at the end', () => {
  const asked = observe(newBreaker, attempt(start, slowDown(minute)));
  const until = start + 500 + minute;
  const later = observe(asked, attempt(start + 10, { ...success, endedAt: start + 10 * second }));
  expect([until - 1, until].map((now) => stateOf(later, now))).toEqual(['open', 'half-open']);
  expect(stateOf(observe(later, attempt(until, success)), until)).toBe('closed');
});

const anyObservation = fc.record({
  wait: fc.nat(2 * hour),
  took: fc.nat(15 * second),
  isSuccess: fc.boolean(),
  slowDown: fc.boolean(),
  retryAfterMs: fc.option(fc.nat(100 * day), { nil: undefined }),
});

test('opens for no longer than a day after the last observation, whatever is observed', () => {
  fc.assert(
    fc.property(fc.array(anyObservation), (history) => {
      let breaker = newBreaker;
      let now = start;
      for (const { wait, took, ...answer } of history) {
        breaker = observe(breaker, { ...answer, startedAt: now + wait, endedAt: now + wait + took });
        now += wait + took;
        expect(breaker.openUntil ?? 0).toBeLessThanOrEqual(now + day);
      }
    }),
  );
});

test('closes at an attempt that succeeds after its end, whatever was observed', () => {
  fc.assert(
    fc.property(fc.array(anyObservation), (history) => {
      const made = history.map(({ wait, took, ...answer }): Observation => {
        return { ...answer, startedAt: start + wait, endedAt: start + wait + took };
      });
      const breaker = made.reduce(observe, newBreaker);
      const at = Math.max(start, breaker.openUntil ?? 0);
      expect(stateOf(observe(breaker, attempt(at, success)), at)).toBe('closed');
    }),
  );
});

describe('believedBreaker', () => {
  test.each([minute, hour, 365 * day])('takes a breaker for closed that a clock %i ms ahead has written', (ahead) => {
    const breaker = observe(newBreaker, attempt(start + ahead, slowDown(hour)));
    const believed = believedBreaker(breaker, start + ahead, start);
    expect(stateOf(believed, start)).toBe('closed');
    expect(observe(believed, attempt(start)).failures).toBe(2);
  });

  test('does not believe an end that is more than a day ahead, whenever it was written', () => {
    const breaker = { ...newBreaker, failures: 1, openUntil: start + day + minute };
    expect(stateOf(believedBreaker(breaker, start, start), start)).toBe('closed');
    expect(stateOf(believedBreaker({ ...breaker, openUntil: start + day }, start, start), start)).toBe('open');
  });
});

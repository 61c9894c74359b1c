import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Observation } from '#functions/webhooks/endpoints/circuit-breaker.ts';
import {
  acquire,
  addLone,
  admission,
  allowsLone,
  endLone,
  type InFlight,
  type LeaseRow,
  leaseDurationMs,
  newLease,
  plausibleLease,
  release,
  withoutFailures,
} from '#functions/webhooks/endpoints/lease.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const year = 365 * 24 * hour;
const start = Date.parse('2026-11-24T12:00:00Z');

const limits = { maxInFlight: 4, intervalMs: 0 };
const slack = { maxInFlight: 1, intervalMs: second };
const nothing = { inFlight: {}, observations: [] };
/** Attempts that a process begins, and those that have ended. */
const begun = (inFlight: LeaseRow['inFlight']) => ({ inFlight, observations: [] });
const ended = (...observations: readonly Observation[]) => ({ inFlight: {}, observations });

const inFlightAttempt = (begunAt: number, change: Partial<InFlight> = {}): InFlight => ({
  ...{ attempt: 1, of: 0, until: begunAt + leaseDurationMs },
  ...change,
});
const lone = (begunAt: number): InFlight => inFlightAttempt(begunAt, { isLone: true });
const flightsAt = (begunAt: number, ...events: string[]) =>
  Object.fromEntries(events.map((event) => [event, inFlightAttempt(begunAt)]));

const observed = (change: Partial<Observation>): Observation => ({
  ...{ startedAt: start, endedAt: start + 500, isSuccess: false, slowDown: false, retryAfterMs: undefined },
  ...change,
});

/** A lease that a process holds since an instant, with attempts in flight. */
const held = (at: number, ...events: string[]): LeaseRow =>
  acquire(newLease, 'holder', begun(flightsAt(at, ...events)), 0, at);

/** Admission of a process at an instant. */
const ask = (lease: LeaseRow, now: number, by = limits) => admission(plausibleLease(lease, now), by, now);

describe('admission', () => {
  const free = { kind: 'free', room: 4, interrupted: {} };
  const withLone = addLone(newLease, begun({ a: lone(start) }), start);
  const afterSlowDown = release(newLease, ended(observed({ slowDown: true })), start);

  test.each([
    { what: 'that is new', lease: newLease, at: 0, expected: free },
    { what: 'that is held', lease: held(start, 'a'), at: leaseDurationMs - 1, expected: { kind: 'held' } },
    {
      what: 'whose holder has died, once it ends',
      lease: held(start, 'a', 'b'),
      at: leaseDurationMs,
      expected: { ...free, interrupted: flightsAt(start, 'a', 'b') },
    },
    { what: 'that was released', lease: release(held(start, 'a'), nothing, start + 1), at: 1, expected: free },
    { what: 'with a lone attempt in flight', lease: withLone, at: leaseDurationMs - 1, expected: { ...free, room: 3 } },
    { what: 'with a lone attempt whose time is over', lease: withLone, at: leaseDurationMs, expected: free },
    { what: 'that is slowed down', lease: afterSlowDown, at: 5499, expected: { kind: 'shut', until: start + 5500 } },
    { what: 'that was slowed down until now', lease: afterSlowDown, at: 5500, expected: { ...free, room: 1 } },
  ])('answers $expected.kind for a lease $what', ({ lease, at, expected }) => {
    expect(ask(lease, start + at)).toEqual(expected);
  });

  it('holds an endpoint for 24 s from each time that its holder writes the lease', () => {
    const extended = acquire(held(start, 'a'), 'holder', begun(flightsAt(start, 'a')), 0, start + 9);
    expect([extended.holder!.until - start, leaseDurationMs]).toEqual([24_009, 24_000]);
  });

  it('numbers the changes of a lease from the instant of the first, so that a forgotten one never looks new', () => {
    const first = held(start, 'a');
    const second = release(first, nothing, start + 1);
    expect(second.rev).toBe(first.rev + 1);
    // A lease that is changed often within the millisecond before the next one begins.
    let old = second;
    for (let change = 0; change < 1000; change += 1) old = release(old, nothing, start + 1);
    expect(held(start + 1, 'b').rev).toBeGreaterThan(old.rev);
  });

  it('keeps an endpoint with a pace shut for its interval after each begin, and no other endpoint', () => {
    const at = start + 700;
    const paced = acquire(newLease, 'holder', begun(flightsAt(at, 'a')), second, at);
    expect(ask(release(paced, nothing, at + 100), at + 999, slack)).toEqual({ kind: 'shut', until: at + second });
    expect(ask(release(paced, nothing, at + 100), at + second, slack)).toMatchObject({ kind: 'free', room: 1 });
    expect(ask(release(paced, nothing, at + 100), at + 999, limits)).toMatchObject({ kind: 'free', room: 4 });
  });
});

describe('acquire after a holder that died', () => {
  it('lets as many attempts begin at once as ever', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(hour), (maxInFlight, later) => {
        const events = Array.from({ length: maxInFlight }, (_, index) => `event-${index}`);
        const now = start + leaseDurationMs + later;
        const admitted = ask(held(start, ...events), now, { maxInFlight, intervalMs: 0 });
        expect(admitted).toMatchObject({ kind: 'free', room: maxInFlight });
        expect(admitted.kind === 'free' && Object.keys(admitted.interrupted)).toEqual(events);
      }),
    );
  });

  it('takes its attempts over once, and tells the breaker nothing of them', () => {
    const now = start + leaseDurationMs;
    const next = acquire(held(start, 'a', 'b'), 'next', begun(flightsAt(now, 'a')), 0, now);
    const expected = { holder: { id: 'next' }, inFlight: flightsAt(now, 'a'), failures: 0, failedAttempts: 0 };
    expect(next).toMatchObject(expected);
    expect(Object.keys(next.inFlight)).toEqual(['a']);
  });
});

describe('lone attempts', () => {
  const busy = (count: number): LeaseRow => ({
    ...newLease,
    inFlight: Object.fromEntries(Array.from({ length: count }, (_, index) => [`lone-${index}`, lone(start)])),
  });

  test.each([
    { what: 'half of the room is free with it', lease: busy(1), isAllowed: true },
    { what: 'more than half of the room would be taken', lease: busy(2), isAllowed: false },
    { what: 'the time of the others is over', lease: busy(9), at: leaseDurationMs, isAllowed: true },
    { what: 'a failure is known', lease: { ...newLease, failures: 1 }, isAllowed: false },
    { what: 'the breaker is half-open', lease: { ...newLease, openUntil: start - 1 }, isAllowed: false },
    { what: 'a holder has left attempts over', lease: held(start - hour, 'a'), isAllowed: false },
    { what: 'the endpoint has a pace', lease: newLease, by: { ...limits, intervalMs: second }, isAllowed: false },
    { what: 'a single one may be in flight', lease: newLease, by: { maxInFlight: 1, intervalMs: 0 }, isAllowed: false },
  ])('answer $isAllowed to allowsLone when $what', ({ lease, at = 0, by = limits, isAllowed }) => {
    expect(allowsLone(plausibleLease(lease, start + at), by, start + at)).toBe(isAllowed);
  });

  it('leave at least half of the room to a holder, whatever begins and ends when', () => {
    const history = fc.array(fc.record({ wait: fc.nat(leaseDurationMs), isEnded: fc.boolean() }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), history, (maxInFlight, steps) => {
        const by = { maxInFlight, intervalMs: 0 };
        let lease = newLease;
        let now = start;
        for (const [index, { wait, isEnded }] of steps.entries()) {
          now += wait;
          lease = plausibleLease(lease, now);
          if (allowsLone(lease, by, now)) {
            lease = addLone(lease, begun({ [`event-${index}`]: lone(now) }), now);
          }
          if (isEnded) lease = endLone(lease, [`event-${index}`], [observed({ isSuccess: true })], now);
          const live = Object.values(lease.inFlight).filter(({ until }) => until > now);
          expect(live.length).toBeLessThanOrEqual(maxInFlight / 2);
          expect(ask(lease, now, by)).toMatchObject({ kind: 'free', room: maxInFlight - live.length });
        }
      }),
    );
  });

  it('stay in the lease while a holder comes and goes, until their time is over', () => {
    const alone = addLone(newLease, begun({ a: lone(start) }), start);
    const later = start + second;
    const taken = acquire(alone, 'holder', begun(flightsAt(later, 'b')), 0, later);
    expect(Object.keys(release(taken, nothing, later).inFlight)).toEqual(['a']);
    const over = start + leaseDurationMs;
    expect(release(taken, nothing, over).inFlight).toEqual({});
  });

  it('count a failure without touching the holder or the attempts of others', () => {
    const alone = addLone(newLease, begun({ a: lone(start), z: lone(start) }), start);
    const taken = acquire(alone, 'holder', begun(flightsAt(start, 'b')), 0, start);
    const failed = endLone(taken, ['a'], [observed({})], start + 600);
    expect(failed).toMatchObject({
      failures: 1,
      holder: taken.holder,
      inFlight: { b: taken.inFlight.b, z: lone(start) },
    });
    expect(Object.keys(failed.inFlight).toSorted()).toEqual(['b', 'z']);
  });

  it('leave the attempts of a dead holder beside them to the next holder', () => {
    const now = start + leaseDurationMs;
    const alone = addLone(held(start, 'a'), begun({ b: lone(now) }), now);
    expect(ask(alone, now)).toEqual({ kind: 'free', room: 3, interrupted: flightsAt(start, 'a') });
  });
});

describe('plausibleLease', () => {
  test.each([minute, hour, year])(
    'takes no holder, attempt or pace of a clock for plausible that was %i ms ahead',
    (ahead) => {
      const wrong = start + ahead;
      const paced = acquire(newLease, 'holder', begun(flightsAt(wrong, 'a')), second, wrong);
      const { inFlight, freeAt, holder } = plausibleLease(paced, start);
      expect([inFlight.a!.until, freeAt, holder]).toEqual([0, 0, undefined]);
      expect(ask(paced, start, slack)).toEqual({
        kind: 'free',
        room: 1,
        interrupted: { a: { attempt: 1, of: 0, until: 0 } },
      });
    },
  );

  test.each([minute, hour, year])(
    'opens no breaker for a clock that was %i ms ahead, and counts its first failure',
    (ahead) => {
      const wrong = start + ahead;
      const failed = observed({ startedAt: wrong, endedAt: wrong + 500, slowDown: true, retryAfterMs: hour });
      const opened = release(newLease, ended(failed), wrong);
      expect(ask(opened, start)).toMatchObject({ kind: 'free' });
      const next = release(plausibleLease(opened, start), ended(observed({})), start + 500);
      expect(next.failures).toBe(2);
    },
  );

  test('accepts a clock that is ahead by as much as clocks of two machines may differ', () => {
    expect(ask(held(start + 4 * second, 'a'), start)).toEqual({ kind: 'held' });
  });

  test('takes none of these for plausible after one that is right has forgotten the failures', () => {
    const ahead = start + hour;
    const lease = acquire(newLease, 'holder', begun(flightsAt(ahead, 'a')), second, ahead);
    expect(ask(withoutFailures(lease, start), start, slack)).toMatchObject({ kind: 'free', room: 1 });
  });

  test('accepts the holder though a machine whose clock is 10 s ahead has changed its lease', () => {
    const lease = held(start, 'a');
    expect(plausibleLease(withoutFailures(lease, start + 10 * second), start).holder).toEqual(lease.holder);
  });
});

describe('a lease', () => {
  const step = fc.record({
    wait: fc.oneof(fc.nat(2 * second), fc.nat(leaseDurationMs)),
    process: fc.nat(3),
    act: fc.constantFrom('ask', 'ask', 'end', 'die', 'give back'),
    isSuccess: fc.boolean(),
    slowDown: fc.boolean(),
    wanted: fc.integer({ min: 1, max: 12 }),
  });

  it('has at most one live holder and no more attempts than allowed, whatever processes do and whichever die (P15)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.array(step, { maxLength: 60 }), (maxInFlight, steps) => {
        const by = { maxInFlight, intervalMs: 0 };
        let lease = newLease;
        let now = start;
        let count = 0;
        /** Attempts of each process that lives, and when it wrote the lease last. */
        const living = new Map<string, { inFlight: Record<string, InFlight>; until: number }>();
        for (const { wait, process, act, isSuccess, slowDown, wanted } of steps) {
          now += wait;
          const id = `process-${process}`;
          const own = living.get(id);
          // A request takes no longer than the lease: a process whose time is over has nothing in flight.
          if (own && own.until <= now) living.delete(id);
          const believed = plausibleLease(lease, now);
          const mine = living.get(id);
          if (act === 'die') living.delete(id);
          else if (act === 'ask' && !mine) {
            const admitted = admission(believed, by, now);
            const others = [...living.values()].filter(({ until }) => until > now);
            if (others.length > 0) expect(admitted.kind).toBe('held');
            if (admitted.kind !== 'free' || admitted.room === 0) continue;
            const events = Array.from(
              { length: Math.min(wanted, admitted.room) },
              (_, index) => `event-${count + index}`,
            );
            count += events.length;
            const inFlight = flightsAt(now, ...events);
            lease = acquire(believed, id, begun(inFlight), 0, now);
            living.set(id, { inFlight, until: now + leaseDurationMs });
          } else if (mine) {
            const [first] = Object.keys(mine.inFlight);
            const { [first!]: ended, ...inFlight } = mine.inFlight;
            const observations = ended ? [observed({ startedAt: now - 500, endedAt: now, isSuccess, slowDown })] : [];
            if (act === 'give back') {
              lease = release(believed, { inFlight: {}, observations }, now);
              living.delete(id);
            } else {
              lease = acquire(believed, id, { inFlight, observations }, 0, now);
              living.set(id, { inFlight, until: now + leaseDurationMs });
            }
          }
          const live = Object.values(lease.inFlight).filter(({ until }) => until > now);
          expect(live.length).toBeLessThanOrEqual(maxInFlight);
          const owners = [...living.values()].filter(({ until }) => until > now);
          expect(owners.length).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

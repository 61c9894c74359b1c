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
  type Lease,
  leaseDurationMs,
  newLease,
  plausibleLease,
  release,
} from '#functions/webhooks/endpoints/lease.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const year = 365 * 24 * hour;
const start = Date.parse('2026-11-24T12:00:00Z');

const limits = { maxInFlight: 4, interval: 0 };
const slack = { maxInFlight: 1, interval: second };
const nothing = { inFlight: {}, observations: [] };

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

/** A lease that a process holds since an instant, with attempts under way. */
const held = (at: number, ...events: string[]): Lease =>
  acquire(newLease, 'holder', { inFlight: flightsAt(at, ...events), observations: [] }, 0, at);

/** What a process learns that asks at an instant. */
const ask = (lease: Lease, now: number, by = limits) => admission(plausibleLease(lease, now), by, now);

describe('a lease', () => {
  test.each([
    { what: 'that nothing is known of', lease: newLease, at: 0, expected: { kind: 'free', room: 4, interrupted: {} } },
    { what: 'that is held', lease: held(start, 'a'), at: leaseDurationMs - 1, expected: { kind: 'held' } },
    {
      what: 'whose holder has died, once it ends',
      lease: held(start, 'a', 'b'),
      at: leaseDurationMs,
      expected: { kind: 'free', room: 4, interrupted: flightsAt(start, 'a', 'b') },
    },
    {
      what: 'that was given back',
      lease: release(held(start, 'a'), nothing, start + 1),
      at: 1,
      expected: { kind: 'free', room: 4, interrupted: {} },
    },
    {
      what: 'with a lone attempt under way',
      lease: addLone(newLease, { inFlight: { a: lone(start) }, observations: [] }, start),
      at: leaseDurationMs - 1,
      expected: { kind: 'free', room: 3, interrupted: {} },
    },
    {
      what: 'with a lone attempt whose time is over',
      lease: addLone(newLease, { inFlight: { a: lone(start) }, observations: [] }, start),
      at: leaseDurationMs,
      expected: { kind: 'free', room: 4, interrupted: {} },
    },
    {
      what: 'of an endpoint that asked to be left alone',
      lease: release(newLease, { inFlight: {}, observations: [observed({ slowDown: true })] }, start),
      at: 5499,
      expected: { kind: 'shut', until: start + 5500 },
    },
    {
      what: 'of an endpoint that asked to be left alone until now',
      lease: release(newLease, { inFlight: {}, observations: [observed({ slowDown: true })] }, start),
      at: 5500,
      expected: { kind: 'free', room: 1, interrupted: {} },
    },
  ])('$what admits as it should', ({ lease, at, expected }) => {
    expect(ask(lease, start + at)).toEqual(expected);
  });

  it('lasts 24 s from each time that its holder writes it', () => {
    const extended = acquire(
      held(start, 'a'),
      'holder',
      { inFlight: flightsAt(start, 'a'), observations: [] },
      0,
      start + 9,
    );
    expect([extended.holder!.until - start, leaseDurationMs]).toEqual([24_009, 24_000]);
  });

  it('counts its changes, from the instant of the first on: one that was forgotten never looks like the new one', () => {
    const first = held(start, 'a');
    const second = release(first, nothing, start + 1);
    expect(second.rev).toBe(first.rev + 1);
    // However often it is changed in the millisecond until it is begun anew.
    let old = second;
    for (let change = 0; change < 1000; change += 1) old = release(old, nothing, start + 1);
    expect(held(start + 1, 'b').rev).toBeGreaterThan(old.rev);
  });

  it('has an endpoint with a pace left alone for its interval after each begin, and no other', () => {
    const at = start + 700;
    const paced = acquire(newLease, 'holder', { inFlight: flightsAt(at, 'a'), observations: [] }, second, at);
    expect(ask(release(paced, nothing, at + 100), at + 999, slack)).toEqual({ kind: 'shut', until: at + second });
    expect(ask(release(paced, nothing, at + 100), at + second, slack)).toMatchObject({ kind: 'free', room: 1 });
    expect(ask(release(paced, nothing, at + 100), at + 999, limits)).toMatchObject({ kind: 'free', room: 4 });
  });
});

describe('a holder that died', () => {
  it('says nothing of the pace of the endpoint: as many may begin as ever, at once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(hour), (maxInFlight, later) => {
        const events = Array.from({ length: maxInFlight }, (_, index) => `event-${index}`);
        const now = start + leaseDurationMs + later;
        const admitted = ask(held(start, ...events), now, { maxInFlight, interval: 0 });
        expect(admitted).toMatchObject({ kind: 'free', room: maxInFlight });
        expect(admitted.kind === 'free' && Object.keys(admitted.interrupted)).toEqual(events);
      }),
    );
  });

  it('has its attempts taken over once: they are gone from the lease of the next holder', () => {
    const now = start + leaseDurationMs;
    const next = acquire(held(start, 'a', 'b'), 'next', { inFlight: flightsAt(now, 'a'), observations: [] }, 0, now);
    expect(next).toMatchObject({ holder: { id: 'next' }, inFlight: flightsAt(now, 'a') });
    expect(Object.keys(next.inFlight)).toEqual(['a']);
  });

  it('tells the breaker nothing', () => {
    const now = start + leaseDurationMs;
    const next = acquire(held(start, 'a', 'b'), 'next', { inFlight: flightsAt(now, 'a'), observations: [] }, 0, now);
    expect(next).toMatchObject({ failures: 0, failedAttempts: 0 });
  });
});

describe('a lone attempt', () => {
  const busy = (count: number): Lease => ({
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
    { what: 'the endpoint has a pace', lease: newLease, by: { ...limits, interval: second }, isAllowed: false },
    { what: 'a single one may be under way', lease: newLease, by: { maxInFlight: 1, interval: 0 }, isAllowed: false },
  ])('is allowed when $what: $isAllowed', ({ lease, at = 0, by = limits, isAllowed }) => {
    expect(allowsLone(plausibleLease(lease, start + at), by, start + at)).toBe(isAllowed);
  });

  it('leaves at least half of the room to a holder, whatever was asked for when', () => {
    const history = fc.array(fc.record({ wait: fc.nat(leaseDurationMs), isEnded: fc.boolean() }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), history, (maxInFlight, steps) => {
        const by = { maxInFlight, interval: 0 };
        let lease = newLease;
        let now = start;
        for (const [index, { wait, isEnded }] of steps.entries()) {
          now += wait;
          lease = plausibleLease(lease, now);
          if (allowsLone(lease, by, now)) {
            lease = addLone(lease, { inFlight: { [`event-${index}`]: lone(now) }, observations: [] }, now);
          }
          if (isEnded) lease = endLone(lease, [`event-${index}`], [observed({ isSuccess: true })], now);
          const live = Object.values(lease.inFlight).filter(({ until }) => until > now);
          expect(live.length).toBeLessThanOrEqual(maxInFlight / 2);
          expect(ask(lease, now, by)).toMatchObject({ kind: 'free', room: maxInFlight - live.length });
        }
      }),
    );
  });

  it('stays in the lease while a holder comes and goes, and is forgotten once its time is over', () => {
    const begun = addLone(newLease, { inFlight: { a: lone(start) }, observations: [] }, start);
    const later = start + second;
    const taken = acquire(begun, 'holder', { inFlight: flightsAt(later, 'b'), observations: [] }, 0, later);
    expect(Object.keys(release(taken, nothing, later).inFlight)).toEqual(['a']);
    const over = start + leaseDurationMs;
    expect(release(taken, nothing, over).inFlight).toEqual({});
  });

  it('that fails is told without touching the holder or the attempts of others', () => {
    const begun = addLone(newLease, { inFlight: { a: lone(start), z: lone(start) }, observations: [] }, start);
    const taken = acquire(begun, 'holder', { inFlight: flightsAt(start, 'b'), observations: [] }, 0, start);
    const ended = endLone(taken, ['a'], [observed({})], start + 600);
    expect(ended).toMatchObject({
      failures: 1,
      holder: taken.holder,
      inFlight: { b: taken.inFlight.b, z: lone(start) },
    });
    expect(Object.keys(ended.inFlight).toSorted()).toEqual(['b', 'z']);
  });

  it('that is begun beside the left over attempts of a dead holder leaves these to the next holder', () => {
    const now = start + leaseDurationMs;
    const begun = addLone(held(start, 'a'), { inFlight: { b: lone(now) }, observations: [] }, now);
    expect(ask(begun, now)).toEqual({ kind: 'free', room: 3, interrupted: flightsAt(start, 'a') });
  });
});

describe('a clock that was ahead', () => {
  test.each([minute, hour, year])('by %i ms leaves no holder, no attempt and no pace behind', (ahead) => {
    const wrong = start + ahead;
    const paced = acquire(newLease, 'holder', { inFlight: flightsAt(wrong, 'a'), observations: [] }, second, wrong);
    const { inFlight, freeAt, holder } = plausibleLease(paced, start);
    expect([inFlight.a!.until, freeAt, holder]).toEqual([0, 0, undefined]);
    expect(ask(paced, start, slack)).toEqual({
      ...{ kind: 'free', room: 1, interrupted: { a: { attempt: 1, of: 0, until: 0 } } },
    });
  });

  test.each([minute, hour, year])('by %i ms leaves no breaker open, and its first failure counts', (ahead) => {
    const wrong = start + ahead;
    const failed = observed({ startedAt: wrong, endedAt: wrong + 500, slowDown: true, retryAfterMs: hour });
    const opened = release(newLease, { inFlight: {}, observations: [failed] }, wrong);
    expect(ask(opened, start)).toMatchObject({ kind: 'free' });
    const next = release(plausibleLease(opened, start), { inFlight: {}, observations: [observed({})] }, start + 500);
    expect(next.failures).toBe(2);
  });

  test('within what clocks of two machines differ by changes nothing', () => {
    const lease = held(start + 4 * second, 'a');
    expect(ask(lease, start)).toEqual({ kind: 'held' });
  });
});

describe('whatever processes do, and however many of them die,', () => {
  const step = fc.record({
    wait: fc.oneof(fc.nat(2 * second), fc.nat(leaseDurationMs)),
    process: fc.nat(3),
    act: fc.constantFrom('ask', 'ask', 'end', 'die', 'give back'),
    isSuccess: fc.boolean(),
    slowDown: fc.boolean(),
    wanted: fc.integer({ min: 1, max: 12 }),
  });

  it('there is at most one live holder, and no more attempts under way than there may be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.array(step, { maxLength: 60 }), (maxInFlight, steps) => {
        const by = { maxInFlight, interval: 0 };
        let lease = newLease;
        let now = start;
        let count = 0;
        /** Attempts of each process that lives, and when it wrote the lease last. */
        const living = new Map<string, { inFlight: Record<string, InFlight>; until: number }>();
        for (const { wait, process, act, isSuccess, slowDown, wanted } of steps) {
          now += wait;
          const id = `process-${process}`;
          const own = living.get(id);
          // A request takes no longer than the lease: a process whose time is over has nothing under way.
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
            lease = acquire(believed, id, { inFlight, observations: [] }, 0, now);
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

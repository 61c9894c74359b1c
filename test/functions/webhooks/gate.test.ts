import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { admit, failuresToClose, type Gate, leave, newGate, type Passage } from '../../../functions/webhooks/gate.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.parse('2026-11-24T12:00:00Z');
/** How long a hold lasts at most. */
const holdTime = 2 * minute;

const open = { maxInFlight: 4, interval: 0 };
const slack = { maxInFlight: 1, interval: second };

const newcomers = (count: number) => Array.from({ length: count }, () => ({}));
const returning = [{ hasPlace: true }];

/** Lets newcomers ask at an instant. */
const ask = (gate: Gate, hold: string, count: number, now: number, limits = open) =>
  admit(gate, hold, newcomers(count), limits, now, now + holdTime);

const entered = (places: readonly (number | 'enter')[]): number => places.filter((place) => place === 'enter').length;

const passage = (startedAt: number, change: Partial<Passage> = {}): Passage => ({
  startedAt,
  endedAt: startedAt + 500,
  isSuccess: false,
  slowDown: false,
  retryAfter: undefined,
  ...change,
});
const success = { isSuccess: true };
const slowDown = (retryAfter?: number) => ({ slowDown: true, retryAfter });

/** The gate after failures one after the other, and the end of the last. */
function failing(times: number, change: Partial<Passage> = {}, from = newGate): { gate: Gate; endedAt: number } {
  let gate = from;
  let at = start;
  for (let i = 0; i < times; i += 1) {
    at = Math.max(at + second, gate.closedUntil ?? 0);
    gate = leave(gate, 'x', [passage(at, change)]);
  }
  return { gate, endedAt: at + 500 };
}

/** How long after a failure's end the gate stays closed. */
const closedFor = (times: number, change: Partial<Passage> = {}): number | undefined => {
  const { gate, endedAt } = failing(times, change);
  return gate.closedUntil === undefined ? undefined : gate.closedUntil - endedAt;
};

describe('an open gate', () => {
  it('lets no more in than may be under way at once, and gives the others places from a second later on', () => {
    const { gate, places } = ask(newGate, 'a', 6, start);
    expect(places).toEqual(['enter', 'enter', 'enter', 'enter', start + second, start + second + 125]);
    expect(entered(ask(gate, 'b', 3, start + 10).places)).toBe(0);
  });

  it('has room again for those that left', () => {
    const { gate } = ask(newGate, 'a', 3, start);
    const { gate: full, places } = ask(gate, 'b', 3, start + 10);
    expect(entered(places)).toBe(1);
    const left = leave(full, 'a', [passage(start, success), passage(start, success), passage(start, success)]);
    expect(Object.keys(left.holds)).toEqual(['b']);
    expect(entered(ask(left, 'c', 9, start + second).places)).toBe(3);
  });

  it('has room again for those that died, once their time is over', () => {
    const { gate } = ask(newGate, 'a', 4, start);
    expect(entered(ask(gate, 'b', 4, start + holdTime - 1).places)).toBe(0);
    const later = ask(gate, 'b', 4, start + holdTime);
    expect(entered(later.places)).toBe(4);
    expect(Object.keys(later.gate.holds)).toEqual(['b']);
  });

  it('hands out places further apart the longer attempts take, those under way included', () => {
    let { gate } = ask(newGate, 'a', 4, start);
    expect(ask(gate, 'b', 2, start + 8 * second).places).toEqual([start + 9 * second, start + 11 * second]);
    for (let i = 0; i < 50; i += 1) gate = leave(gate, 'x', [passage(start, { ...success, endedAt: start + 8000 })]);
    const places = ask(gate, 'b', 3, start).places.map(Number);
    expect(places[2]! - places[1]!).toBeCloseTo(2000, -1);
  });

  it('counts its changes', () => {
    expect([newGate.rev, ask(newGate, 'a', 1, start).gate.rev, leave(newGate, 'a', []).rev]).toEqual([0, 1, 1]);
  });
});

describe('failures', () => {
  it('close the gate when they are five in a row', () => {
    expect([1, 2, 3, 4].map((times) => closedFor(times))).toEqual([undefined, undefined, undefined, undefined]);
    expect(failuresToClose).toBe(5);
    expect(closedFor(5)).toBe(minute);
  });

  it('are not in a row with a success between', () => {
    const { gate, endedAt } = failing(4);
    const { gate: again } = failing(4, {}, leave(gate, 'x', [passage(endedAt, success)]));
    expect(again).toMatchObject({ failures: 4, failedAttempts: 4 });
    expect(again.closedUntil).toBeUndefined();
  });

  it('that were under way at the same time count as one', () => {
    const together = Array.from({ length: 20 }, (_, i) => passage(start + i, { endedAt: start + second + i }));
    const gate = leave(newGate, 'x', together);
    expect(gate).toMatchObject({ failures: 1, failedAttempts: 20, failingSince: start });
    expect(gate.closedUntil).toBeUndefined();
    const next = leave(gate, 'y', [passage(start + second - 1)]);
    expect(next.failures).toBe(1);
    expect(leave(next, 'z', [passage(start + second)]).failures).toBe(2);
  });

  it('close it for twice as long each time, up to an hour', () => {
    const minutes = [5, 6, 7, 10, 11, 12, 60, 1100].map((times) => closedFor(times)! / minute);
    expect(minutes).toEqual([1, 2, 4, 32, 60, 60, 60, 60]);
  });

  it('never close it for less than before', () => {
    const gate = leave(newGate, 'x', [passage(start, slowDown(hour)), passage(start + second, slowDown(second))]);
    expect(gate.closedUntil).toBe(start + 500 + hour);
  });
});

describe('a wish to slow down', () => {
  test.each([
    { retryAfter: 90 * second, closed: 90 * second },
    { retryAfter: day, closed: day },
    { retryAfter: second, closed: 5 * second },
    { retryAfter: 0, closed: 5 * second },
    { retryAfter: undefined, closed: 5 * second },
    { retryAfter: day + 1, closed: day },
    { retryAfter: 999_999_999_999 * second, closed: day },
  ])('of $retryAfter ms closes the gate at once for $closed ms', ({ retryAfter, closed }) => {
    expect(closedFor(1, slowDown(retryAfter))).toBe(closed);
  });

  it('without a time closes it for twice as long each time, up to five minutes', () => {
    const seconds = [1, 2, 3, 6, 7, 70].map((times) => closedFor(times, slowDown())! / second);
    expect(seconds).toEqual([5, 10, 20, 160, 300, 300]);
  });

  it('outlasts the success of an attempt that was under way when it came', () => {
    const throttled = passage(start, { ...slowDown(minute), endedAt: start + 100 });
    const slower = passage(start, { ...success, endedAt: start + 200 });
    const apart = leave(leave(newGate, 'x', [throttled]), 'y', [slower]);
    for (const gate of [leave(newGate, 'x', [slower, throttled]), apart]) {
      expect(gate.closedUntil).toBe(start + 100 + minute);
      expect(entered(ask(gate, 'a', 9, start + 300).places)).toBe(0);
      expect(entered(ask(gate, 'a', 9, start + 100 + minute).places)).toBe(1);
    }
  });
});

describe('a closed gate', () => {
  const { gate: closed } = failing(5);
  const until = closed.closedUntil!;

  it('lets nobody in, and gives places from its end on', () => {
    const { places } = ask(closed, 'a', 3, until - 1);
    expect(places).toEqual([until, until + 125, until + 250]);
    expect(entered(admit(closed, 'a', returning, open, until - 1, until + holdTime).places)).toBe(0);
  });

  it('lets a single one in at its end, and has the others wait for what it finds out', () => {
    const { gate, places } = ask(closed, 'a', 3, until);
    expect(places).toEqual(['enter', until + 5 * second, until + 5 * second + 125]);
    expect(entered(ask(gate, 'b', 3, until + second).places)).toBe(0);
    expect(entered(admit(gate, 'b', returning, open, until + second, until + holdTime).places)).toBe(0);
  });

  it('lets another one in when that one died', () => {
    const { gate } = ask(closed, 'a', 3, until);
    expect(entered(ask(gate, 'b', 3, until + holdTime - 1).places)).toBe(0);
    expect(entered(ask(gate, 'b', 3, until + holdTime).places)).toBe(1);
  });

  it('waits for those that are still under way from before', () => {
    const busy = ask(newGate, 'old', 2, until - second).gate;
    expect(entered(ask({ ...closed, holds: busy.holds }, 'a', 3, until).places)).toBe(0);
  });

  it('closes for twice as long when that one fails', () => {
    const { gate } = ask(closed, 'a', 1, until);
    expect(leave(gate, 'a', [passage(until)]).closedUntil).toBe(until + 500 + 2 * minute);
  });

  it('opens when that one succeeds', () => {
    const { gate } = ask(closed, 'a', 1, until);
    const reopened = leave(gate, 'a', [passage(until, success)]);
    expect(reopened).toMatchObject({ failures: 0, failedAttempts: 0 });
    expect(reopened).not.toHaveProperty('closedUntil');
    expect(reopened).not.toHaveProperty('failingSince');
    expect(entered(ask(reopened, 'b', 9, until + second).places)).toBe(4);
  });
});

describe('with an interval', () => {
  it('lets one in and gives the others places one second apart', () => {
    const { places } = ask(newGate, 'a', 4, start, slack);
    expect(places).toEqual(['enter', start + second, start + 2 * second, start + 3 * second]);
  });

  it('lets those that come back at their places in, before newcomers', () => {
    const { gate } = ask(newGate, 'a', 3, start, slack);
    const left = leave(gate, 'a', [passage(start, success)]);
    expect(ask(left, 'b', 1, start + second, slack).places).toEqual([start + 3 * second]);
    const back = admit(left, 'b', [{}, ...returning], slack, start + second, start + holdTime);
    expect(back.places).toEqual([start + 3 * second, 'enter']);
  });

  it('lets newcomers in once the last place is a second ago', () => {
    const { gate } = ask(newGate, 'a', 1, start, slack);
    const left = leave(gate, 'a', [passage(start, success)]);
    expect(ask(left, 'b', 1, start + second - 1, slack).places).toEqual([start + 2 * second - 1]);
    expect(ask(left, 'b', 1, start + second, slack).places).toEqual(['enter']);
  });

  it('keeps newcomers a second away from one that came back late', () => {
    const late = start + 5 * second;
    const { gate } = ask(newGate, 'a', 2, start, slack);
    const left = leave(gate, 'a', [passage(start, success)]);
    const back = admit(left, 'b', returning, slack, late, late + holdTime);
    expect(back.places).toEqual(['enter']);
    const done = leave(back.gate, 'b', [passage(late, { ...success, endedAt: late + 200 })]);
    expect(ask(done, 'c', 1, late + 300, slack).places).toEqual([late + 1300]);
  });
});

it('never has more than its limit under way, one while it finds out, and none while it is closed', () => {
  const anyLimits = fc.record({ maxInFlight: fc.integer({ min: 1, max: 10 }), interval: fc.constantFrom(0, second) });
  const steps = fc.array(
    fc.record({
      pass: fc.oneof(fc.constant(0), fc.nat(3 * minute)),
      asking: fc.array(fc.record({ hasPlace: fc.boolean() })),
      leaving: fc.boolean(),
      end: fc.record({
        isSuccess: fc.boolean(),
        slowDown: fc.boolean(),
        retryAfter: fc.option(fc.nat(2 * day), { nil: undefined }),
      }),
    }),
  );
  fc.assert(
    fc.property(anyLimits, steps, (limits, happening) => {
      let gate = newGate;
      let now = start;
      let underWay: { hold: string; count: number; since: number }[] = [];
      for (const [at, { pass, asking, leaving, end }] of happening.entries()) {
        now += pass;
        underWay = underWay.filter(({ since }) => since + holdTime > now);
        const left = leaving ? underWay.shift() : undefined;
        if (left) {
          const ended = passage(left.since, { ...end, endedAt: now });
          gate = leave(gate, left.hold, Array<Passage>(left.count).fill(ended));
        }
        const { closedUntil = 0 } = gate;
        const admission = admit(gate, `${at}`, asking, limits, now, now + holdTime);
        gate = admission.gate;
        const count = entered(admission.places);
        for (const place of admission.places) if (place !== 'enter') expect(place).toBeGreaterThanOrEqual(now + 1);
        if (count > 0) underWay.push({ hold: `${at}`, count, since: now });
        expect(Object.keys(gate.holds).toSorted()).toEqual(underWay.map(({ hold }) => hold).toSorted());
        if (count === 0) continue;
        expect(closedUntil).toBeLessThanOrEqual(now);
        const total = underWay.reduce((sum, batch) => sum + batch.count, 0);
        expect(total).toBeLessThanOrEqual(closedUntil === 0 ? limits.maxInFlight : 1);
      }
    }),
  );
});

it('lets all in with an interval, no two within a second, when they come back at their places', () => {
  const arrivals = fc.array(fc.record({ at: fc.nat(20 * second), takes: fc.nat(3 * second) }), { maxLength: 20 });
  fc.assert(
    fc.property(arrivals, (arriving) => {
      let gate = newGate;
      const enteredAt: number[] = [];
      const queue: { at: number; takes: number; hasPlace?: true; since?: number }[] = arriving.map((each) => each);
      for (let turn = 0; turn < 1000 && queue.length > 0; turn += 1) {
        queue.sort((a, b) => a.at - b.at);
        const { since, ...next } = queue.shift()!;
        const { at, takes } = next;
        if (since !== undefined) gate = leave(gate, `${since}`, [passage(since, { ...success, endedAt: at })]);
        if (since !== undefined) continue;
        const admission = admit(gate, `${at}`, [next], slack, at, at + holdTime);
        gate = admission.gate;
        const [place] = admission.places;
        if (place !== 'enter') queue.push({ at: place!, takes, hasPlace: true });
        else {
          expect(at - (enteredAt.at(-1) ?? -second)).toBeGreaterThanOrEqual(second);
          enteredAt.push(at);
          queue.push({ at: at + takes, takes, since: at });
        }
      }
      expect(enteredAt).toHaveLength(arriving.length);
    }),
  );
});

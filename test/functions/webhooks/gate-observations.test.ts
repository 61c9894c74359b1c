import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admit, type Gate, leave, newGate, type Passage } from '../../../functions/webhooks/gate.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const year = 365 * 24 * hour;
const start = Date.parse('2026-11-24T12:00:00Z');
const limits = { maxInFlight: 100, interval: 0 };

const ask = (gate: Gate, hold: string, count: number, now: number) =>
  admit(gate, hold, Array(count).fill({}), limits, now, now + minute);

const failed = (startedAt: number, took: number, change: Partial<Passage> = {}): Passage => ({
  ...{ startedAt, endedAt: startedAt + took, isSuccess: false, slowDown: false, retryAfter: undefined },
  ...change,
});

test('failures of attempts that were let in together count as one, however far apart they come', () => {
  const spread = fc.array(fc.record({ after: fc.nat(30 * second), took: fc.nat(15 * second) }), { minLength: 1 });
  fc.assert(
    fc.property(spread, (attempts) => {
      const { gate } = ask(newGate, 'a', attempts.length, start);
      const left = leave(
        gate,
        'a',
        attempts.map(({ after, took }) => failed(start + after, took)),
      );
      expect(left).toMatchObject({ failures: 1, failedAttempts: attempts.length });
      expect(left.closedUntil).toBeUndefined();
    }),
  );
});

test('failures of batches that were under way together count as one, in whatever order they end', () => {
  const ends = fc.array(fc.nat(15 * second), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(ends, (took) => {
      let gate = newGate;
      for (const at of took.keys()) gate = ask(gate, `${at}`, 2, start + at).gate;
      const ending = [...took.entries()].toSorted(([, a], [, b]) => a - b);
      for (const [at, duration] of ending) {
        gate = leave(gate, `${at}`, [failed(start + at, duration), failed(start + at, 0)]);
      }
      expect(gate.failures).toBe(1);
    }),
  );
});

test('a batch that is let in after a failure is known is another observation', () => {
  let { gate } = ask(newGate, 'a', 2, start);
  gate = leave(gate, 'a', [failed(start, 10), failed(start + 5, 10)]);
  gate = leave(ask(gate, 'b', 2, start + 20).gate, 'b', [failed(start + 20, 10), failed(start + 25, 10)]);
  expect(gate.failures).toBe(2);
});

test('of the wishes of a burst the longest is heeded, and the burst counts once', () => {
  const { gate } = ask(newGate, 'a', 3, start);
  const wishes = [2 * second, minute, 7 * second];
  const left = leave(
    gate,
    'a',
    wishes.map((retryAfter, at) => failed(start + 40 * at, 10, { slowDown: true, retryAfter })),
  );
  expect(left.failures).toBe(1);
  expect(left.closedUntil).toBe(start + 40 + 10 + minute);
});

test.each([minute, hour, year])(
  'a gate that a clock %i ms ahead has closed and filled is open once it is right',
  (ahead) => {
    const wrong = start + ahead;
    let { gate } = ask(newGate, 'dead', 100, wrong);
    gate = ask(gate, 'late', 50, wrong).gate;
    gate = leave(gate, 'refused', [failed(wrong, 10, { slowDown: true, retryAfter: 5 * second })]);
    expect(ask(gate, 'x', 1, wrong + second).places).not.toEqual(['enter']);
    const { gate: open, places } = ask(gate, 'x', 1, start + second);
    expect(places).toEqual(['enter']);
    expect(open.freeAt).toBeLessThan(start + minute);
    expect(Object.keys(open.holds)).toEqual(['x']);
  },
);

test.each([minute, hour, year])('a gate is not kept closed by a clock that goes %i ms ahead', (ahead) => {
  const { gate } = ask(newGate, 'a', 1, start);
  const closed = leave(gate, 'a', [failed(start, 10, { slowDown: true, retryAfter: 5 * second })]);
  expect(ask(closed, 'b', 1, start + ahead).places).toEqual(['enter']);
});

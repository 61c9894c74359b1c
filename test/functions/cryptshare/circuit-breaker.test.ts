import { describe, expect, it, test } from 'vitest';
import type { CircuitCause } from '#functions/cryptshare/circuit-breaker.ts';
import {
  circuitAfterAnswer,
  circuitAfterFault,
  circuitCauseOf,
  closedCircuit,
  openUntilFor,
} from '#functions/cryptshare/circuit-breaker.ts';

const now = Date.parse('2026-11-24T00:00:00Z');

const fault = (cause: CircuitCause, retryAfterMs?: number, mailbox?: string) => ({ cause, retryAfterMs, mailbox });

/** Seconds of rest after each fault, when each comes once the rest before is over. */
function rests(cause: CircuitCause, count: number, chance = 0): number[] {
  let circuit = closedCircuit;
  let time = now;
  return Array.from({ length: count }, () => {
    circuit = circuitAfterFault(circuit, fault(cause), time, chance);
    const rest = Math.max(0, circuit.openUntil - time);
    time += rest;
    return rest / 1000;
  });
}

describe('a server is left alone', () => {
  it('for longer and longer when it throttles without saying for how long', () => {
    expect(rests('throttled', 9)).toEqual([0, 0, 30, 60, 120, 240, 480, 900, 900]);
  });

  test.each(['server_fault', 'timeout', 'unreachable'] as const)(
    'later and less long after %s, which may pass at any moment',
    (cause) => {
      expect(rests(cause, 11)).toEqual([0, 0, 0, 0, 0, 30, 60, 120, 240, 300, 300]);
    },
  );

  it('up to a quarter longer by chance', () => {
    expect(rests('throttled', 4, 1)).toEqual([0, 0, 37.5, 75]);
  });

  it('for as long as it asks for, up to an hour, at once', () => {
    const asked = (milliseconds: number) =>
      circuitAfterFault(closedCircuit, fault('server_fault', milliseconds), now, 0.5).openUntil - now;
    expect(asked(7_000)).toBe(7_000);
    expect(asked(3 * 3_600_000)).toBe(3_600_000);
  });

  it('never for less than it has asked for before', () => {
    const asked = circuitAfterFault(closedCircuit, fault('throttled', 600_000), now, 0);
    expect(circuitAfterFault(asked, fault('throttled', 1_000), now, 0).openUntil).toBe(now + 600_000);
  });
});

describe('faults that concern one mailbox', () => {
  const after = (...faults: ReturnType<typeof fault>[]) =>
    faults.reduce((circuit, one) => circuitAfterFault(circuit, one, now, 0), closedCircuit);
  const six = (cause: CircuitCause = 'server_fault') => Array(6).fill(fault(cause, undefined, 'a@example.com'));
  const rest = (circuit: typeof closedCircuit, mailbox?: string) =>
    Math.max(0, openUntilFor(circuit, mailbox) - now) / 1000;

  it('have that one wait, and no other', () => {
    const circuit = after(...six());
    expect([rest(circuit, 'a@example.com'), rest(circuit, 'b@example.com'), rest(circuit)]).toEqual([30, 0, 0]);
  });

  it('have all wait once another one fails, too', () => {
    const circuit = after(...six(), fault('timeout', undefined, 'b@example.com'), ...six());
    expect([rest(circuit, 'a@example.com'), rest(circuit, 'b@example.com'), rest(circuit)]).toEqual([300, 300, 300]);
  });

  it('have that one wait alone if it is the only one that still fails when all have waited', () => {
    const all = after(...six(), fault('timeout', undefined, 'b@example.com'));
    const later = circuitAfterFault(all, fault('server_fault', undefined, 'a@example.com'), all.openUntil, 0);
    const left = (mailbox: string) => Math.max(0, openUntilFor(later, mailbox) - all.openUntil) / 1000;
    expect([left('a@example.com'), left('b@example.com')]).toEqual([120, 0]);
  });

  it('have all wait when the server throttles or says for how long', () => {
    expect(rest(after(...six('throttled')), 'b@example.com')).toBeGreaterThan(0);
    const asked = after(fault('server_fault', 60_000, 'a@example.com'), fault('timeout', undefined, 'a@example.com'));
    expect(rest(asked, 'b@example.com')).toBe(60);
  });

  it('are nothing to it any more once the server has answered another', () => {
    expect(rest(circuitAfterAnswer(after(...six()), now), 'a@example.com')).toBe(0);
    expect(rest(circuitAfterAnswer(after(fault('throttled', 60_000, 'a@example.com')), now), 'b@example.com')).toBe(60);
  });
});

test('what rest cannot mend is no circuit', () => {
  expect(circuitCauseOf('throttled')).toBe('throttled');
  for (const kind of ['token_invalid', 'not_licensed', 'malformed_answer', 'certificate_untrusted'] as const) {
    expect(circuitCauseOf(kind)).toBeUndefined();
  }
});

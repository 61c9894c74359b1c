import { describe, expect, it } from 'vitest';
import type { ServerCircuit } from '#functions/cryptshare/circuit-breaker.ts';
import {
  believedCircuit,
  circuitAfterAnswer,
  circuitAfterFault,
  circuitAfterSameFault,
  circuitCauseOf,
  closedCircuit,
  openUntilFor,
} from '#functions/cryptshare/circuit-breaker.ts';

type CircuitCause = ServerCircuit['cause'];

const now = Date.parse('2026-11-24T00:00:00Z');

const fault = (cause: CircuitCause, retryAfterMs?: number, mailbox?: string) => ({ cause, retryAfterMs, mailbox });

/** The circuit after faults at one time. */
const after = (...faults: ReturnType<typeof fault>[]) =>
  faults.reduce((circuit, one) => circuitAfterFault(circuit, one, now, 0), closedCircuit);
const six = (cause: CircuitCause = 'server_fault') => Array(6).fill(fault(cause, undefined, 'a'));

/** Seconds for which the circuit is open for mailboxes a and b, and for requests without a mailbox. */
function restsOf(circuit: ServerCircuit, time = now) {
  const rest = (mailbox?: string) => Math.max(0, openUntilFor(circuit, mailbox) - time) / 1000;
  return { a: rest('a'), b: rest('b'), none: rest() };
}

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

describe('circuitAfterFault', () => {
  it('opens the circuit ever longer from the third throttling without a time', () => {
    expect(rests('throttled', 9)).toEqual([0, 0, 30, 60, 120, 240, 480, 900, 900]);
  });

  it.each(['server_fault', 'timeout', 'unreachable'] as const)('opens the circuit from the sixth %s', (cause) => {
    expect(rests(cause, 11)).toEqual([0, 0, 0, 0, 0, 30, 60, 120, 240, 300, 300]);
  });

  it('adds up to a quarter at random', () => {
    expect(rests('throttled', 4, 1)).toEqual([0, 0, 37.5, 75]);
  });

  it('opens the circuit at once for as long as the server asks, up to an hour', () => {
    const openFor = (retryAfterMs: number) =>
      circuitAfterFault(closedCircuit, fault('server_fault', retryAfterMs), now, 0.5).openUntil - now;
    expect(openFor(7_000)).toBe(7_000);
    expect(openFor(3 * 3_600_000)).toBe(3_600_000);
  });

  it('never closes the circuit earlier than the server has asked before', () => {
    const open = circuitAfterFault(closedCircuit, fault('throttled', 600_000), now, 0);
    expect(circuitAfterFault(open, fault('throttled', 1_000), now, 0).openUntil).toBe(now + 600_000);
  });

  it('opens the circuit for a mailbox alone that all faults concern', () => {
    expect(restsOf(after(...six()))).toEqual({ a: 30, b: 0, none: 0 });
  });

  it('opens the circuit for all mailboxes once a second one fails', () => {
    const circuit = after(...six(), fault('timeout', undefined, 'b'), ...six());
    expect(restsOf(circuit)).toEqual({ a: 300, b: 300, none: 300 });
  });

  it('opens the circuit for a mailbox alone again that still fails after a rest of all', () => {
    const all = after(...six(), fault('timeout', undefined, 'b'));
    const later = circuitAfterFault(all, fault('server_fault', undefined, 'a'), all.openUntil, 0);
    expect(restsOf(later, all.openUntil)).toEqual({ a: 120, b: 0, none: 0 });
  });

  it('opens the circuit for all mailboxes when the server throttles or asks to wait', () => {
    expect(restsOf(after(...six('throttled'))).b).toBeGreaterThan(0);
    const waits = after(fault('server_fault', 60_000, 'a'), fault('timeout', undefined, 'a'));
    expect(restsOf(waits).b).toBe(60);
  });
});

describe('circuitAfterSameFault', () => {
  const open = after(...six());

  it('counts no further fault, and keeps the one mailbox that faults concern', () => {
    const same = circuitAfterSameFault(open, fault('server_fault', undefined, 'a'), now + 1);
    expect(same).toEqual({ ...open, toldAt: now + 1 });
  });

  it('concerns all mailboxes when a second one fails or the server asks to wait', () => {
    expect(restsOf(circuitAfterSameFault(open, fault('server_fault', undefined, 'b'), now)).none).toBe(30);
    expect(restsOf(circuitAfterSameFault(open, fault('server_fault', 60_000, 'a'), now)).b).toBe(60);
  });
});

describe('believedCircuit', () => {
  it('is closed for a circuit of the future, and for one that is open longer than any', () => {
    const circuit = circuitAfterFault(closedCircuit, fault('throttled', 3_600_000), now, 0);
    expect(believedCircuit(circuit, now)).toEqual(circuit);
    expect(believedCircuit({ ...circuit, openUntil: now }, now - 60_000)).toEqual(closedCircuit);
    expect(believedCircuit({ ...circuit, openUntil: now + 7_200_000 }, now)).toEqual(closedCircuit);
  });
});

describe('circuitAfterAnswer', () => {
  it('closes the circuit of one mailbox, and keeps the rest of all', () => {
    expect(restsOf(circuitAfterAnswer(after(...six()), now)).a).toBe(0);
    expect(restsOf(circuitAfterAnswer(after(fault('throttled', 60_000, 'a')), now)).b).toBe(60);
  });

  it('begins to count faults anew', () => {
    const answered = circuitAfterAnswer(after(...six('throttled')), now);
    expect(answered).toMatchObject({ faults: 0, toldAt: now });
    expect(circuitAfterFault(answered, fault('throttled'), now + 900_000, 0).openUntil).toBeLessThanOrEqual(
      now + 900_000,
    );
  });
});

describe('circuitCauseOf', () => {
  it('is undefined for failures that no rest can mend', () => {
    expect(circuitCauseOf('throttled')).toBe('throttled');
    for (const kind of ['token_invalid', 'not_licensed', 'malformed_answer', 'certificate_untrusted'] as const) {
      expect(circuitCauseOf(kind)).toBeUndefined();
    }
  });
});

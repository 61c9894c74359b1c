import { describe, expect, it, test } from 'vitest';
import type { StrainCause } from '../../../functions/transfers/strain.ts';
import { strainAfterFault, strainCauseOf, unstrained } from '../../../functions/transfers/strain.ts';

const now = Date.parse('2026-11-24T00:00:00Z');

/** Seconds of rest after each fault, when each comes once the rest before is over. */
function rests(cause: StrainCause, count: number, chance = 0): number[] {
  let strain = unstrained;
  let time = now;
  return Array.from({ length: count }, () => {
    strain = strainAfterFault(strain, cause, undefined, time, chance);
    const rest = Math.max(0, strain.restsUntil - time);
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
      strainAfterFault(unstrained, 'server_fault', milliseconds, now, 0.5).restsUntil - now;
    expect(asked(7_000)).toBe(7_000);
    expect(asked(3 * 3_600_000)).toBe(3_600_000);
  });

  it('never for less than it has asked for before', () => {
    const asked = strainAfterFault(unstrained, 'throttled', 600_000, now, 0);
    expect(strainAfterFault(asked, 'throttled', 1_000, now, 0).restsUntil).toBe(now + 600_000);
  });
});

test('what rest cannot mend is no strain', () => {
  expect(strainCauseOf('throttled')).toBe('throttled');
  for (const kind of ['token_invalid', 'not_licensed', 'malformed_answer', 'certificate_untrusted'] as const) {
    expect(strainCauseOf(kind)).toBeUndefined();
  }
});
